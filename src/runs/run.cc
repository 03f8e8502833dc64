#include <algorithm>
#include <boost/json.hpp>

#include "base/async.h"
#include "base/beat.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/text.h"
#include "runs/output.h"
#include "runs/payload.h"
#include "runs/relay.h"
#include "runs/rows.h"
#include "runs/runs.h"
#include "runs/sql.h"

namespace antiphon::runs {
namespace {

using namespace std::chrono_literals;

/// What the providers sent until a beat is read, parsed and emitted by then.
constexpr auto kSettle = 8ms;
constexpr std::size_t kMaxPendingBytes = 256 * 1024;

/// How far a standby may lag that takes over without an owner's answer losing anything.
constexpr auto kKeptFor = 10s;
constexpr std::size_t kMaxKeptBytes = 256 * 1024;

std::size_t weight(const json::Value& event) {
  const json::Value* data = json::find(event, "data");
  std::size_t text = data ? json::text_at(*data, "delta").size() : 0;
  return 200 + text;  // The envelope is about that long; snapshots are rare.
}

std::vector<std::string> texts_of(const std::vector<json::Value>& events) {
  std::vector<std::string> out;
  out.reserve(events.size());
  for (const json::Value& event : events) out.push_back(json::serialize(event));
  return out;
}

}  // namespace

Run::Run(Runs& runs, RunRow row, std::int64_t next_seq)
    : runs_(runs), row_(std::move(row)), next_seq_(next_seq) {}

void Run::emit(json::Value event) {
  bool wake = false;
  bool urgent = false;
  {
    std::scoped_lock lock(mutex_);
    pending_bytes_ += weight(event);
    if (!pending_.empty() && merge_delta(pending_.back(), event)) return;
    wake = pending_.empty() && !held_;
    urgent = wake && std::exchange(urgent_, false);
    pending_.push_back(std::move(event));
    ++emitted_;
  }
  if (wake) runs_.wake(shared_from_this(), urgent);
}

void Run::hold() {
  std::scoped_lock lock(mutex_);
  held_ = true;
}

void Run::emit_with_cursor(const std::function<std::string()>& work) {
  bool queued = false;
  {
    std::scoped_lock lock(mutex_);
    held_ = true;
    queued = !pending_.empty();
  }
  std::string cursor = work();
  bool urgent = false;
  {
    std::scoped_lock lock(mutex_);
    held_ = false;
    bool begins = !cursor.empty() && !noted_;
    if (begins && pending_.empty()) {  // So that nobody asks a second time before there is a word.
      pending_.push_back(json::Object{{"type", "run:asked"}, {"data", json::Object()}});
      ++emitted_;
      urgent = true;
    } else if (!queued && !pending_.empty()) {
      urgent = std::exchange(urgent_, false);
    }
    bool ends = noted_ && cursor.empty();
    noted_ = !cursor.empty();
    if (noted_ || ends) cursor_ = std::move(cursor);
    if (pending_.empty() || (queued && !std::exchange(passed_over_, false))) return;
    passed_over_ = false;
  }
  runs_.wake(shared_from_this(), urgent);
}

Task<> Run::room() {
  co_await progress_.until([this] {
    std::scoped_lock lock(mutex_);
    return pending_bytes_ < kMaxPendingBytes || fenced_;
  });
}

Task<> Run::committed() {
  std::int64_t target = 0;
  {
    std::scoped_lock lock(mutex_);
    target = emitted_;
    urgent_ = false;
  }
  runs_.wake(shared_from_this(), true);
  co_await progress_.until([&] {
    std::scoped_lock lock(mutex_);
    return committed_ >= target || fenced_;
  });
  if (fenced_) throw Problem(Problem::Kind::conflict, "This answer is being written elsewhere");
}

Task<> Run::ended() {
  co_await progress_.until([this] { return ended_ || fenced_; });
}

void Run::cancel() {
  std::function<void()> action;
  {
    std::scoped_lock lock(mutex_);
    if (cancelled_.exchange(true)) return;
    action = std::exchange(cancel_action_, nullptr);
  }
  if (action) action();
}

void Run::on_cancel(std::function<void()> action) {
  {
    std::scoped_lock lock(mutex_);
    if (!cancelled_) {
      cancel_action_ = std::move(action);
      return;
    }
  }
  if (action) action();
}

Task<bool> Run::finish(State state, std::optional<json::Value> last_event,
                       std::vector<store::Bound> with) {
  std::vector<json::Value> left;
  co_await progress_.until([&] {  // What the log writer has in hand comes first.
    std::scoped_lock lock(mutex_);
    finishing_ = true;
    if (!fenced_ && committed_ + static_cast<std::int64_t>(pending_.size()) != emitted_) return false;
    left = std::exchange(pending_, {});
    return true;
  });
  if (last_event) left.push_back(std::move(*last_event));
  std::vector<std::string> rest = texts_of(left);
  std::string payload = payload_of(left);
  bool ended = !fenced_;
  for (auto pause = 100ms; ended; pause = std::min<std::chrono::milliseconds>(pause * 2, 5s)) {
    std::exception_ptr failure;
    if (fenced_) {  // While the database was away: the process ends, or somebody else has the run.
      ended = false;
      break;
    }
    try {
      ended = co_await runs_.finish_once(*this, state, payload, with);
      break;
    } catch (const Problem& p) {
      if (p.kind() != Problem::Kind::unavailable) failure = std::current_exception();
      log::warn("An answer could not be saved yet; it is kept in the log",
                {{"run", id()}, {"cause", p.cause()}, {"kind", static_cast<int>(p.kind())}});
    }
    if (failure) {
      runs_.forget(id());
      ended_ = true;
      progress_.notify();
      std::rethrow_exception(failure);
    }
    co_await sleep_for(pause);
  }
  if (ended)
    runs_.publish(*this, next_seq_, rest, true);
  else
    fenced_ = true;
  ended ? runs_.forget(id()) : runs_.give_up(*this);
  ended_ = true;
  progress_.notify();
  co_return ended;
}

Task<bool> Runs::finish_once(Run& run, State state, const std::string& payload,
                             const std::vector<store::Bound>& with) {
  auto as = static_cast<std::int64_t>(state);
  std::int64_t epoch = run.row_.epoch;
  std::vector<store::Bound> all;
  all.reserve(2 + with.size());
  all.emplace_back(sql::kFinish, run.id(), epoch, as, unix_seconds());
  all.emplace_back(sql::kLastEvent, run.id(), run.next_seq_, epoch, payload, as);
  all.insert(all.end(), with.begin(), with.end());
  std::exception_ptr failure;
  try {
    (void)co_await db_.batch(std::move(all));
  } catch (const Problem&) {
    failure = std::current_exception();
  }
  if (!failure) {
    try {
      co_await offer_again();
    } catch (const Problem& p) {
      log::warn("The last rows of answers could not be offered again", {{"cause", p.cause()}});
    }
    co_return true;
  }
  // It fails when somebody else has the run, and when an earlier commit, whose answer was lost, has
  // ended it already.
  auto row = co_await find(run.id());
  bool ours = row && row->epoch == epoch;
  if (ours && row->state < 10) std::rethrow_exception(failure);
  co_return ours && row->state == as;
}

// ---------------------------------------------------------------------------------------------
// The log writer: natural group commit over all runs of the process. One row a run and commit.

struct Runs::Slice {
  std::shared_ptr<Run> run;
  std::int64_t seq;
  std::string payload;              ///< The row.
  std::vector<std::string> events;  ///< JSON text each, as clients receive them.
};

void Runs::wake(std::shared_ptr<Run> run, bool urgent) {
  {
    std::scoped_lock lock(mutex_);
    auto& queue = urgent ? urgent_ : waiting_;
    queue.push_back(std::move(run));
    if (queue.size() > 1) return;  // Whoever was first has told the writer.
  }
  work_.notify();
}

/// What is urgent, and in a `round` everything. A run is asked once, however often it is queued.
std::vector<Runs::Slice> Runs::take_pending(bool round) {
  std::vector<std::shared_ptr<Run>> queued;
  {
    std::scoped_lock lock(mutex_);
    queued = std::exchange(urgent_, {});
    if (round) {
      queued.insert(queued.end(), std::make_move_iterator(waiting_.begin()),
                    std::make_move_iterator(waiting_.end()));
      waiting_.clear();
    }
  }
  std::vector<Slice> slices;
  slices.reserve(queued.size());
  for (auto& run : queued) {
    std::vector<json::Value> events;
    std::optional<std::string> cursor;
    {
      std::scoped_lock lock(run->mutex_);
      if (run->pending_.empty() || run->finishing_ || run->fenced_) continue;
      if (run->held_) {
        run->passed_over_ = true;
        continue;
      }
      events = std::exchange(run->pending_, {});
      cursor = std::exchange(run->cursor_, std::nullopt);
      run->pending_bytes_ = 0;
    }
    std::int64_t seq = run->next_seq_;
    slices.push_back({std::move(run), seq, payload_of(events, cursor), texts_of(events)});
  }
  // One order for all who hold several runs in one transaction.
  std::ranges::sort(slices, {}, [](const Slice& s) -> const std::string& { return s.run->id(); });
  return slices;
}

Task<> Runs::write_log() {
  auto next_round = std::chrono::steady_clock::now();
  while (!(scope_.closing() && live_here() == 0)) {
    bool urgent = false, waiting = false;
    {
      std::scoped_lock lock(mutex_);
      urgent = !urgent_.empty();
      waiting = !waiting_.empty();
    }
    auto now = std::chrono::steady_clock::now();
    bool round = waiting && now >= next_round;
    if (!round && !urgent) {
      std::chrono::nanoseconds idle = 1s;
      (void)co_await work_.wait(waiting ? next_round - now : idle);
      continue;
    }
    if (round) next_round = on_grid(now, options_.beat) + kSettle;
    if (auto slices = take_pending(round); !slices.empty()) co_await commit(std::move(slices));
  }
}

Task<> Runs::commit(std::vector<Slice> slices) {
  auto statements = [&slices](const store::Sql& append) {
    std::vector<store::Bound> out;
    out.reserve(slices.size());
    for (const Slice& s : slices)
      out.emplace_back(append, s.run->id(), s.seq, s.run->row_.epoch, s.payload);
    return out;
  };
  bool in_doubt = false;  // The rows may be there: ours, or whoever's has taken the run over.
  for (auto pause = 100ms;; pause = std::min<std::chrono::milliseconds>(pause * 2, 2s)) {
    std::vector<std::int64_t> inserted;
    try {
      if (in_doubt) co_await offer_again();
      inserted = co_await db_.batch(statements(in_doubt ? sql::kAppendIfFree : sql::kAppend));
    } catch (const Problem& p) {
      bool taken = p.kind() == Problem::Kind::conflict && !in_doubt;
      in_doubt = true;
      if (taken) continue;
      log::warn("The answer log waits for the database",
                {{"cause", p.cause()}, {"detail", p.detail()}});
    }
    if (!inserted.empty()) {
      ++commits_;
      rows_ += static_cast<std::int64_t>(slices.size());
      for (std::size_t i = 0; i != slices.size(); ++i) {
        bool ours = inserted[i] == 1;
        if (!ours && in_doubt) ours = co_await was_committed(slices[i]);
        settle(slices[i], ours);
      }
      co_return;
    }
    if (scope_.closing()) co_return;  // Nobody has seen it.
    co_await sleep_for(pause);
  }
}

/// A standby that takes over may lack what was committed last, and seen. So whenever a connection had
/// to be made again, every live run's last rows are offered once more; those that are there stay as
/// they are. Throws when the database is away.
Task<> Runs::offer_again() {
  std::int64_t reconnects = db_.stats().reconnects;
  if (reconnects == offered_at_) co_return;
  for (const auto& run : live_runs()) {
    std::vector<store::Bound> rows;
    {
      std::scoped_lock lock(run->mutex_);
      for (const Run::Kept& row : run->kept_)
        rows.emplace_back(sql::kAppendIfFree, run->id(), row.seq, run->row_.epoch, row.payload);
    }
    if (rows.empty()) continue;
    std::int64_t lost = 0;
    for (std::int64_t added : co_await db_.batch(std::move(rows))) lost += added;
    if (lost)
      log::warn("The database had lost rows of an answer; they are there again",
                {{"run", run->id()}, {"rows", lost}});
  }
  offered_at_ = reconnects;
}

/// Under the run's mutex.
void Runs::keep(Run& run, std::int64_t seq, std::string payload) const {
  if (db_.dialect() != store::Dialect::postgres) return;
  auto now = std::chrono::steady_clock::now();
  run.kept_bytes_ += payload.size();
  run.kept_.push_back({seq, std::move(payload), now});
  while (!run.kept_.empty() &&
         (run.kept_bytes_ > kMaxKeptBytes || now - run.kept_.front().at > kKeptFor)) {
    run.kept_bytes_ -= run.kept_.front().payload.size();
    run.kept_.pop_front();
  }
}

/// After a commit whose outcome is unknown: is the row there, and ours? Asks until there is an answer.
Task<bool> Runs::was_committed(const Slice& slice) const {
  for (auto pause = 100ms;; pause = std::min<std::chrono::milliseconds>(pause * 2, 2s)) {
    try {
      auto epoch = co_await db_.first<Number>(sql::kEventEpoch, slice.run->id(), slice.seq);
      co_return epoch && epoch->value == slice.run->row_.epoch;
    } catch (const Problem& p) {
      log::warn("The answer log waits for the database",
                {{"cause", p.cause()}, {"detail", p.detail()}});
    }
    if (scope_.closing()) co_return false;
    co_await sleep_for(pause);
  }
}

void Runs::settle(Slice& slice, bool committed) {
  Run& run = *slice.run;
  if (committed) {
    publish(run, slice.seq, slice.events, false);
  } else {
    run.fenced_ = true;
    run.cancel();
    give_up(run);
  }
  {
    std::scoped_lock lock(run.mutex_);
    if (committed) {
      ++run.next_seq_;
      keep(run, slice.seq, std::move(slice.payload));
    }
    run.committed_ += static_cast<std::int64_t>(slice.events.size());
  }
  run.progress_.notify();
}

/// Somebody else has the run: from here on its clients are told what he writes.
void Runs::give_up(const Run& run) {
  forget(run.id());
  if (relay_ && !scope_.closing()) relay_->give_up(run.names(), run.next_seq_ - 1);
}

void Runs::publish(const Run& run, std::int64_t seq, const std::vector<std::string>& events,
                   bool last) const {
  if (events.empty()) return;
  if (publish_) publish_(run.names(), seq, events, last);
  if (relay_) relay_->share(run.names(), seq, events, last);
}

}  // namespace antiphon::runs

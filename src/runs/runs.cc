#include "runs/runs.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/async.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/text.h"
#include "runs/payload.h"
#include "runs/relay.h"
#include "runs/rows.h"
#include "runs/sql.h"

namespace antiphon::runs {

ANTIPHON_DTO_DEFINE(RunRow)
ANTIPHON_DTO_DEFINE(OwnRow)
ANTIPHON_DTO_DEFINE(RenewedRow)
ANTIPHON_DTO_DEFINE(Number)
ANTIPHON_DTO_DEFINE(EventRow)

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kKeepEvents = 600;      // Seconds after the end: a client may still catch up.
constexpr std::int64_t kKeepRuns = 24 * 3600;  // For idempotent repeats.
constexpr std::size_t kMaxReplay = 64 << 20;
constexpr int kSweeps = 5;
constexpr std::size_t kMostRemoved = 10'000;

}  // namespace

Runs::Runs(store::Db& db, Options options, Loops& loops)
    : db_(db), options_(std::move(options)), loops_(loops), node_id_(uuid4()) {}
Runs::~Runs() = default;

Task<> Runs::start() {
  co_await db_.run(sql::kRegister, node_id_, options_.node_name, options_.version,
                   options_.lease.count());
  renewed_at_ = std::chrono::steady_clock::now();
  contact_since_ = renewed_at_.load();
  scope_.start(loops_.at(0), "answer log", [this] { return write_log(); });
  scope_.start(loops_.at(0), "run keeper", [this] { return tend(); });
}

Task<> Runs::stop(std::chrono::milliseconds deadline) {
  draining_ = true;
  auto end = std::chrono::steady_clock::now() + deadline;
  while (live_here() != 0 && std::chrono::steady_clock::now() < end) co_await sleep_for(20ms);
  // What is left keeps its committed tokens and is taken up by whoever comes next.
  scope_.refuse();
  for (auto& run : live_runs()) {
    run->fenced_ = true;
    run->cancel();
    run->progress_.notify();
    forget(run->id());
  }
  work_.notify();
  look_.notify();
  (void)co_await scope_.close(5s);
  if (co_await db_.alive()) {
    co_await db_.run(sql::kLeave, node_id_);
    give_away();
  } else
    log::warn("The lease could not be returned; it runs out by itself");
}

void Runs::give_away() {
  if (relay_) relay_->tell_to_look();
}

store::Bound Runs::creating(const NewRun& run) const {
  return {sql::kCreate,
          run.run_id,
          run.chat_id,
          run.message_id,
          run.user_id,
          run.idempotency_key,
          run.for_others ? std::string() : node_id_,
          run.request,
          unix_seconds()};
}

std::shared_ptr<Run> Runs::begin(const NewRun& run) {
  RunRow row{run.run_id, run.chat_id, run.message_id, run.user_id, 1, node_id_, 1, 1, run.request};
  std::shared_ptr<Run> live(new Run(*this, std::move(row), 1));
  std::scoped_lock lock(mutex_);
  live_[run.run_id] = live;
  return live;
}

Task<> Runs::write(std::shared_ptr<Run> run, std::function<Task<>()> work) {
  struct GiveUp {
    Runs& runs;
    const Run& run;
    ~GiveUp() { runs.forget(run.id()); }
  } give_up{*this, *run};
  co_await work();
}

Task<std::optional<RunRow>> Runs::find_by_key(std::string user_id, std::string key) const {
  co_return co_await db_.first<RunRow>(sql::kFindByKey, user_id, key);
}
Task<std::vector<RunRow>> Runs::live_of_chat(std::string chat_id) const {
  co_return co_await db_.all<RunRow>(sql::kLiveOfChat, chat_id);
}
Task<std::vector<RunRow>> Runs::live_of_user(std::string user_id) const {
  co_return co_await db_.all<RunRow>(sql::kLiveOfUser, user_id);
}
Task<std::vector<RunRow>> Runs::live() const {
  co_return co_await db_.all<RunRow>(sql::kLive);
}
Task<std::vector<RunRow>> Runs::recent_of_user(std::string user_id, std::int64_t since) const {
  co_return co_await db_.all<RunRow>(sql::kRecentOfUser, user_id, since);
}
Task<std::optional<RunRow>> Runs::find(std::string run_id) const {
  co_return co_await db_.first<RunRow>(sql::kFind, run_id);
}

Task<std::vector<LoggedEvent>> Runs::events(std::string run_id, std::int64_t after_seq,
                                            std::int64_t after_index) const {
  std::vector<LoggedEvent> out;
  std::size_t bytes = 0;
  for (EventRow& row : co_await db_.all<EventRow>(sql::kEventsSince, run_id, after_seq)) {
    if ((bytes += row.payload.size()) > kMaxReplay) break;
    std::int64_t index = 0;
    for (json::Value& event : events_of(row.payload)) {
      ++index;
      if (row.seq == after_seq && index <= after_index) continue;
      out.push_back({row.seq, index, std::move(event)});
    }
  }
  co_return out;
}

Task<std::vector<RunRow>> Runs::cancel_chat(std::string chat_id) {
  auto rows = co_await db_.all<RunRow>(sql::kCancelChat, chat_id);
  bool elsewhere = false;
  for (const RunRow& row : rows)
    if (auto run = live_run(row.run_id))
      run->cancel();
    else
      elsewhere = true;
  if (elsewhere && relay_) relay_->tell_to_look();
  co_await adopt_orphans(chat_id);
  co_return rows;
}

void Runs::cancel_here(const std::string& user_id) {
  for (const auto& run : live_runs())
    if (run->user_id() == user_id) run->cancel();
}

Task<> Runs::remove_all(store::Connection& c, const std::string& user_id) {
  co_await c.run(sql::kRemoveEventsOf, user_id);
  auto removed = co_await c.all<OwnRow>(sql::kRemoveRunsOf, user_id);
  std::scoped_lock lock(mutex_);
  for (OwnRow& row : removed)
    if (removed_.size() < kMostRemoved) removed_.emplace_back(std::move(row.run_id), kSweeps);
}

Task<bool> Runs::cancel(std::string run_id) {
  bool known = co_await db_.run(sql::kCancel, run_id) != 0;
  if (auto run = live_run(run_id))
    run->cancel();
  else if (known && relay_)
    relay_->tell_to_look();
  co_return known;
}

// ---------------------------------------------------------------------------------------------
// The keeper: the lease, orphans, requests to stop, and old rows.

Task<> Runs::tend() {
  auto step = [](std::string_view what, Task<> work) -> Task<bool> {
    try {
      co_await std::move(work);
      co_return true;
    } catch (const Problem& p) {
      log::warn("The run keeper will try again", {{"step", what}, {"cause", p.cause()}});
      co_return false;
    }
  };
  bool many = db_.dialect() == store::Dialect::postgres;
  bool adopted = false;
  for (std::int64_t round = 0; !scope_.closing(); ++round) {
    if (many) (void)co_await step("lease", renew_lease());
    // Another process may ask for a stop; strays are rare.
    if (!strays_.empty() || round % 5 == 0 || (many && live_here() != 0))
      (void)co_await step("own", mind_own());
    if (many || !adopted) adopted = co_await step("orphans", adopt_orphans());
    if (round % 60 == 0) (void)co_await step("sweep", sweep(round == 0));
    (void)co_await step("removed", sweep_removed());
    if (round % 3600 == 0) (void)co_await step("strays", sweep_stray_events());
    co_await rest();
  }
}

/// Until the next round. Somebody who asks for a stop may be heard before, and is looked for while he
/// cannot be heard.
Task<> Runs::rest() {
  auto end = std::chrono::steady_clock::now() + options_.keeper_period;
  while (!scope_.closing()) {
    std::chrono::nanoseconds left = end - std::chrono::steady_clock::now();
    bool deaf = relay_ && !relay_->hears() && live_here() != 0;
    bool told = co_await look_.wait(std::clamp<std::chrono::nanoseconds>(
        left, 0ns, deaf ? Relay::kLookOften : options_.keeper_period));
    bool over = std::chrono::steady_clock::now() >= end;
    if (scope_.closing() || (over && !told)) co_return;
    try {
      co_await mind_own();
      if (!adopts_.exchange(false)) continue;
      if (db_.dialect() == store::Dialect::postgres) co_await renew_lease();
      co_await adopt_orphans();
    } catch (const Problem& p) {
      log::warn("The run keeper will try again", {{"step", "look"}, {"cause", p.cause()}});
    }
  }
}

Task<> Runs::renew_lease() {
  std::optional<std::int64_t> session = session_ ? session_() : std::nullopt;
  auto row = co_await db_.first<RenewedRow>(sql::kRenew, node_id_, options_.lease.count(), session);
  auto now = std::chrono::steady_clock::now();
  if (now - renewed_at_.load() > unbroken()) contact_since_ = now;
  renewed_at_ = now;
  others_ = row && row->others != 0;
  if (company_) company_(others_);
  if (row && session && !row->session) {
    // Another server is written to: leases there may be as old as it lags.
    contact_since_ = now;
    if (elsewhere_) elsewhere_();
  }
  co_await offer_again();
  if (!row)
    co_await db_.run(sql::kRegister, node_id_, options_.node_name, options_.version,
                     options_.lease.count());
}

/// Stops what others asked to be stopped, and finds strays: runs that are ours by the database's word
/// but that nobody here writes. A commit whose answer was lost made them, or a take-over or an end that
/// was cut short. One that is seen twice is taken over as if from a dead process; should its writer be
/// about to begin after all, that one is fenced.
Task<> Runs::mind_own() {
  std::unordered_set<std::string> strays;
  for (OwnRow& row : co_await db_.all<OwnRow>(sql::kOwn, node_id_)) {
    auto run = live_run(row.run_id);
    if (run && row.cancel_requested) run->cancel();
    if (!run) strays.insert(std::move(row.run_id));
  }
  strays.swap(strays_);
  for (const std::string& id : strays) {
    if (!strays_.contains(id)) continue;
    auto row = co_await find(id);
    if (row && row->state < 10 && row->owner == node_id_) (void)co_await take_over(std::move(*row));
  }
}

/// `all`: also what ended while no process was there to sweep.
Task<> Runs::sweep(bool all) {
  std::int64_t now = unix_seconds();
  co_await db_.run(sql::kSweepEvents, now - kKeepEvents, all ? 0 : now - 2 * kKeepEvents);
  co_await db_.run(sql::kSweepRuns, now - kKeepRuns - kKeepEvents);
  co_await db_.run(sql::kForgetNodes, node_id_);
}

/// Some rounds long: whoever appended meanwhile is through by then, or else the hourly sweep finds it.
Task<> Runs::sweep_removed() {
  std::vector<std::string> ids;
  {
    std::scoped_lock lock(mutex_);
    for (auto& [id, left] : removed_) {
      ids.push_back(id);
      --left;
    }
    std::erase_if(removed_, [](const auto& run) { return run.second == 0; });
  }
  if (!ids.empty()) co_await db_.run(sql::kSweepEventsOf, ids);
}

Task<> Runs::sweep_stray_events() {
  co_await db_.run(sql::kSweepStrayEvents);
}

/// Between two renewals of one stretch of contact. One that waited was cut off for a while, like
/// everybody else perhaps.
std::chrono::milliseconds Runs::unbroken() const {
  return options_.keeper_period * 5 / 2;
}

bool Runs::steady() const {
  auto now = std::chrono::steady_clock::now();
  if (db_.dialect() == store::Dialect::postgres && now - renewed_at_.load() > unbroken()) return false;
  return now - contact_since_.load() > options_.lease;
}

Task<> Runs::adopt_orphans(std::optional<std::string> chat_id) {
  // A renewal is missed a quarter of a period after it was due.
  std::int64_t missed =
      std::max<std::int64_t>((options_.lease - options_.keeper_period * 5 / 4).count(), 0);
  for (RunRow& row :
       co_await db_.all<RunRow>(sql::kOrphans, node_id_, chat_id, steady() ? 1 : 0, missed))
    (void)co_await take_over(std::move(row));
}

Task<bool> Runs::take_over(RunRow row) {
  // Two steps, two commits: once the epoch has moved, the old owner's appends fail their join.
  if (co_await db_.run(sql::kTakeOver, row.run_id, row.epoch, node_id_) == 0) co_return false;
  row.epoch += 1;
  row.attempts += 1;
  row.owner = node_id_;
  std::int64_t marker = co_await mark_takeover(row);
  co_await db_.run(sql::kTaken, row.run_id, row.epoch);
  auto left = co_await events(row.run_id);
  log::info("Took over an answer whose writer is gone", {{"run", row.run_id},
                                                         {"chat", row.chat_id},
                                                         {"attempt", row.attempts},
                                                         {"events", std::int64_t(left.size())}});
  std::shared_ptr<Run> run(new Run(*this, row, marker + 1));
  if (row.cancel_requested) run->cancel();
  if (relay_) relay_->adopt(row.names(), left);
  {
    std::scoped_lock lock(mutex_);
    live_[row.run_id] = run;
  }
  bool begun = scope_.start(loops_.next(), "recover answer", [this, run, left]() -> Task<> {
    co_await write(run, [this, run, left] { return recover_(run, left); });
  });
  if (!begun) forget(row.run_id);  // This process ends; the next one takes it over.
  co_return begun;
}

/// Occupies the next seq. A zombie may still win that place with a row it had under way before the
/// epoch moved; then the next one is tried.
Task<std::int64_t> Runs::mark_takeover(const RunRow& row) {
  std::string payload =
      R"([{"type":"run:takeover","data":{"epoch":)" + std::to_string(row.epoch) + "}}]";
  for (int tries = 0; tries != 100; ++tries) {
    auto last = co_await db_.first<Number>(sql::kMaxSeq, row.run_id);
    std::int64_t seq = (last ? last->value : 0) + 1;
    if (co_await db_.run(sql::kAppendIfFree, row.run_id, seq, row.epoch, payload) == 1) co_return seq;
  }
  throw Problem(Problem::Kind::conflict, "This answer is being written elsewhere");
}

std::int64_t Runs::live_here() const {
  std::scoped_lock lock(mutex_);
  return static_cast<std::int64_t>(live_.size());
}
std::shared_ptr<Run> Runs::live_run(const std::string& run_id) const {
  std::scoped_lock lock(mutex_);
  auto found = live_.find(run_id);
  return found == live_.end() ? nullptr : found->second;
}
std::vector<std::shared_ptr<Run>> Runs::live_runs() const {
  std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Run>> out;
  out.reserve(live_.size());
  for (const auto& [id, run] : live_) out.push_back(run);
  return out;
}
void Runs::forget(const std::string& run_id) {
  std::scoped_lock lock(mutex_);
  live_.erase(run_id);
}

}  // namespace antiphon::runs

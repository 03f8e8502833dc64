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
ANTIPHON_DTO_DEFINE(BeatRow)
ANTIPHON_DTO_DEFINE(Number)
ANTIPHON_DTO_DEFINE(EventRow)

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kKeepEvents = 600;      // Seconds after the end: a client may still catch up.
constexpr std::int64_t kKeepRuns = 24 * 3600;  // For idempotent repeats.
constexpr std::size_t kMaxReplay = 64 << 20;
constexpr int kSweeps = 5;
constexpr std::chrono::nanoseconds kLookAtSuspects = 200ms;
/// While the database is away: what others have changed meanwhile is known soon after it is back.
constexpr auto kAgain = 250ms;
constexpr auto kSweepEvery = 60s, kSweepStraysEvery = 3600s;
constexpr std::size_t kMostRemoved = 10'000;

}  // namespace

Runs::Runs(store::Db& db, Options options, Loops& loops)
    : db_(db), options_(std::move(options)), loops_(loops), node_id_(uuid4()) {
  heartbeat_.ask(sql::kOwnAnyStopped, [this](std::int64_t n) { own_ = n; });
  heartbeat_.ask(sql::kSuspects, [this](std::int64_t n) { suspects_ = n; });
  heartbeat_.ask(sql::kElsewhere, [this](std::int64_t n) { live_elsewhere_ = n; });
}
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

void Runs::busy_elsewhere() {
  if (live_elsewhere_.exchange(1) == 0) look_.notify();
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
  // Whoever may take it over counts on a beat.
  if (others_ != 0 && live_here() == 0 && live_elsewhere_ == 0) look_.notify();
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
                                            std::int64_t after_index, std::string* cursor) const {
  std::vector<LoggedEvent> out;
  std::size_t bytes = 0;
  for (EventRow& row : co_await db_.all<EventRow>(sql::kEventsSince, run_id, after_seq)) {
    if ((bytes += row.payload.size()) > kMaxReplay) break;
    std::int64_t index = 0;
    for (json::Value& event : events_of(row.payload, cursor)) {
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
  bool away = false;  // The database is, which is said once.
  auto step = [&away](std::string_view what, Task<> work) -> Task<bool> {
    try {
      co_await std::move(work);
      co_return true;
    } catch (const Problem& p) {
      if (!away) log::warn("The run keeper will try again", {{"step", what}, {"cause", p.cause()}});
      co_return false;
    }
  };
  auto now = [] { return std::chrono::steady_clock::now(); };
  auto sweep_at = now(), sweep_strays_at = now(), sweep_removed_at = now();
  bool adopted = false, swept = false;
  while (!scope_.closing()) {
    away = !co_await step("beat", beat());
    if (away) {
      (void)co_await look_.wait(kAgain);
      continue;
    }
    if (own_ != live_here() || !strays_.empty()) (void)co_await step("own", mind_own());
    if (suspects_ != 0 || !adopted) adopted = co_await step("orphans", adopt_orphans());
    if (now() >= sweep_at) {
      sweep_at = now() + kSweepEvery;
      swept = co_await step("sweep", sweep(!swept)) || swept;
    }
    if (now() >= sweep_removed_at) {
      sweep_removed_at = now() + options_.keeper_period;
      (void)co_await step("removed", sweep_removed());
    }
    if (now() >= sweep_strays_at) {
      sweep_strays_at = now() + kSweepStraysEvery;
      (void)co_await step("strays", sweep_stray_events());
    }
    auto beat_at = now() + period();
    while (!scope_.closing() &&
           !co_await look_.wait(std::min<std::chrono::nanoseconds>(
               std::max<std::chrono::nanoseconds>(beat_at - now(), 0ns), glance()))) {
      if (now() >= beat_at) break;
      // Reads only, however often.
      if (deaf() && live_here() != 0) (void)co_await step("own", mind_own());
      if (suspects_ != 0) (void)co_await step("orphans", adopt_orphans());
    }
  }
}

bool Runs::deaf() const {
  return relay_ && !relay_->hears();
}

/// Until the next beat, unless somebody asks for a look. What cannot be heard is looked for; while
/// nobody writes an answer, nobody's death matters.
std::chrono::nanoseconds Runs::period() const {
  if (deaf()) return options_.keeper_period * 3 / 5;
  bool quiet = live_here() == 0 && live_elsewhere_ == 0;
  return quiet ? options_.keeper_period * 2 : options_.keeper_period;
}

/// Until the next look between two beats: for a stop that cannot be heard, and at whoever may have
/// died, until it is known.
std::chrono::nanoseconds Runs::glance() const {
  if (deaf() && live_here() != 0) return Relay::kLookOften;
  return suspects_ != 0 ? kLookAtSuspects : options_.keeper_period;
}

Task<> Runs::beat() {
  std::optional<Session> own = session_ ? session_() : std::nullopt;
  std::optional<std::int64_t> session = own ? std::optional(own->key) : std::nullopt;
  suspects_ = 0;
  Beat beat = co_await heartbeat_.beat(db_, node_id_, options_.lease, session);
  auto now = std::chrono::steady_clock::now();
  auto gap = now - renewed_at_.exchange(now);
  if (gap > unbroken()) contact_since_ = now;
  others_ = static_cast<std::size_t>(beat.others);
  if (company_) company_(others_);
  if (gap > options_.lease && return_) return_();
  if (beat.registered && session && !beat.session) {
    // Another server is written to: leases there may be as old as it lags.
    contact_since_ = now;
    if (elsewhere_) elsewhere_();
  }
  co_await offer_again();
  if (!beat.registered)
    co_await db_.run(sql::kRegister, node_id_, options_.node_name, options_.version,
                     options_.lease.count());
}

/// Stops what others asked to be stopped, and finds strays: runs that are ours by the database's word
/// but that nobody here writes. A commit whose answer was lost made them, or a take-over or an end that
/// was cut short. One that is still there after a while is taken over as if from a dead process; should
/// its writer be about to begin after all, that one is fenced.
Task<> Runs::mind_own() {
  auto now = std::chrono::steady_clock::now();
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> strays;
  for (OwnRow& row : co_await db_.all<OwnRow>(sql::kOwn, node_id_)) {
    auto run = live_run(row.run_id);
    if (run && row.cancel_requested) run->cancel();
    if (!run && !being_taken(row.run_id)) strays.emplace(std::move(row.run_id), now);
  }
  for (auto& [id, since] : strays)
    if (auto known = strays_.find(id); known != strays_.end()) since = known->second;
  strays_ = strays;
  for (const auto& [id, since] : strays) {
    if (now - since < options_.keeper_period) continue;
    auto row = co_await find(id);
    if (row && row->state < 10 && row->owner == node_id_) (void)co_await take_over(std::move(*row));
  }
}

/// `all`: also what ended while no process was there to sweep.
Task<> Runs::sweep(bool all) {
  std::int64_t now = unix_seconds();
  std::vector<store::Bound> old;
  old.emplace_back(sql::kSweepEvents, now - kKeepEvents, all ? 0 : now - 2 * kKeepEvents);
  old.emplace_back(sql::kSweepRuns, now - kKeepRuns - kKeepEvents);
  old.emplace_back(sql::kForgetNodes, node_id_);
  co_await db_.batch(std::move(old));
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
  // A renewal is missed a quarter of a period after it was due. Whoever has just got his own session
  // again waits until the others have theirs, and have renewed: the database may have been away.
  std::int64_t missed =
      std::max<std::int64_t>((options_.lease - options_.keeper_period * 5 / 4).count(), 0);
  std::optional<Session> own = session_ ? session_() : std::nullopt;
  if (!own || std::chrono::steady_clock::now() - own->since < unbroken()) missed = 0;
  for (RunRow& row :
       co_await db_.all<RunRow>(sql::kOrphans, node_id_, chat_id, steady() ? 1 : 0, missed))
    (void)co_await take_over(std::move(row));
}

/// While it is under way, which may be long where the disk is slow, the run is ours but not live here:
/// no stray.
Task<bool> Runs::take_over(RunRow row) {
  std::string id = row.run_id;
  {
    std::scoped_lock lock(mutex_);
    if (!taking_.insert(id).second) co_return false;
  }
  struct Taken {
    Runs& runs;
    const std::string& id;
    ~Taken() {
      std::scoped_lock lock(runs.mutex_);
      runs.taking_.erase(id);
    }
  } taken{*this, id};
  co_return co_await take_over_at_once(std::move(row));
}

Task<bool> Runs::take_over_at_once(RunRow row) {
  // Two steps, two commits: once the epoch has moved, the old owner's appends fail their join.
  if (co_await db_.run(sql::kTakeOver, row.run_id, row.epoch, node_id_) == 0) co_return false;
  row.epoch += 1;
  row.attempts += 1;
  row.owner = node_id_;
  std::int64_t marker = co_await mark_takeover(row);
  co_await db_.run(sql::kTaken, row.run_id, row.epoch);
  std::string cursor;
  auto left = co_await events(row.run_id, 0, 0, &cursor);
  log::info("Took over an answer whose writer is gone", {{"run", row.run_id},
                                                         {"chat", row.chat_id},
                                                         {"attempt", row.attempts},
                                                         {"events", std::int64_t(left.size())}});
  std::shared_ptr<Run> run(new Run(*this, row, marker + 1));
  run->noted_ = !cursor.empty();
  run->left_cursor_ = std::move(cursor);
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
bool Runs::being_taken(const std::string& run_id) const {
  std::scoped_lock lock(mutex_);
  return taking_.contains(run_id);
}

void Runs::forget(const std::string& run_id) {
  std::scoped_lock lock(mutex_);
  live_.erase(run_id);
}

}  // namespace antiphon::runs

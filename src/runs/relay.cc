#include "runs/relay.h"

#include <boost/json.hpp>

#include "base/async.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/text.h"
#include "runs/rows.h"
#include "runs/sql.h"

namespace antiphon::runs {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kLookAgain = 1'000ms;
constexpr auto kRememberUsers = 30s;  ///< Without a client.
/// As long as the log keeps what has ended. Who has one in mind does not take it for new when he looks
/// back.
constexpr auto kRememberEnded = 720s;
constexpr auto kLooksBack = 600s;
constexpr auto kSlack = 30s;  ///< Between two machines' clocks.
constexpr std::size_t kMaxFollowed = 50'000;
constexpr std::int64_t kNever = std::int64_t{1} << 60;

struct ProgressRow {
  std::string run_id;
  std::string chat_id;
  std::string message_id;
  std::string user_id;
  std::int64_t state;
  std::int64_t seq;
  RunNames names() const { return {run_id, chat_id, message_id, user_id}; }
};
ANTIPHON_DTO(ProgressRow, run_id, chat_id, message_id, user_id, state, seq)
ANTIPHON_DTO_DEFINE(ProgressRow)

#define ANTIPHON_PROGRESS                                \
  "SELECT run_id, chat_id, message_id, user_id, state, " \
  "(SELECT COALESCE(MAX(seq), 0) FROM run_event WHERE run_event.run_id = run.run_id) AS seq FROM run "

/// Those that are live, and those that have ended since $3 (Unix seconds). SQLite has nobody to ask
/// for.
constexpr store::Sql kOfUser{"runs.progress_of_user", "",
                             ANTIPHON_PROGRESS
                             "WHERE user_id = $1 AND owner <> $2 AND (state < 10 OR updated_at >= $3)"};
constexpr store::Sql kProgress{
    "runs.progress", "",
    ANTIPHON_PROGRESS
    "WHERE owner <> $1 AND (state < 10 OR (state >= 10 AND updated_at >= $3::bigint) OR run_id = "
    "ANY($2::text[]))"};

}  // namespace

Relay::Relay(Parts parts) : p_(std::move(parts)) {
  p_.bus.on(std::string(kTopic), [this](std::string_view body) { hear(body); });
  p_.bus.on_missed([this] {
    look_back_ = true;
    missed_.notify();
    p_.runs.look();
  });
}

void Relay::start(Loops& loops) {
  if (p_.bus.alone()) return;
  loops_ = &loops;
  scope_.start(loops.at(0), "answers of other replicas", [this] { return look_around(); });
}

Task<> Relay::stop() {
  scope_.refuse();
  missed_.notify();
  (void)co_await scope_.close(2s);
}

Task<> Relay::follow(std::string user_id) {
  if (p_.bus.alone()) co_return;
  {
    std::scoped_lock lock(mutex_);
    auto at = users_.find(user_id);
    if (at != users_.end() && at->second.known) {
      at->second.asked = Clock::now();
      co_return;
    }
    if (users_.size() >= kMaxFollowed && at == users_.end())
      throw Problem(Problem::Kind::unavailable, "Too many users at once.").retry_after(5);
    // What is heard from here on is looked up in the log once the user is known.
    users_[user_id].asked = Clock::now();
  }
  std::int64_t since = unix_seconds() - std::chrono::seconds(kRememberEnded).count();
  auto rows = co_await p_.db.all<ProgressRow>(kOfUser, user_id, p_.runs.node_id(), since);
  std::scoped_lock lock(mutex_);
  Followed& user = users_[user_id];
  user.asked = Clock::now();
  if (std::exchange(user.known, true)) co_return;
  for (const ProgressRow& row : rows) {
    auto [at, added] = user.runs.try_emplace(row.run_id, Heard{.names = row.names(), .seq = row.seq});
    Heard& heard = at->second;
    if (heard.here) continue;
    if (!added) heard.seq = row.seq;
    heard.ended = row.state >= 10;
    heard.since = Clock::now();
    if (!heard.ended) p_.track(heard.names, row.seq);
  }
  // Those that came while the rows were read may be further than they say, or new.
  for (auto& [id, heard] : user.runs)
    if (heard.again && !heard.here && !heard.ended) read_log(heard);
}

/// An earlier owner who stood still may tell of the run when it is over: that is nothing new then.
void Relay::note_here(const RunNames& run, std::int64_t seq, bool last) {
  std::scoped_lock lock(mutex_);
  auto user = users_.find(run.user_id);
  if (user == users_.end()) return;
  Heard& heard = user->second.runs.try_emplace(run.run_id, Heard{.names = run}).first->second;
  heard.here = true;
  heard.seq = seq;
  heard.ended = last;
  heard.since = Clock::now();
}

void Relay::share(const RunNames& run, std::int64_t seq, const std::vector<std::string>& events,
                  bool last) {
  if (p_.bus.alone()) return;
  note_here(run, seq, last);
  if (!p_.bus.has_company()) return;
  std::size_t size = 0;
  for (const std::string& event : events) size += event.size();
  // Without events it says that there are some.
  bool whole = size <= kMaxInline;
  std::string body =
      bus::joined({run.user_id, run.run_id, run.chat_id, run.message_id, std::to_string(seq),
                   last ? "1" : "0", std::to_string(whole ? events.size() : 0)});
  if (whole)
    for (const std::string& event : events) bus::append(body, event);
  p_.bus.send(kTopic, body);
}

void Relay::tell_to_look() {
  p_.bus.send(kLook);
}

void Relay::hear(std::string_view body) {
  p_.runs.busy_elsewhere();
  std::scoped_lock lock(mutex_);
  auto user = users_.find(std::string(bus::first_part(body)));
  if (user == users_.end()) return;
  auto parts = bus::parts_of(body);
  if (parts.size() < 7) return;
  RunNames names{std::string(parts[1]), std::string(parts[2]), std::string(parts[3]),
                 std::string(parts[0])};
  auto seq = bus::number_in(parts[4]);
  auto count = bus::number_in(parts[6]);
  if (!seq || !count || p_.runs.is_here(names.run_id)) return;
  auto [at, added] = user->second.runs.try_emplace(names.run_id, Heard{.names = names});
  Heard& heard = at->second;
  if (!user->second.known) {
    heard.again = true;
    return;
  }
  if (heard.here || heard.ended || *seq <= heard.seq) return;
  bool whole = *count > 0 && parts.size() == 7 + static_cast<std::size_t>(*count);
  if (heard.reading || *seq != heard.seq + 1 || !whole) return read_log(heard);
  heard.seq = *seq;
  heard.ended = parts[5] == "1";
  heard.since = Clock::now();
  p_.publish(heard.names, *seq, {parts.begin() + 7, parts.end()}, heard.ended);
}

/// Under mutex_.
void Relay::read_log(Heard& heard) {
  if (heard.reading) {
    heard.again = true;
    return;
  }
  heard.again = false;
  heard.reading = scope_.start(loops_->next(), "answer of another replica",
                               [this, names = heard.names] { return catch_up(names); });
}

Task<> Relay::catch_up(RunNames names) {
  co_await sleep_for(0ns);  // It may have been started within the lock it needs.
  for (;;) {
    std::int64_t seq = 0;
    {
      std::scoped_lock lock(mutex_);
      Heard* heard = find(names);
      if (!heard) co_return;
      heard->again = false;
      seq = heard->seq;
    }
    std::optional<RunRow> row;
    std::vector<LoggedEvent> events;
    bool read = false;
    try {
      // The row first: if it has ended, the events are all there are.
      row = co_await p_.runs.find(names.run_id);
      events = co_await p_.runs.events(names.run_id, seq + 1, 0);
      read = true;
    } catch (const Problem& problem) {
      log::warn("An answer of another replica could not be read", {{"cause", problem.cause()}});
    }
    std::scoped_lock lock(mutex_);
    Heard* heard = find(names);
    if (!heard) co_return;
    if (read && !heard->here) publish_left(*heard, events, !row || row->state >= 10);
    if (heard->again && read && !heard->here) continue;
    heard->reading = false;  // What could not be read is looked for again within a second.
    co_return;
  }
}

/// Under mutex_. The events in order; those of a row together.
void Relay::publish_left(Heard& heard, const std::vector<LoggedEvent>& events, bool ended) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i != events.size(); ++i) {
    texts.push_back(json::serialize(events[i].event));
    bool row_ends = i + 1 == events.size() || events[i + 1].seq != events[i].seq;
    if (!row_ends) continue;
    if (events[i].seq > heard.seq) {
      heard.seq = events[i].seq;
      p_.publish(heard.names, heard.seq, texts, ended && i + 1 == events.size());
    }
    texts.clear();
  }
  if (!ended || heard.ended) return;
  heard.ended = true;
  heard.since = Clock::now();
  if (events.empty()) p_.publish(heard.names, heard.seq, {}, true);
}

void Relay::adopt(const RunNames& names, const std::vector<LoggedEvent>& left) {
  std::scoped_lock lock(mutex_);
  auto user = users_.find(names.user_id);
  if (user == users_.end() || !user->second.known) return;
  auto [at, added] = user->second.runs.try_emplace(names.run_id, Heard{.names = names});
  publish_left(at->second, left, false);
  at->second.here = true;
  at->second.since = Clock::now();
}

void Relay::give_up(const RunNames& names, std::int64_t seq) {
  std::scoped_lock lock(mutex_);
  auto user = users_.find(names.user_id);
  if (user == users_.end() || !user->second.known) return;
  Heard& heard = user->second.runs.try_emplace(names.run_id, Heard{.names = names}).first->second;
  heard.here = heard.ended = false;
  heard.seq = seq;
  read_log(heard);
}

/// Under mutex_.
Relay::Heard* Relay::find(const RunNames& names) {
  auto user = users_.find(names.user_id);
  if (user == users_.end()) return nullptr;
  auto at = user->second.runs.find(names.run_id);
  return at == user->second.runs.end() ? nullptr : &at->second;
}

Task<> Relay::look_around() {
  auto tidy_at = Clock::now() + 10s;
  while (!scope_.closing()) {
    (void)co_await missed_.wait(p_.bus.hears() ? kLookAgain : Relay::kLookOften);
    if (scope_.closing()) break;
    if (Clock::now() >= tidy_at) {
      tidy_at = Clock::now() + 10s;
      forget_absent();
    }
    if (!any_followed()) continue;
    // Whatever is told is heard; this is for what was not, of answers that somebody writes.
    bool nothing =
        !p_.bus.has_company() || (p_.runs.live_elsewhere() == 0 && !look_back_ && !any_live());
    if (nothing && p_.bus.hears()) continue;
    try {
      co_await look();
    } catch (const Problem& problem) {
      log::warn("Answers of other replicas could not be read", {{"cause", problem.cause()}});
    }
  }
}

/// Of those followed, by what was heard.
bool Relay::any_live() {
  std::scoped_lock lock(mutex_);
  for (const auto& [id, user] : users_)
    for (const auto& [run_id, heard] : user.runs)
      if (!heard.ended && !heard.here) return true;
  return false;
}

bool Relay::any_followed() {
  std::scoped_lock lock(mutex_);
  return !users_.empty();
}

/// Compares what was heard with what the log holds.
Task<> Relay::look() {
  store::Strings live;
  {
    std::scoped_lock lock(mutex_);
    for (const auto& [id, user] : users_)
      for (const auto& [run_id, heard] : user.runs)
        if (!heard.ended && !heard.here) live.push_back(run_id);
  }
  // While something may not have been heard, an answer may have begun and ended.
  auto now = Clock::now();
  bool back = look_back_.exchange(false) || !p_.bus.hears();
  auto span = std::min<Clock::duration>(now - looked_at_ + kSlack, kLooksBack);
  std::int64_t since =
      back ? unix_seconds() - std::chrono::duration_cast<std::chrono::seconds>(span).count() : kNever;
  std::vector<ProgressRow> rows;
  try {
    rows = co_await p_.db.all<ProgressRow>(kProgress, p_.runs.node_id(), live, since);
  } catch (const Problem&) {
    if (back) look_back_ = true;
    throw;
  }
  looked_at_ = now;
  std::set<std::string> there;
  std::scoped_lock lock(mutex_);
  for (const ProgressRow& row : rows) {
    there.insert(row.run_id);
    auto user = users_.find(row.user_id);
    if (user == users_.end() || !user->second.known) continue;
    auto [at, added] = user->second.runs.try_emplace(row.run_id, Heard{.names = row.names()});
    Heard& heard = at->second;
    if (!heard.here && (heard.seq < row.seq || (row.state >= 10 && !heard.ended))) read_log(heard);
  }
  // Those that are gone, with their users or to this process.
  for (const std::string& run_id : live) {
    if (there.contains(run_id)) continue;
    for (auto& [id, user] : users_) {
      auto at = user.runs.find(run_id);
      if (at != user.runs.end() && !at->second.ended && !at->second.here) read_log(at->second);
    }
  }
}

void Relay::forget_absent() {
  std::scoped_lock lock(mutex_);
  auto now = Clock::now();
  std::erase_if(users_, [&](const auto& user) {
    return now - user.second.asked > kRememberUsers && !p_.watched(user.first);
  });
  for (auto& [id, user] : users_)
    std::erase_if(user.runs, [&](const auto& run) {
      const Heard& heard = run.second;
      bool over = heard.ended || (heard.here && !p_.runs.is_here(run.first));
      return over && !heard.reading && now - heard.since > kRememberEnded;
    });
}

}  // namespace antiphon::runs

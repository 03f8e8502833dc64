#include "realtime/core.h"

#include <algorithm>

#include "base/async.h"
#include "base/log.h"
#include "base/problem.h"
#include "realtime/socketio.h"

namespace antiphon::realtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kTendTables{60};
constexpr milliseconds kLookAgain{30'000};
constexpr milliseconds kLookOften{500};  ///< While the bus is not heard.

}  // namespace

Core::Core(HubOptions o, Rules r, Loops& l, store::Db* db, Replay* replay, bus::Bus* b)
    : options(std::move(o)),
      rules(std::move(r)),
      loops(l),
      registry(options.epoch),
      records(db, std::chrono::duration_cast<seconds>(options.resume_window).count(), options.node),
      bus(b),
      channels(b, [this](std::string_view sid, const UserId& user) { return holds(sid, user); }),
      calls(b, db, options.node, scope, loops,
            {.holds = [this](std::string_view sid,
                             const UserId& user) { return holds(sid, user).has_value(); },
             .ask =
                 [this](std::string sid, UserId user, Event event, milliseconds timeout) {
                   return ask(std::move(sid), std::move(user), std::move(event), timeout);
                 },
             .pass_on =
                 [this](std::string channel, std::string sid, UserId user) {
                   channels.pass_on(std::move(channel), std::move(sid), std::move(user));
                 }}),
      elsewhere(b, options.node, [this](const Room& room) { return users_in(room); }),
      replay_(replay),
      ring_budget_(std::make_shared<RingBudget>(
          options.resume_bytes, static_cast<std::int64_t>(options.resume_bytes_of_all))) {}

Task<> Core::tick() {
  auto next_round = Clock::now();
  while (!ending) {
    auto until_deadline = give_up_overdue();
    if (auto now = Clock::now(); now >= next_round) {
      next_round = now + seconds(1);
      std::vector<SessionPtr> due;
      for (const SessionPtr& session : registry.all()) {
        look_after(session, now);
        if (session->signed_in() && session->next_check.load() <= now) due.push_back(session);
      }
      elsewhere.tick();
      channels.tick();
      co_await renew(std::move(due));
    }
    auto pause = std::min<std::chrono::nanoseconds>(next_round - Clock::now(), until_deadline);
    co_await deadline_set.wait(std::max<std::chrono::nanoseconds>(pause, milliseconds(1)));
  }
}

/// Forgets the lost, closes the idle, and lets old frames go.
void Core::look_after(const SessionPtr& session, Clock::time_point now) {
  auto idle = now - session->idle_since();
  if (!session->attached()) {
    if (idle > options.resume_window) expel(session);
    return;
  }
  if (!session->signed_in()) {
    if (idle > options.waiting_timeout) expel(session);
    return;
  }
  session->drop_older_than(now - options.resume_window);
}

Task<> Core::renew(std::vector<SessionPtr> due) {
  if (!rules.renew) co_return;
  for (const SessionPtr& session : due) {
    auto owner = session->owner();
    if (!owner) continue;
    session->next_check = Clock::now() + options.renew_interval;  // recheck_all() may come meanwhile.
    try {
      auto renewed = co_await rules.renew(*owner);
      if (renewed && may_have_socket(*renewed)) {
        session->set_owner(std::move(*renewed));
      } else {
        expel(session, std::make_shared<const std::string>(socketio::disconnect_frame()));
      }
    } catch (const Problem& problem) {
      // No revocation can have happened while the database was away: ask again in a second.
      session->next_check = Clock::time_point{};
      log::warn("A socket's session could not be checked",
                {{"cause", problem.cause()}, {"detail", problem.detail()}});
      co_return;
    }
  }
}

Task<> Core::tend_tables() {
  auto next_sweep = Clock::now() + kTendTables;
  while (!hung_up) {
    co_await stopping.until([this] { return hung_up.load(); }, seconds(1));
    try {
      co_await records.flush();
      if (Clock::now() < next_sweep) continue;
      next_sweep = Clock::now() + kTendTables;
      registry.tidy();
      co_await records.renew_and_sweep();
      co_await outbox->sweep();
      co_await calls.sweep();
    } catch (const Problem& problem) {
      log::warn("Sessions could not be recorded; they survive in memory only",
                {{"cause", problem.cause()}, {"detail", problem.detail()}});
    }
  }
}

/// What other replicas wrote: at once when something was not heard, otherwise now and then.
Task<> Core::hear_outbox() {
  while (!ending) {
    (void)co_await missed_outbox_.wait(bus->hears() ? kLookAgain : kLookOften);
    if (ending || (!bus->has_company() && bus->hears())) continue;
    try {
      co_await outbox->catch_up();
    } catch (const Problem& problem) {
      log::warn("What other replicas told could not be read",
                {{"cause", problem.cause()}, {"detail", problem.detail()}});
    }
  }
}

std::set<std::string> Core::users_in(const Room& room) const {
  std::set<std::string> out;
  for (const SessionPtr& session : registry.members(room))
    if (auto owner = session->owner(); owner && session->signed_in()) out.insert(owner->id.value);
  return out;
}

std::optional<std::uint64_t> Core::holds(std::string_view sid, const UserId& user) const {
  auto session = registry.by_sid(sid);
  if (!session || !session->owned_by(user)) return std::nullopt;
  return session->connection();
}

Task<std::optional<json::Value>> Core::ask(std::string sid, UserId user, Event event,
                                           milliseconds timeout) {
  auto session = registry.by_sid(sid);
  if (!session || !session->owned_by(user)) co_return std::nullopt;
  co_return co_await await_result<std::optional<json::Value>>(
      [&](Completion<std::optional<json::Value>> done) {
        std::uint64_t id = 0;
        if (session->ask(event, id, done))
          ask_until(Clock::now() + timeout, session, id);
        else
          done(std::nullopt);
      });
}

void Core::ask_until(Clock::time_point deadline, const SessionPtr& session, std::uint64_t question) {
  {
    std::scoped_lock lock(mutex_);
    deadlines_.emplace(deadline, Question{session, question});
  }
  deadline_set.notify();
}

/// Yields how long until the next question is overdue.
std::chrono::nanoseconds Core::give_up_overdue() {
  std::vector<Question> overdue;
  std::chrono::nanoseconds next = seconds(1);
  {
    std::scoped_lock lock(mutex_);
    auto now = Clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      overdue.push_back(std::move(deadlines_.begin()->second));
      deadlines_.erase(deadlines_.begin());
    }
    if (!deadlines_.empty()) next = deadlines_.begin()->first - now;
  }
  for (const Question& question : overdue)
    if (auto session = question.session.lock())
      session->give_up(question.id, "The browser did not answer in time.");
  return next;
}

}  // namespace antiphon::realtime

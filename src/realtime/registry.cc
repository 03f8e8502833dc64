#include "realtime/registry.h"

#include <algorithm>

#include "base/time.h"

namespace antiphon::realtime {
namespace {

constexpr std::int64_t kRememberEndedMs = 600'000;

}  // namespace

Registry::SessionPtr Registry::add(const SessionPtr& session) {
  std::scoped_lock lock(mutex_);
  auto [at, added] = by_pid_.try_emplace(session->pid(), session);
  if (added) by_sid_[session->sid()] = session;
  return at->second;
}

void Registry::remove(const SessionPtr& session) {
  std::scoped_lock lock(mutex_);
  for (const std::string& room : std::vector<std::string>(session->rooms)) leave_locked(session, room);
  auto sid = by_sid_.find(session->sid());
  if (sid != by_sid_.end() && sid->second == session) by_sid_.erase(sid);
  auto pid = by_pid_.find(session->pid());
  if (pid != by_pid_.end() && pid->second == session) by_pid_.erase(pid);
}

Registry::SessionPtr Registry::by_sid(std::string_view sid) const {
  std::scoped_lock lock(mutex_);
  auto at = by_sid_.find(sid);
  return at == by_sid_.end() ? nullptr : at->second;
}

Registry::SessionPtr Registry::by_pid(std::string_view pid) const {
  std::scoped_lock lock(mutex_);
  auto at = by_pid_.find(pid);
  return at == by_pid_.end() ? nullptr : at->second;
}

std::vector<Registry::SessionPtr> Registry::all() const {
  std::scoped_lock lock(mutex_);
  std::vector<SessionPtr> out;
  out.reserve(by_sid_.size());
  for (const auto& [sid, session] : by_sid_) out.push_back(session);
  return out;
}

void Registry::begin(const SessionPtr& session, const Room& room) {
  std::scoped_lock lock(mutex_);
  for (const std::string& old : std::vector<std::string>(session->rooms)) leave_locked(session, old);
  Position now{.epoch = epoch_, .outbox = released_, .floor = unix_millis()};
  if (auto said = said_.find(room.name); said != said_.end()) now.runs = said->second.runs;
  now.fold(now.floor,
           2'000);  // What ended before the floor need not be listed; logs know seconds only.
  session->begin(std::move(now));
  enter(session, room.name);
}

void Registry::join(const SessionPtr& session, const Room& room, bool fresh) {
  std::scoped_lock lock(mutex_);
  if (std::ranges::find(session->rooms, room.name) != session->rooms.end()) return;
  if (auto said = said_.find(room.name); fresh && said != said_.end()) session->include(said->second);
  enter(session, room.name);
}

void Registry::enter(const SessionPtr& session, const std::string& room) {
  session->rooms.push_back(room);
  rooms_[room].push_back(session);
}

void Registry::leave(const SessionPtr& session, const Room& room) {
  std::scoped_lock lock(mutex_);
  leave_locked(session, room.name);
}

void Registry::leave_all(const SessionPtr& session) {
  std::scoped_lock lock(mutex_);
  for (const std::string& room : std::vector<std::string>(session->rooms)) leave_locked(session, room);
}

void Registry::leave_locked(const SessionPtr& session, const std::string& room) {
  std::erase(session->rooms, room);
  auto at = rooms_.find(room);
  if (at == rooms_.end()) return;
  std::erase(at->second, session);
  if (at->second.empty()) rooms_.erase(at);
}

std::vector<std::string> Registry::rooms_of(const SessionPtr& session) const {
  std::scoped_lock lock(mutex_);
  return session->rooms;
}

bool Registry::in(const SessionPtr& session, const Room& room) const {
  std::scoped_lock lock(mutex_);
  return std::ranges::find(session->rooms, room.name) != session->rooms.end();
}

std::vector<Registry::SessionPtr> Registry::members(const Room& room) const {
  std::scoped_lock lock(mutex_);
  auto at = rooms_.find(room.name);
  return at == rooms_.end() ? std::vector<SessionPtr>() : at->second;
}

void Registry::note(const std::string& room, const Event::Run& run) {
  auto [said, added] = said_.try_emplace(room, Position{.epoch = epoch_});
  said->second.advance_run(run.id, run.seq, run.index, run.last, unix_millis());
}

std::int64_t Registry::emit(const Room& room, const Event& event, std::string_view skip_sid) {
  std::vector<SessionPtr> to;
  {
    std::scoped_lock lock(mutex_);
    if (event.run) note(room.name, *event.run);
    if (event.outbox) released_.advance(event.outbox);
    if (auto at = rooms_.find(room.name); at != rooms_.end()) to = at->second;
  }
  if (to.empty()) return 0;
  FrameCache cache(event);
  return std::ranges::count_if(to, [&](const SessionPtr& session) {
    return session->sid() != skip_sid && session->deliver(cache);
  });
}

void Registry::track(const Room& room, const Event::Run& run) {
  std::scoped_lock lock(mutex_);
  note(room.name, run);
}

void Registry::run_ended(const Room& room, std::string_view run_id) {
  {
    std::scoped_lock lock(mutex_);
    auto said = said_.find(room.name);
    if (said != said_.end()) said->second.end_run(run_id, unix_millis());
  }
  for (const SessionPtr& session : members(room)) session->run_ended(run_id);
}

void Registry::released(const Marks& marks) {
  std::scoped_lock lock(mutex_);
  released_.include(marks);
}

void Registry::tidy() {
  std::scoped_lock lock(mutex_);
  auto now = unix_millis();
  for (auto at = said_.begin(); at != said_.end();) {
    at->second.fold(now, kRememberEndedMs);
    at->second.floor = 0;  // Sessions have floors of their own.
    at = at->second.runs.empty() ? said_.erase(at) : std::next(at);
  }
}

bool Registry::enter_waiting(const std::string& address, int limit) {
  std::scoped_lock lock(mutex_);
  int& count = waiting_[address];
  if (count >= limit) return false;
  ++count;
  return true;
}

void Registry::leave_waiting(const std::string& address) {
  std::scoped_lock lock(mutex_);
  auto at = waiting_.find(address);
  if (at != waiting_.end() && --at->second <= 0) waiting_.erase(at);
}

std::int64_t Registry::waiting() const {
  std::scoped_lock lock(mutex_);
  std::int64_t sum = 0;
  for (const auto& [address, count] : waiting_) sum += count;
  return sum;
}

}  // namespace antiphon::realtime

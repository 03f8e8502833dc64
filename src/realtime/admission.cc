#include <algorithm>

#include "base/encode.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/problem.h"
#include "json/text.h"
#include "realtime/core.h"
#include "realtime/socketio.h"

// Who gets in: CONNECT, user-join and resuming.
namespace antiphon::realtime {
namespace {

constexpr std::size_t kMaxToken = 8192;

/// A pid as we make them.
bool well_formed_pid(std::string_view pid) {
  return pid.size() == 32 && std::ranges::all_of(pid, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

Task<std::optional<Caller>> Core::identify(std::string token) const {
  if (token.empty() || token.size() > kMaxToken || !rules.verify) co_return std::nullopt;
  auto caller = co_await rules.verify(std::move(token));
  if (!caller || !may_have_socket(*caller)) co_return std::nullopt;
  co_return caller;
}

Core::SessionPtr Core::new_session() {
  return registry.add(
      std::make_shared<Session>(base64url(random_bytes(15)), random_hex(16), ring_budget_));
}

Task<Core::Welcome> Core::welcome(std::shared_ptr<Wire> wire, std::string token, std::string pid,
                                  std::string offset) {
  auto caller = co_await identify(std::move(token));
  bool resumable = well_formed_pid(pid) && (offset.empty() || Position::parse(offset));
  SessionPtr session = resumable ? co_await find_session(pid) : nullptr;
  auto door = [&](const SessionPtr& s) {
    return Session::Door{
        wire, std::make_shared<const std::string>(socketio::connect_frame(s->sid(), s->pid()))};
  };

  if (session && fits(*session, caller)) {
    if (!caller) {
      // It keeps its sid, and gets what it missed once it says again who it is.
      session->attach(door(session));
      co_return Welcome{session, std::nullopt};
    }
    auto resumed = co_await resume(session, *caller, std::move(offset), door(session));
    if (resumed == true) co_return Welcome{session, Arrival::resumed};
    if (resumed == false) expel(session);
  }
  if (!pid.empty()) ++counters.not_resumed;
  session = new_session();
  if (!caller) {
    session->attach(door(session));
    co_return Welcome{session, std::nullopt};
  }
  // In its room before the client hears that it is connected: whatever follows, it gets.
  co_await arriving(caller->id);
  begin(session, std::move(*caller));
  session->resume_from_ring({}, door(session));
  co_return Welcome{session, pid.empty() ? Arrival::fresh : Arrival::gap};
}

/// In memory, or as the table has it.
Task<Core::SessionPtr> Core::find_session(std::string pid) {
  if (auto here = registry.by_pid(pid)) co_return here->ended() ? nullptr : here;
  std::optional<SessionRow> row;
  try {
    row = co_await records.find(pid);
  } catch (const Problem& problem) {
    log::warn("A client could not be resumed",
              {{"cause", problem.cause()}, {"detail", problem.detail()}});
  }
  if (!row) co_return nullptr;
  auto start = Position::parse(row->start_pos);
  auto rooms = json::try_parse(row->rooms);
  if (!start || start->epoch != options.epoch) co_return nullptr;

  auto session = std::make_shared<Session>(row->sid, std::move(pid), ring_budget_);
  session->set_start(std::move(*start));
  session->set_owner(
      Caller{.via = Caller::Via::session, .id = {row->user_id}, .token_id = row->token_id});
  if (rooms && rooms->is_array())
    for (const auto& room : rooms->get_array())
      if (room.is_string()) session->rooms_wanted.emplace_back(json::view(room.get_string()));
  co_return registry.add(session);
}

/// A session is its user's, and of the token it began with.
bool Core::fits(const Session& session, const std::optional<Caller>& caller) const {
  auto owner = session.owner();
  if (!owner) return false;
  return !caller || (owner->id == caller->id && owner->token_id == caller->token_id);
}

Task<std::optional<bool>> Core::resume(SessionPtr session, Caller caller, std::string offset,
                                       std::optional<Session::Door> door) {
  if (offset == Position::kInexact) co_return false;
  if (session->resuming.test_and_set()) co_return std::nullopt;
  struct Release {
    std::atomic_flag& flag;
    ~Release() { flag.clear(); }
  } release{session->resuming};
  co_await check_rooms(session, caller);
  if (session->resume_from_ring(offset, door)) {
    ++counters.from_memory;
  } else if (co_await resume_from_log(session, caller, std::move(offset), door)) {
    ++counters.from_log;
  } else {
    co_return false;
  }
  session->set_owner(std::move(caller));
  session->next_check = Clock::time_point{};
  record(session);
  co_return true;
}

Task<bool> Core::resume_from_log(SessionPtr session, const Caller& caller, std::string offset,
                                 std::optional<Session::Door> door) {
  Position from = session->position_at(offset);
  if (from.epoch != options.epoch || !from.exact || !session->begin_replay(from)) co_return false;
  // In its rooms first: what is said from here on waits until the rest has been read.
  co_await arriving(caller.id);
  registry.join(session, Room::user(caller.id), false);
  for (const std::string& room : session->rooms_wanted) registry.join(session, {room}, false);
  session->rooms_wanted.clear();
  std::optional<std::vector<Event>> events;
  try {
    events = co_await missed(session, std::move(from), caller.id);
  } catch (const Problem& problem) {
    log::warn("A client could not be resumed",
              {{"cause", problem.cause()}, {"detail", problem.detail()}});
  }
  if (!events) {
    session->cancel_replay();
    co_return false;
  }
  co_return session->finish_replay(*events, door);
}

Task<std::optional<std::vector<Event>>> Core::missed(SessionPtr session, Position from, UserId user) {
  std::vector<std::string> names = registry.rooms_of(session);
  std::vector<Room> rooms;
  rooms.reserve(names.size());
  for (const std::string& name : names) rooms.push_back({name});
  std::vector<Event> out;
  Marks seen = from.outbox;
  if (replay_) {
    auto of_runs = co_await replay_->since(from, std::move(user), rooms);
    if (!of_runs || of_runs->size() > Replay::kMaxEvents) co_return std::nullopt;
    for (auto& replayed : *of_runs) out.push_back(std::move(replayed.event));
  }
  auto rows = co_await outbox->since(std::move(seen), std::move(names));
  if (!rows) co_return std::nullopt;
  for (auto& row : *rows)
    if (row.skip_sid != session->sid())
      out.push_back(
          Event{.name = std::move(row.name), .payload = std::move(row.payload), .outbox = row.id});
  co_return out;
}

/// Rooms are entered by rule, not because one was in them before the cut.
Task<> Core::check_rooms(SessionPtr session, Caller caller) {
  const std::string own = Room::user(caller.id).name;
  for (const std::string& name : registry.rooms_of(session)) {
    if (name == own || (rules.may_join && co_await rules.may_join(caller, {name}))) continue;
    registry.leave(session, {name});
    session->forget_recent();
  }
  std::vector<std::string> wanted;
  for (const std::string& name : session->rooms_wanted)
    if (name != own && rules.may_join && co_await rules.may_join(caller, {name}))
      wanted.push_back(name);
  session->rooms_wanted = std::move(wanted);
}

/// What other replicas write for him is heard here from now on.
Task<> Core::arriving(UserId user) const {
  if (!rules.arriving) co_return;
  try {
    co_await rules.arriving(std::move(user));
  } catch (const Problem& problem) {
    // He is looked after as soon as the database answers again.
    log::warn("What other replicas write could not be read",
              {{"cause", problem.cause()}, {"detail", problem.detail()}});
  }
}

void Core::begin(const SessionPtr& session, Caller caller) {
  Room own = Room::user(caller.id);
  session->set_owner(std::move(caller));
  session->next_check = Clock::time_point{};
  registry.begin(session, own);
  record(session);
}

Task<Arrival> Core::sign_in(SessionPtr session, Caller caller, std::string offset) {
  if (session->signed_in() && fits(*session, caller)) {
    session->set_owner(std::move(caller));
    co_return Arrival::fresh;
  }
  if (session->owner() && fits(*session, caller)) {
    if (co_await resume(session, caller, std::move(offset), std::nullopt) == true)
      co_return Arrival::resumed;
    ++counters.not_resumed;
    co_await arriving(caller.id);
    begin(session, std::move(caller));
    co_return Arrival::gap;
  }
  co_await arriving(caller.id);
  begin(session, std::move(caller));
  co_return Arrival::fresh;
}

Task<bool> Core::join(SessionPtr session, Room room) {
  auto caller = session->owner();
  if (!caller || !session->signed_in()) co_return false;
  bool own = room == Room::user(caller->id);
  if (!own && (!rules.may_join || !co_await rules.may_join(*caller, room))) co_return false;
  if (!session->signed_in()) co_return false;
  registry.join(session, room, true);
  if (session->ended()) {
    // Thrown out while the rule was asked.
    registry.remove(session);
    co_return false;
  }
  record(session);
  co_return true;
}

Task<> Core::tell_signed_in(SessionPtr session, Arrival arrival) {
  Socket socket(shared_from_this(), session);
  for (const auto& handler : join_handlers) {
    try {
      co_await handler(socket, arrival);
    } catch (const Problem& problem) {
      log::warn("A socket's sign-in was not followed up",
                {{"cause", problem.cause()}, {"detail", problem.detail()}});
    }
  }
}

void Core::lost(const SessionPtr& session, const Wire* wire) {
  if (!session->detach(wire)) return;
  auto owner = session->owner();
  if (!owner) return expel(session);
  records.lost(session->pid());
  bound_lost(owner->id);
}

void Core::bound_lost(const UserId& user) {
  std::vector<SessionPtr> lost = registry.members(Room::user(user));
  std::erase_if(lost, [](const SessionPtr& session) { return session->attached(); });
  auto limit = static_cast<std::size_t>(options.lost_per_user);
  if (lost.size() <= limit) return;
  std::ranges::sort(lost, std::greater(),
                    [](const SessionPtr& session) { return session->idle_since(); });
  for (std::size_t i = limit; i < lost.size(); ++i) expel(lost[i]);
}

void Core::expel(const SessionPtr& session, const Frame& last) {
  auto wire = session->end(last);
  registry.remove(session);
  if (session->owner()) records.remove(session->pid());
  if (wire) wire->close();
}

void Core::record(const SessionPtr& session) {
  auto owner = session->owner();
  if (!owner) return;
  json::Array rooms;
  for (const std::string& room : registry.rooms_of(session)) rooms.emplace_back(room);
  records.put(SessionRow{.pid_hash = Records::hash(session->pid()),
                         .sid = session->sid(),
                         .user_id = owner->id.value,
                         .token_id = owner->token_id,
                         .rooms = json::serialize(rooms),
                         .start_pos = session->start().text()});
}

void Core::evict(const Room& room, const std::optional<UserId>& user) {
  for (const SessionPtr& session : registry.members(room)) {
    if (user && !session->owned_by(*user)) continue;
    registry.leave(session, room);
    // What it has not got yet of that room, it shall not get by resuming.
    session->forget_recent();
    record(session);
  }
}

}  // namespace antiphon::realtime

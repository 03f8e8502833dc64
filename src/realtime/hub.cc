#include "realtime/hub.h"

#include <algorithm>
#include <set>

#include "base/async.h"
#include "json/text.h"
#include "realtime/core.h"
#include "realtime/socketio.h"

namespace antiphon::realtime {
namespace {

constexpr std::string_view kEmit = "emit";
constexpr std::string_view kEvict = "evict";

}  // namespace

Socket::Socket(std::shared_ptr<Core> core, std::shared_ptr<Session> session)
    : core_(std::move(core)), session_(std::move(session)) {}

const std::string& Socket::sid() const {
  return session_->sid();
}

Caller Socket::caller() const {
  return session_->owner().value_or(Caller{});
}

Task<bool> Socket::join(Room room) {
  return core_->join(session_, std::move(room));
}

void Socket::leave(const Room& room) {
  core_->registry.leave(session_, room);
  core_->record(session_);
}

bool Socket::in(const Room& room) const {
  return core_->registry.in(session_, room);
}

bool Socket::emit(const Event& event) {
  FrameCache cache(event);
  if (!session_->deliver(cache)) return false;
  ++core_->counters.frames_out;
  return true;
}

Ticket::~Ticket() {
  if (entry_) entry_->outbox->decide(entry_, Outbox::Fate::withdrawn);
}

store::Bound Ticket::row() const {
  return Outbox::row(*entry_);
}

void Ticket::committed() {
  if (auto entry = std::exchange(entry_, nullptr))
    entry->outbox->decide(entry, Outbox::Fate::committed);
}

Hub::Hub(HubOptions options, Rules rules, Loops& loops, store::Db* db, Replay* replay, bus::Bus* bus)
    : core_(std::make_shared<Core>(std::move(options), std::move(rules), loops, db, replay, bus)) {
  core_->outbox = std::make_shared<Outbox>(
      db, bus,
      [core = std::weak_ptr<Core>(core_)](const Room& room, const Event& event,
                                          const std::string& skip) {
        if (auto alive = core.lock())
          alive->counters.frames_out += alive->registry.emit(room, event, skip);
      });
  if (bus) hear(*bus);
}

/// What other replicas say to sockets that may be here.
void Hub::hear(bus::Bus& bus) {
  std::weak_ptr<Core> weak = core_;
  bus.on(std::string(kEmit), [weak](std::string_view body) {
    auto parts = bus::parts_of(body);
    auto core = weak.lock();
    if (parts.size() != 4 || !core) return;
    Event event{.name = std::string(parts[1]), .payload = std::string(parts[3])};
    core->counters.frames_out += core->registry.emit({std::string(parts[0])}, event, parts[2]);
  });
  bus.on(std::string(Outbox::kTopic), [weak](std::string_view body) {
    auto parts = bus::parts_of(body);
    auto core = weak.lock();
    auto id = bus::number_in(parts[0]);
    auto previous = parts.size() == 6 ? bus::number_in(parts[1]) : std::nullopt;
    if (!core || !id || !previous) return;
    OutboxRow row{*id, std::string(parts[2]), std::string(parts[3]), std::string(parts[5]),
                  std::string(parts[4])};
    if (!core->outbox->hear(std::move(row), *previous)) core->outbox_missed();
  });
  bus.on(std::string(kEvict), [weak](std::string_view body) {
    auto parts = bus::parts_of(body);
    auto core = weak.lock();
    if (parts.size() != 2 || !core) return;
    std::optional<UserId> user;
    if (!parts[1].empty()) user = UserId{std::string(parts[1])};
    core->evict({std::string(parts[0])}, user);
  });
  bus.on_missed([weak] {
    if (auto core = weak.lock()) core->outbox_missed();
  });
}

Hub::~Hub() = default;

void Hub::on(std::string event, EventObject names, Handler handler) {
  core_->handlers.insert_or_assign(std::move(event), Core::Handled{names, std::move(handler)});
}

std::vector<EventRule> Hub::events() const {
  std::vector<EventRule> out{{.event = "user-join", .waiting = true, .names = kNoObject}};
  for (const auto& [event, handled] : core_->handlers) out.push_back({event, false, handled.names});
  return out;
}

void Hub::on_signed_in(JoinHandler handler) {
  core_->join_handlers.push_back(std::move(handler));
}

void Hub::on_members(std::function<Task<>(Room)> handler) {
  core_->elsewhere.on_changed([core = core_.get(), handler = std::move(handler)](const Room& room) {
    core->scope.start(core->loops.next(), "members of a room",
                      [handler, room] { return handler(room); });
  });
}

Task<> Hub::start() {
  core_->registry.released(co_await core_->outbox->open());
  // The core outlives its tasks, because stop() waits for them.
  Core* core = core_.get();
  core->scope.start(core->loops.at(0), "realtime clock", [core] { return core->tick(); });
  core->scope.start(core->loops.at(0), "realtime tables", [core] { return core->tend_tables(); });
  if (core->bus && !core->bus->alone())
    core->scope.start(core->loops.at(0), "outbox of others", [core] { return core->hear_outbox(); });
}

Task<> Hub::stop(std::chrono::milliseconds deadline) {
  auto core = core_;
  core->ending = true;
  core->calls.stop();
  for (const auto& session : core->registry.all()) {
    session->hang_up();
    session->give_up_all();
  }
  core->elsewhere.leave();
  core->hung_up = true;
  core->stopping.notify();
  core->deadline_set.notify();
  core->outbox_missed();
  co_await core->scope.close(deadline);
  co_await core->records.leave();
}

void Hub::emit(const Room& room, const Event& event, std::string_view skip_sid) {
  core_->counters.frames_out += core_->registry.emit(room, event, skip_sid);
  if (core_->bus && !event.replayable() && event.attachments.empty())
    core_->bus->send(kEmit, bus::joined({room.name, event.name, skip_sid, event.payload}));
}

void Hub::emit_here(const Room& room, const Event& event) {
  core_->counters.frames_out += core_->registry.emit(room, event, {});
}

bool Hub::emit_to(std::string_view sid, const Event& event) {
  auto session = core_->registry.by_sid(sid);
  return session && Socket(core_, session).emit(event);
}

Task<> Hub::publish(Room room, Event event, std::string skip_sid) {
  return core_->outbox->publish(std::move(room), std::move(event), std::move(skip_sid));
}

Ticket Hub::ticket(Room room, Event event, std::string skip_sid) {
  return Ticket(core_->outbox->prepare(std::move(room), std::move(event), std::move(skip_sid)));
}

Task<json::Value> Hub::call(std::string sid, UserId user, Event event,
                            std::chrono::milliseconds timeout, std::string channel) {
  if (auto answer = co_await core_->ask(sid, user, event, timeout)) co_return std::move(*answer);
  if (auto answer = co_await core_->calls.ask(sid, user, std::move(event), timeout, std::move(channel)))
    co_return std::move(*answer);
  // The same answer for a foreign socket and none (row 93).
  co_return error_answer("The browser that should be asked is not connected.");
}

std::shared_ptr<Channel> Hub::open_channel(const std::string& name, std::string sid, UserId user) {
  return core_->channels.open(name, std::move(sid), std::move(user));
}

void Hub::close_channel(const std::string& name) {
  core_->channels.close(name);
}

void Hub::track(const Room& room, const Event::Run& run) {
  core_->registry.track(room, run);
}

void Hub::run_ended(const Room& room, std::string_view run_id) {
  core_->registry.run_ended(room, run_id);
}

bool Hub::belongs(std::string_view sid, const UserId& user) const {
  auto session = core_->registry.by_sid(sid);
  return session && session->owned_by(user);
}

bool Hub::online(const UserId& user) const {
  return std::ranges::any_of(core_->registry.members(Room::user(user)),
                             [](const auto& session) { return session->signed_in(); });
}

Task<std::shared_ptr<const std::set<std::string>>> Hub::users_elsewhere() const {
  return core_->records.users_elsewhere();
}

bool Hub::watched(const Room& room) const {
  return !core_->registry.members(room).empty();
}

std::vector<std::pair<std::string, UserId>> Hub::sockets_in(const Room& room) const {
  std::vector<std::pair<std::string, UserId>> out;
  for (const auto& session : core_->registry.members(room))
    if (auto owner = session->owner(); owner && session->signed_in())
      out.emplace_back(session->sid(), owner->id);
  return out;
}

std::set<std::string> Hub::users_in(const Room& room) const {
  std::set<std::string> out = core_->users_in(room);
  out.merge(core_->elsewhere.in(room));
  return out;
}

void Hub::tell_members(const Room& room) {
  core_->elsewhere.told(room);
}

std::vector<UserId> Hub::users_online() const {
  std::set<UserId> users;
  for (const auto& session : core_->registry.all())
    if (auto owner = session->owner(); owner && session->signed_in()) users.insert(owner->id);
  return {users.begin(), users.end()};
}

void Hub::evict(const Room& room, const std::optional<UserId>& user) {
  core_->evict(room, user);
  if (core_->bus) core_->bus->send(kEvict, bus::joined({room.name, user ? user->value : ""}));
}

HubCounts Hub::counts() const {
  HubCounts out;
  for (const auto& session : core_->registry.all()) {
    if (!session->attached()) ++out.lost;
    if (session->signed_in()) ++out.signed_in;
    if (session->polling()) ++out.polling;
  }
  const Core::Counters& c = core_->counters;
  out.waiting = core_->registry.waiting();
  out.resumed_from_memory = c.from_memory;
  out.resumed_from_log = c.from_log;
  out.not_resumed = c.not_resumed;
  out.frames_out = c.frames_out;
  out.events_in = c.events_in;
  out.refused = c.refused;
  return out;
}

void Hub::close_session(std::string_view token_id) {
  for (const auto& session : core_->registry.all())
    if (session->has_token(token_id))
      core_->expel(session, std::make_shared<const std::string>(socketio::disconnect_frame()));
}

void Hub::recheck_all() {
  for (const auto& session : core_->registry.all()) session->next_check = Clock::time_point{};
}

void Hub::close_user(const UserId& user, const std::optional<Event>& last_word) {
  for (const auto& session : core_->registry.all()) {
    if (!session->owned_by(user)) continue;
    if (last_word) Socket(core_, session).emit(*last_word);
    core_->expel(session, std::make_shared<const std::string>(socketio::disconnect_frame()));
  }
}

}  // namespace antiphon::realtime

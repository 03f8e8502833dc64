#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/loops.h"
#include "base/scope.h"
#include "base/signal.h"
#include "realtime/calls.h"
#include "realtime/channel.h"
#include "realtime/elsewhere.h"
#include "realtime/hub.h"
#include "realtime/outbox.h"
#include "realtime/records.h"
#include "realtime/registry.h"

namespace antiphon::realtime {

inline bool may_have_socket(const Caller& caller) {
  return caller.via == Caller::Via::session && caller.role != Role::pending;
}

/// What is behind the hub's face: who gets in, and what happens as time passes. Any thread.
class Core : public std::enable_shared_from_this<Core> {
 public:
  using SessionPtr = std::shared_ptr<Session>;

  Core(HubOptions options, Rules rules, Loops& loops, store::Db* db, Replay* replay, bus::Bus* bus);

  const HubOptions options;
  const Rules rules;
  Loops& loops;
  Registry registry;
  Records records;
  std::shared_ptr<Outbox> outbox;  ///< Set once, before anything runs.
  bus::Bus* const bus;             ///< May be null.
  Scope scope;
  Channels channels;
  Calls calls;
  Elsewhere elsewhere;
  struct Handled {
    EventObject names;
    Hub::Handler run;
  };
  std::map<std::string, Handled, std::less<>> handlers;  ///< Before start() only.
  std::vector<Hub::JoinHandler> join_handlers;

  struct Counters {
    std::atomic<std::int64_t> from_memory = 0, from_log = 0, not_resumed = 0;
    std::atomic<std::int64_t> frames_out = 0, events_in = 0, refused = 0, polling = 0;
  } counters;

  // --- who gets in (admission.cc) ---

  /// The caller of a token, if sockets may take it.
  Task<std::optional<Caller>> identify(std::string token) const;
  struct Welcome {
    SessionPtr session;
    std::optional<Arrival> arrival;  ///< Nothing: it waits for its sign-in.
  };
  /// Answers a CONNECT packet on `wire`.
  Task<Welcome> welcome(std::shared_ptr<Wire> wire, std::string token, std::string pid,
                        std::string offset);
  /// Signs in on a connected session: `user-join`.
  Task<Arrival> sign_in(SessionPtr session, Caller caller, std::string offset);
  Task<bool> join(SessionPtr session, Room room);
  Task<> tell_signed_in(SessionPtr session, Arrival arrival);
  /// Its wire has gone.
  void lost(const SessionPtr& session, const Wire* wire);
  /// Throws it out, for good.
  void expel(const SessionPtr& session, const Frame& last = nullptr);
  void record(const SessionPtr& session);
  /// Takes sockets of this process out of a room.
  void evict(const Room& room, const std::optional<UserId>& user);

  // --- as time passes (core.cc) ---
  Task<> tick();
  Task<> tend_tables();
  Task<> hear_outbox();
  /// Something other replicas wrote was not heard.
  void outbox_missed() { missed_outbox_.notify(); }
  /// Asks a socket of this process; nothing when there is none, of this user, that is connected.
  Task<std::optional<json::Value>> ask(std::string sid, UserId user, Event event,
                                       std::chrono::milliseconds timeout);
  /// Ids of the users with a connected socket of this process in the room.
  std::set<std::string> users_in(const Room& room) const;
  /// The number of the connection of a socket of this process; nothing when it has none, or is another
  /// user's.
  std::optional<std::uint64_t> holds(std::string_view sid, const UserId& user) const;
  void ask_until(Clock::time_point deadline, const SessionPtr& session, std::uint64_t question);
  Signal stopping, deadline_set;
  std::atomic<bool> ending = false;   ///< Nobody is let in any more.
  std::atomic<bool> hung_up = false;  ///< And all have been told. Told by `stopping`.

 private:
  SessionPtr new_session();
  Task<SessionPtr> find_session(std::string pid);
  bool fits(const Session& session, const std::optional<Caller>& caller) const;
  /// Nothing: somebody else resumes it at this moment.
  Task<std::optional<bool>> resume(SessionPtr session, Caller caller, std::string offset,
                                   std::optional<Session::Door> door);
  Task<bool> resume_from_log(SessionPtr session, const Caller& caller, std::string offset,
                             std::optional<Session::Door> door);
  Task<std::optional<std::vector<Event>>> missed(SessionPtr session, Position from, UserId user);
  Task<> check_rooms(SessionPtr session, Caller caller);
  Task<> arriving(UserId user) const;
  void begin(const SessionPtr& session, Caller caller);

  void look_after(const SessionPtr& session, Clock::time_point now);
  Task<> renew(std::vector<SessionPtr> due);
  std::chrono::nanoseconds give_up_overdue();

  /// Of one user's sessions that wait for their client, the newest stay.
  void bound_lost(const UserId& user);

  Replay* const replay_;
  Signal missed_outbox_;
  const std::shared_ptr<RingBudget> ring_budget_;
  struct Question {
    std::weak_ptr<Session> session;
    std::uint64_t id;
  };
  std::mutex mutex_;
  std::multimap<Clock::time_point, Question> deadlines_;  ///< Guarded by mutex_.
};

}  // namespace antiphon::realtime

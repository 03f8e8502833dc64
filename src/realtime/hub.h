#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "http/caller.h"
#include "json/types.h"
#include "realtime/channel.h"
#include "realtime/event.h"
#include "realtime/outbox.h"
#include "realtime/replay.h"
#include "store/db.h"

namespace antiphon {
class Loops;
}

/// The process's Socket.IO side: who is connected, who is in which room, and how events get there.
namespace antiphon::realtime {

class Core;
class Session;

/// One client's socket, as event handlers see it. Copyable; any thread. It may have gone meanwhile:
/// then everything here is without effect.
class Socket {
 public:
  Socket(std::shared_ptr<Core> core, std::shared_ptr<Session> session);
  const std::string& sid() const;
  /// As of its sign-in or the latest check; for a handler always somebody signed in.
  Caller caller() const;
  /// Asks Rules::may_join. False when the answer is no, or the socket has gone.
  Task<bool> join(Room room);
  void leave(const Room& room);
  bool in(const Room& room) const;
  /// Never blocks. False when the socket has gone, or has seen more than this keyframe says.
  bool emit(const Event& event);

 private:
  std::shared_ptr<Core> core_;
  std::shared_ptr<Session> session_;
};

/// Everything the hub does not decide itself. Any thread.
struct Rules {
  /// The caller a session token stands for; nothing for bad, expired and revoked tokens and for API
  /// keys. The hub takes nobody who is pending or came by anything but a session.
  std::function<Task<std::optional<Caller>>(std::string token)> verify;
  /// As the session stands now; nothing when it is revoked or its user gone or demoted to pending.
  /// Asked every 30 s and when a client resumes.
  std::function<Task<std::optional<Caller>>(Caller)> renew;
  /// Called before a user's socket is let in: from then on all that other replicas write for him is
  /// heard. May be unset.
  std::function<Task<>(UserId)> arriving = {};
  /// Whether the caller may listen to a room other than its own. Unset: to none.
  std::function<Task<bool>(Caller, Room)> may_join;
};

struct HubOptions {
  std::chrono::milliseconds ping_interval{25'000};
  std::chrono::milliseconds ping_timeout{20'000};
  std::chrono::milliseconds connect_timeout{10'000};  ///< From the handshake to the CONNECT packet.
  std::chrono::milliseconds waiting_timeout{15 * 60'000};  ///< A socket nobody signs in on.
  std::chrono::milliseconds renew_interval{30'000};
  std::chrono::milliseconds resume_window{120'000};  ///< How long a lost client may come back.
  std::size_t resume_bytes = 256 * 1024;             ///< Recent frames kept for a session, in memory.
  std::size_t resume_bytes_of_all = 64 << 20;        ///< Above it sessions keep a sixteenth of theirs.
  int lost_per_user = 32;  ///< Sessions of one user that wait for their client; the oldest goes.
  int waiting_per_address = 20;
  std::size_t waiting_message_bytes = 64 * 1024;
  std::size_t message_bytes = 16 * 1024 * 1024;
  std::string node = {};    ///< This process in the table of nodes.
  std::string epoch = "0";  ///< Of the database; another after a restore. [A-Za-z0-9]{1,32}
};

/// How a socket came to be signed in.
enum class Arrival {
  fresh,    ///< Knows nothing: send keyframes of live runs.
  resumed,  ///< Has got everything it missed.
  gap,      ///< Was here before and missed events that are gone: let it reload, then keyframes.
};

/// For /metrics.
struct HubCounts {
  std::int64_t signed_in = 0, waiting = 0, lost = 0, polling = 0;
  std::int64_t resumed_from_memory = 0, resumed_from_log = 0, not_resumed = 0;
  std::int64_t frames_out = 0, events_in = 0, refused = 0;
};

/// An event that becomes durable with a transaction of the caller's. Put `row()` into the
/// transaction, then say committed(); gone without that, the event is withdrawn. Outbox events reach
/// sockets in order of their ids, so an undecided ticket holds back later ones: keep it short.
class Ticket {
 public:
  explicit Ticket(std::shared_ptr<Outbox::Entry> entry) : entry_(std::move(entry)) {}
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket();
  /// The insertion into the outbox.
  store::Bound row() const;
  void committed();

 private:
  std::shared_ptr<Outbox::Entry> entry_;
};

/// The object that an event of a client names: what it is, and in which member of the argument.
/// Both empty: none.
struct EventObject {
  std::string_view kind;    ///< "chat"
  std::string_view member;  ///< "chat_id"
};
inline constexpr EventObject kNoObject{};

/// An event that clients may send, as it was declared.
struct EventRule {
  std::string event;
  bool waiting = false;  ///< Heard from sockets nobody has signed in on.
  EventObject names;
};

/// One per process, built by main. Any thread unless said otherwise.
class Hub {
 public:
  /// An event's handler: its first argument in, what to acknowledge out (nothing: no acknowledgement).
  /// Events of a socket are handled one after the other. A Problem is logged and acknowledged as null.
  using Handler = std::function<Task<std::optional<json::Value>>(Socket&, json::Value)>;
  using JoinHandler = std::function<Task<>(Socket&, Arrival)>;

  /// `db` keeps sessions and the outbox; null: events survive in memory only (tests). `replay` reads
  /// the answer log; null: there is none. `bus`: the way to other replicas; null: there are none. All
  /// must outlive the hub; the bus is started after it was made and stopped before it goes.
  Hub(HubOptions options, Rules rules, Loops& loops, store::Db* db = nullptr, Replay* replay = nullptr,
      bus::Bus* bus = nullptr);
  ~Hub();

  // --- wiring, before start() ---
  /// Handles events of this name from signed-in sockets. "user-join" is the hub's own. `names` says
  /// which object the event is about.
  void on(std::string event, EventObject names, Handler handler);
  /// Called after a socket signed in, at CONNECT or by user-join, also when it resumed: the moment to
  /// send keyframes of its live runs. Handlers run in order of registration.
  void on_signed_in(JoinHandler handler);
  /// Called when others have come to a room, or gone, than tell_members() told of: at other replicas,
  /// or here without a word. One handler.
  void on_members(std::function<Task<>(Room)> handler);
  /// Opens the tables' state and starts the timers. After the migrations.
  Task<> start();
  /// Refuses new sockets (503) and closes the others so that clients come back elsewhere, with their
  /// pid; then waits. Before Server::drain(): polls under way end at once.
  Task<> stop(std::chrono::milliseconds deadline);

  // --- towards clients ---
  /// To every socket in the room but the one named, on all replicas: those of the answer log by the
  /// replica that relays it. Never blocks. What is not durable may be lost on its way.
  void emit(const Room& room, const Event& event, std::string_view skip_sid = {});
  /// To this process's sockets in the room only.
  void emit_here(const Room& room, const Event& event);
  /// To one socket. False when it is not here.
  bool emit_to(std::string_view sid, const Event& event);
  /// As emit(), durably: in the outbox before any client sees it, replayed to those cut off.
  Task<> publish(Room room, Event event, std::string skip_sid = {});
  /// The same within a transaction of the caller's.
  Ticket ticket(Room room, Event event, std::string skip_sid = {});
  /// Asks one socket, at whichever replica it is, and waits for its acknowledgement: the catalogue's
  /// RPC types. `{"error": text}` when the socket is not the user's (row 93), has gone, or does not
  /// answer in time. `channel`: the one that was opened for what it says beside its answer; "" is none.
  Task<json::Value> call(std::string sid, UserId user, Event event, std::chrono::milliseconds timeout,
                         std::string channel = {});
  /// What one socket says as events named `{user}:{session}:{request}`, whichever replica it is at.
  /// Open it, then call() the socket with its name; close it in the end.
  std::shared_ptr<Channel> open_channel(const std::string& name, std::string sid, UserId user);
  void close_channel(const std::string& name);
  /// Tells the hub of a run that goes on although this process has emitted nothing of it yet
  /// (taken over at start): sockets that connect now have seen it up to here.
  void track(const Room& room, const Event::Run& run);
  /// After a run's last event, unless that said so itself (Event::Run::last). Ended runs leave the
  /// positions after a minute; others stay in them, in every event, for ever.
  void run_ended(const Room& room, std::string_view run_id);

  /// What clients may say, in order of name, for the authorization matrix.
  std::vector<EventRule> events() const;

  // --- who is here ---
  bool belongs(std::string_view sid, const UserId& user) const;
  bool online(const UserId& user) const;
  /// Who is at other replicas, by id, as of a second or two ago.
  Task<std::shared_ptr<const std::set<std::string>>> users_elsewhere() const;
  /// Whether any socket is in the room, or will be back in it shortly.
  bool watched(const Room& room) const;
  /// Connected sockets in the room: (sid, user id).
  std::vector<std::pair<std::string, UserId>> sockets_in(const Room& room) const;
  /// Ids of the users in the room, at all replicas as far as they have told: about a second behind.
  std::set<std::string> users_in(const Room& room) const;
  /// Tells the other replicas that somebody has entered the room here, or left it.
  void tell_members(const Room& room);
  std::vector<UserId> users_online() const;
  /// Takes sockets out of a room after a right was withdrawn: those of one user, or all.
  void evict(const Room& room, const std::optional<UserId>& user = {});
  HubCounts counts() const;

  /// Asks anew, within a second, whether each socket may stay: after changes may have been missed.
  void recheck_all();

  // --- revocation: effective before this returns ---
  void close_session(std::string_view token_id);
  /// `last_word` goes out first when given ("access:updated").
  void close_user(const UserId& user, const std::optional<Event>& last_word = {});

  /// For the protocol side, in this folder.
  const std::shared_ptr<Core>& core() const { return core_; }

 private:
  void hear(bus::Bus& bus);
  std::shared_ptr<Core> core_;
};

}  // namespace antiphon::realtime

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async.h"
#include "http/caller.h"
#include "realtime/event.h"
#include "realtime/position.h"
#include "realtime/wire.h"

namespace antiphon::realtime {

/// `{"error": why}`: what a question that has no answer ends with.
json::Value error_answer(std::string_view why);

using Clock = std::chrono::steady_clock;

/// Builds an event's frames: one for each distinct offset, shared by all who have that one.
class FrameCache {
 public:
  explicit FrameCache(const Event& event) : event_(event) {}
  const Event& event() const { return event_; }
  const Frame& frame(const std::string& offset);
  const std::vector<Frame>& attachments();

 private:
  const Event& event_;
  std::vector<std::pair<std::string, Frame>> frames_;
  std::vector<Frame> attachments_;
};

/// What all sessions together may keep of recent frames. Above it each keeps a sixteenth of its share;
/// the rest is in the log.
struct RingBudget {
  std::size_t of_one = 256 * 1024;
  std::int64_t of_all = 64 << 20;
  std::atomic<std::int64_t> used = 0;

  std::size_t limit() const { return used > of_all ? of_one / 16 : of_one; }
};

/// What a client keeps across connections: its sid and pid, who it is, what it has seen, and for a
/// short while what it may have missed. Any thread.
///
/// Live: events go to the wire. Not live but held: the client is lost, or back without its token;
/// events collect in the ring. Catching up: events wait until the replay from the log is through.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::string sid, std::string pid, std::shared_ptr<RingBudget> budget);
  ~Session();

  const std::string& sid() const { return sid_; }
  const std::string& pid() const { return pid_; }

  // --- who ---
  std::optional<Caller> owner() const;
  void set_owner(Caller caller);
  bool signed_in() const;
  bool owned_by(const UserId& user) const;
  bool has_token(std::string_view token_id) const;

  // --- the way to the client ---
  /// A connection, and what is said on it first (the CONNECT reply).
  struct Door {
    std::shared_ptr<Wire> wire;
    Frame hello;
  };
  /// Makes it the session's, which is not live then. The former wire is closed.
  void attach(const Door& door);
  /// The wire has gone; false when the session has another one already.
  bool detach(const Wire* wire);
  bool attached() const;
  /// Which of its connections it has, counted from one; nothing while it has none.
  std::optional<std::uint64_t> connection() const;
  bool polling() const;
  /// How long it has been without a wire, or without a sign-in.
  Clock::time_point idle_since() const;
  void send(const Frame& frame);
  /// Closes the connection; the client may come back.
  void hang_up();
  /// Ends it: nothing is sent any more. `last` goes first when given. Yields the wire, if any.
  std::shared_ptr<Wire> end(const Frame& last = nullptr);
  bool ended() const;

  // --- events ---
  /// Begins afresh at `now`: live, with an empty ring.
  void begin(Position now);
  /// What a room's runs have said before the session came to it was never meant for it.
  void include(const Position& seen);
  void run_ended(std::string_view run_id);
  bool deliver(FrameCache& cache);
  /// Goes live on this connection (on its present one when there is no `door`) with what is in the
  /// ring after `offset`, all of it when that is "". False, and nothing sent, when the ring does not
  /// reach that far back: then the log has to be read.
  bool resume_from_ring(std::string_view offset, const std::optional<Door>& door);
  /// Sets where the client is, and lets events wait. False when a replay is under way.
  bool begin_replay(Position from);
  /// Delivers what was missed and what came meanwhile, and goes live. False when too much came.
  bool finish_replay(const std::vector<Event>& missed, const std::optional<Door>& door);
  void cancel_replay();
  Position start() const;
  void set_start(Position start);
  /// Where a client with this offset stands: there, or at the session's start if that is later
  /// (a client keeps the offset of an earlier session until it gets a new one).
  Position position_at(std::string_view offset) const;
  void forget_recent();
  void drop_older_than(Clock::time_point limit);

  // --- acknowledgements ---
  /// Sends an event that wants one. False when there is nobody to ask.
  bool ask(const Event& event, std::uint64_t& id, Completion<std::optional<json::Value>> answer);
  void answered(std::uint64_t id, json::Value value);
  void give_up(std::uint64_t id, std::string_view why);
  /// As if it had gone.
  void give_up_all();
  static constexpr std::size_t kMaxQuestions = 256;

  // --- of the hub, guarded by its mutex ---
  std::vector<std::string> rooms;         ///< Where it is.
  std::vector<std::string> rooms_wanted;  ///< Of who resumes: where it was before a restart.

  /// Set by whoever resumes the session now: two connections may present the same pid.
  std::atomic_flag resuming = ATOMIC_FLAG_INIT;
  /// When its right to be here is asked again; at once after a sign-in, since a revocation may have
  /// come while the token was being looked at.
  std::atomic<Clock::time_point> next_check = Clock::time_point{};

 private:
  struct Kept {
    Frame frame;
    Clock::time_point at;
  };
  void open_locked(const Door& door);
  std::optional<std::size_t> first_missed(std::string_view offset) const;
  bool deliver_locked(FrameCache& cache);
  bool accept(const Event& event);
  void keep(const Frame& frame);
  void drop_oldest();
  void drop_ring();
  void fail_questions();

  const std::string sid_;
  const std::string pid_;
  const std::shared_ptr<RingBudget> budget_;

  mutable std::mutex mutex_;  ///< Guards everything below. Taken after the hub's, never before.
  std::optional<Caller> owner_;
  std::shared_ptr<Wire> wire_;
  std::uint64_t connections_ = 0;
  bool live_ = false;
  bool replaying_ = false;
  bool ended_ = false;
  bool ring_whole_ = false;  ///< The ring holds everything since start_.
  Clock::time_point idle_since_ = Clock::now();
  Position start_;
  Position position_;
  std::unique_ptr<std::deque<Kept>> ring_;  ///< Most sessions are idle and have none.
  std::size_t ring_used_ = 0;
  std::vector<std::shared_ptr<const Event>> waiting_;  ///< While replaying.
  std::size_t waiting_bytes_ = 0;
  std::map<std::uint64_t, Completion<std::optional<json::Value>>> questions_;
  std::uint64_t next_question_ = 0;
};

}  // namespace antiphon::realtime

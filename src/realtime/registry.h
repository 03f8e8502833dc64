#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "realtime/session.h"

namespace antiphon::realtime {

/// Which sessions there are and in which rooms, and the way of an event to them. Any thread.
///
/// What a session has missed hangs on one rule: being a member and knowing what a room has said so
/// far change together, under this lock; so every event is either known or delivered.
class Registry {
 public:
  using SessionPtr = std::shared_ptr<Session>;

  explicit Registry(std::string epoch) : epoch_(std::move(epoch)) {}

  /// Yields the session to use: another one with this pid may have come first.
  SessionPtr add(const SessionPtr& session);
  /// Takes it out of everything.
  void remove(const SessionPtr& session);
  SessionPtr by_sid(std::string_view sid) const;
  SessionPtr by_pid(std::string_view pid) const;
  std::vector<SessionPtr> all() const;

  /// A session that begins now, in its user's room only: it has seen all there is.
  void begin(const SessionPtr& session, const Room& room);
  /// Enters a room. With `fresh`, what was said there before is not for this session.
  void join(const SessionPtr& session, const Room& room, bool fresh);
  void leave(const SessionPtr& session, const Room& room);
  void leave_all(const SessionPtr& session);
  std::vector<std::string> rooms_of(const SessionPtr& session) const;
  bool in(const SessionPtr& session, const Room& room) const;
  std::vector<SessionPtr> members(const Room& room) const;

  /// Yields how many frames went out.
  std::int64_t emit(const Room& room, const Event& event, std::string_view skip_sid);
  void track(const Room& room, const Event::Run& run);
  void run_ended(const Room& room, std::string_view run_id);
  void released(const Marks& marks);
  /// Forgets runs that ended ten minutes ago.
  void tidy();

  /// One more waiting socket of this address, when there are fewer than `limit`.
  bool enter_waiting(const std::string& address, int limit);
  void leave_waiting(const std::string& address);
  std::int64_t waiting() const;

 private:
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

  void enter(const SessionPtr& session, const std::string& room);
  void leave_locked(const SessionPtr& session, const std::string& room);
  void note(const std::string& room, const Event::Run& run);

  const std::string epoch_;
  mutable std::mutex mutex_;
  ByText<SessionPtr> by_sid_;
  ByText<SessionPtr> by_pid_;
  ByText<std::vector<SessionPtr>> rooms_;
  ByText<Position> said_;  ///< By room: runs that are live or ended in the last ten minutes.
  Marks released_;
  std::unordered_map<std::string, int> waiting_;  ///< By address.
};

}  // namespace antiphon::realtime

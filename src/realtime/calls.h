#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/signal.h"
#include "base/task.h"
#include "bus/bus.h"
#include "http/caller.h"
#include "json/types.h"
#include "realtime/event.h"
#include "store/db.h"

namespace antiphon {
class Loops;
class Scope;
}  // namespace antiphon

namespace antiphon::realtime {

/// Questions to sockets that another replica holds. Nobody knows which that is, since a client resumes
/// wherever it comes to: all are asked, and the one that holds the socket answers. The others look at
/// the sid and no further; what is long stands in the database, where that one alone reads it.
///
/// Each question is asked of a browser once at most. Who holds the socket says so, and again whenever
/// it is asked whether it still does: silence means that it has died. Any thread.
class Calls {
 public:
  /// What the process that holds the socket does.
  struct Here {
    /// Whether such a socket of this user is connected here. Quick.
    std::function<bool(std::string_view sid, const UserId& user)> holds;
    /// Asks it; nothing when it has gone meanwhile.
    std::function<Task<std::optional<json::Value>>(std::string sid, UserId user, Event event,
                                                   std::chrono::milliseconds timeout)>
        ask;
    /// What the socket says on this channel from now on is for the asker.
    std::function<void(std::string channel, std::string sid, UserId user)> pass_on;
  };
  /// Both may be null: then there is nobody else. Listens from now on, so before the bus starts; what
  /// it does for others runs in `scope`, which is closed before this goes.
  Calls(bus::Bus* bus, store::Db* db, std::string node, Scope& scope, Loops& loops, Here here);
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  /// The browser's answer, or an error as an answer; nothing when no other replica holds the socket, or
  /// none says so within two seconds.
  /// `channel`: on which it says more, "" is none.
  Task<std::optional<json::Value>> ask(std::string sid, UserId user, Event event,
                                       std::chrono::milliseconds timeout, std::string channel);
  /// Ends what is asked here, as if who was asked had gone.
  void stop();
  /// Once a minute: forgets long texts that nobody has fetched.
  Task<> sweep();

  static constexpr std::size_t kMaxOpen = 1'024;     ///< Questions of this process to others.
  static constexpr std::size_t kMaxHeld = 1'024;     ///< Of others to sockets here, with answers kept.
  static constexpr std::size_t kMaxText = 16 << 20;  ///< Of a question or an answer.

 private:
  using Clock = std::chrono::steady_clock;
  /// A text on its way: as it is, or the name it has in the database.
  struct Text {
    bool stored = false;
    std::string words;
  };
  /// A question of ours.
  struct Open {
    Signal changed;
    std::string holder;       ///< "" until one has said that it holds the socket.
    Clock::time_point heard;  ///< When the holder spoke last.
    bool gone = false;        ///< The holder knows nothing of it.
    std::optional<Text> answer;
    bool settled() const { return gone || answer.has_value(); }
  };
  /// A question of another replica's to a socket here.
  struct Held {
    Clock::time_point until;     ///< Nobody wants it after that.
    std::optional<Text> answer;  ///< Kept until the asker has it.
  };
  struct Asking;

  void hear_question(std::string_view body);
  void hear_whether(std::string_view body);
  void hear_state(std::string_view body);
  void hear_answer(std::string_view body);
  /// How a question that is held stands: its answer, being asked, or gone.
  void say_how(std::string_view id);
  void say_answer(std::string_view id, const Text& answer);
  bool hold(const std::string& id, Clock::time_point until);
  Task<> answer(std::string id, Asking asking);
  Task<std::optional<json::Value>> wait_for(const std::string& id, const std::shared_ptr<Open>& open,
                                            std::string question, Clock::time_point until);
  bool silent(const Open& open, Clock::time_point now) const;
  Task<Text> put(std::string id, std::string words);
  Task<std::string> get(Text text);

  bus::Bus* const bus_;
  store::Db* const db_;
  const std::string node_;
  Scope& scope_;
  Loops& loops_;
  const Here here_;
  std::mutex mutex_;
  bool stopping_ = false;                              ///< Guarded by mutex_.
  std::map<std::string, std::shared_ptr<Open>> open_;  ///< Guarded by mutex_, and what they point to.
  std::map<std::string, Held, std::less<>> held_;      ///< Guarded by mutex_.
};

}  // namespace antiphon::realtime

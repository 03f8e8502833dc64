#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bus/bus.h"
#include "realtime/event.h"

namespace antiphon::realtime {

/// Who is in a room at other replicas, as they say it themselves: when somebody comes or goes, when
/// they are asked, and when somebody has gone without a word. Of rooms only that have members here.
/// What was not heard is asked for again; whoever is silent has died, and nobody is there any more. No
/// database. Any thread.
class Elsewhere {
 public:
  using Users = std::set<std::string>;
  static constexpr std::size_t kMaxUsers = 50;      ///< Told of one room.
  static constexpr std::size_t kMaxRooms = 10'000;  ///< Kept; of more, nothing is known.

  /// `bus` may be null: there are no others. `here`: ids of the users in a room of this process.
  /// Listens from now on, so before the bus starts.
  Elsewhere(bus::Bus* bus, std::string node, std::function<Users(const Room&)> here);
  Elsewhere(const Elsewhere&) = delete;
  Elsewhere& operator=(const Elsewhere&) = delete;

  /// Before the bus starts. Called, on any thread and outside of locks, when somebody came or went who
  /// did not say so here. Must be quick.
  void on_changed(std::function<void(const Room&)> handler) { changed_ = std::move(handler); }

  /// Somebody came or went here: the others are told and say who is there.
  void told(const Room& room);
  Users in(const Room& room) const;
  /// Once a second.
  void tick();
  /// At a graceful end: nobody is here any more.
  void leave();

 private:
  using Clock = std::chrono::steady_clock;
  void hear_members(std::string_view body);
  void hear_life(std::string_view node);
  void hear_end(const std::string& node);
  void say(const Room& room, const Users& users, bool ask);
  void ask_again();

  bus::Bus* const bus_;
  const std::string node_;
  const std::function<Users(const Room&)> here_;
  std::function<void(const Room&)> changed_;
  std::atomic<bool> left_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, Users> said_;  ///< By room, who is here. Guarded by mutex_.
  std::map<std::string, std::map<std::string, Users>>
      others_;  ///< By room and node. Guarded by mutex_.
  std::map<std::string, Clock::time_point, std::less<>>
      lives_;                    ///< When a node spoke. Guarded by mutex_.
  Clock::time_point next_life_;  ///< Guarded by mutex_.
};

}  // namespace antiphon::realtime

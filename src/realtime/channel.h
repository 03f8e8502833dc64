#pragma once

#include <chrono>
#include <deque>
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

namespace antiphon::realtime {

/// What one browser says as the events of one name, in order and whole: who reads is told when
/// something is missing, or may be, because the browser was cut off meanwhile. Any thread.
class Channel {
 public:
  /// The number of the socket's connection to this process; nothing when it is not here.
  using Here = std::function<std::optional<std::uint64_t>()>;
  static constexpr std::size_t kMaxLine = 128 << 10;   ///< Bytes, as JSON.
  static constexpr std::size_t kMaxWaiting = 8 << 20;  ///< Bytes that nobody has read yet.
  static constexpr std::size_t kMaxLines = 1'000'000;

  Channel(std::string sid, Here here);

  /// The next line. Throws Problem(upstream) when the browser has gone or something was lost, when
  /// nothing comes for `idle`, and what fail() was given.
  Task<json::Value> next(std::chrono::nanoseconds idle);
  /// next() throws this once it has given what came before.
  void fail(std::string why);

 private:
  friend class Channels;
  using Clock = std::chrono::steady_clock;
  void say(json::Value line);
  void hear(std::int64_t number, json::Value line);
  /// The replica that holds the socket says that it does, and how many lines it has passed on.
  void hear_alive(std::int64_t count);
  void push(json::Value line);
  void fail_locked(std::string why);
  std::optional<std::string> broken(Clock::time_point now);
  void check_gap();
  void look_here();

  const std::string sid_;
  const Here here_;
  const std::optional<std::uint64_t> connection_;  ///< When it was opened.
  Signal changed_;
  std::mutex mutex_;  ///< Guards everything below.
  std::deque<std::pair<json::Value, std::size_t>> lines_;
  std::size_t waiting_bytes_ = 0;
  std::size_t count_ = 0;                      ///< Lines that have come, of whatever way.
  std::map<std::int64_t, json::Value> ahead_;  ///< Heard before those in front of them.
  std::int64_t next_ = 1;                      ///< The number of the next one that is heard.
  std::int64_t told_ = 0;                      ///< So many have been passed on.
  std::optional<Clock::time_point> gap_since_;
  Clock::time_point alive_ = Clock::now();  ///< When the socket was known to be there last.
  std::optional<std::string> failure_;
};

/// The channels that are read here, and those of sockets here that are read at another replica. A line
/// goes on only of a channel that a question of that replica opened, from the socket that was asked.
/// Any thread.
class Channels {
 public:
  static constexpr std::size_t kMaxOpen = 1'024;    ///< Read here.
  static constexpr std::size_t kMaxPassed = 1'024;  ///< Passed on.

  /// As Channel::Here, of any socket.
  using Holds = std::function<std::optional<std::uint64_t>(std::string_view sid, const UserId& user)>;

  /// `bus` may be null. Listens from now on, so before the bus starts.
  Channels(bus::Bus* bus, Holds holds);
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;

  /// `name`: "{user}:{session}:{request}". Throws Problem(unavailable) when too many are open.
  std::shared_ptr<Channel> open(const std::string& name, std::string sid, UserId user);
  void close(const std::string& name);
  /// What the socket says on it from now on is for another replica.
  void pass_on(std::string name, std::string sid, UserId user);
  /// A socket here says a line.
  void say(const std::string& name, std::string_view sid, json::Value line);
  /// Once a second.
  void tick();

 private:
  using Clock = std::chrono::steady_clock;
  struct Passed {
    std::string sid;
    UserId user;
    std::optional<std::uint64_t> connection;
    std::int64_t count = 0;
    Clock::time_point used = Clock::now();
  };
  std::shared_ptr<Channel> find(std::string_view name);
  void look_at(Passed& passed) const;

  bus::Bus* const bus_;
  const Holds holds_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Channel>, std::less<>> open_;  ///< Guarded by mutex_.
  std::map<std::string, Passed, std::less<>> passed_;                  ///< Guarded by mutex_.
};

}  // namespace antiphon::realtime

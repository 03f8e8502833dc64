#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bus/redis_address.h"

namespace antiphon::bus {

/// What was found at the address, for people.
struct RedisState {
  enum class Trouble { none, unreachable, forbidden, old, shared };
  bool connected = false;
  Trouble trouble = Trouble::unreachable;
  std::string text = {};  ///< A sentence. Without secrets.
};

/// Messages between processes over Redis' publish and subscribe, on a connection and a thread of their
/// own. Whoever sends is told when it is not certain that everybody could hear, so that it says it
/// again in another way; so what is heard here may have been heard there.
class Redis {
 public:
  struct Listener {
    /// Another process's message, or the own one.
    std::function<void(std::string_view message)> heard;
    /// From now on messages are heard; earlier ones may have been lost.
    std::function<void()> joined;
    /// How many subscriptions there are when all hear, the own one included.
    std::function<std::size_t()> wanted;
    /// It was not answered in time, or fewer heard it.
    std::function<void(std::string message)> unheard;
    /// Nothing is heard here; said again as long as it is so, about once a second.
    std::function<void()> deaf;
    /// Several times a second, whatever the state.
    std::function<void()> tick;
    /// Something else is so than before.
    std::function<void(const RedisState&)> changed;
  };
  static constexpr std::size_t kMaxWaiting = 8 << 20;  ///< Bytes sent and not answered.

  /// The listener is called on the connection's thread.
  Redis(RedisAddress address, std::string deployment, Listener listener);
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  /// Never blocks. False when it is not sent: no connection, or too many wait. Any thread.
  bool send(std::string message);
  /// Waits for what is not answered, 0.2 s at most, and ends. `unheard` may be called until it returns.
  void close();

  std::uint64_t sent() const;  ///< Messages, since the start.
  std::uint64_t received() const;
  std::uint64_t unheard() const;   ///< Of the sent ones, those that went another way too.
  std::uint64_t failures() const;  ///< Connections that were lost or not made.

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Connects, and says what is there. Blocks for some seconds at most.
RedisState look_at_redis(const RedisAddress& address, const std::string& deployment);

}  // namespace antiphon::bus

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "bus/redis.h"
#include "bus/redis_line.h"

namespace antiphon::bus {

/// What a command may take before it counts as failed.
inline constexpr std::chrono::milliseconds kRedisBudget{200};

/// A line that is signed in and subscribed.
struct RedisSession {
  std::unique_ptr<RedisLine> line;
  std::string channel;
  std::string_view publish;  ///< The command.
  RedisState state;
};

/// Why there is none; its state says it to people.
struct RedisRefusal {
  RedisState state;
};

/// Finds the server (through Sentinels, or a cluster's redirections), signs in and subscribes to the
/// deployment's channel. Blocks for some seconds at most. Throws RedisRefusal.
RedisSession open_redis(const RedisAddress& address, const std::string& deployment);

}  // namespace antiphon::bus

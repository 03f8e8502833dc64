#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "bus/bus.h"
#include "store/test_store.h"

namespace antiphon::bus {

/// For tests: a process on the bus that notes the words it hears.
struct Replica {
  explicit Replica(const std::string& deployment, const RedisAddress& redis = {}, bool notify = true)
      : bus({.others = true, .url = notify ? store::postgres_url() : "", .redis = redis}, deployment) {
    bus.on("word", [this](std::string_view body) {
      std::scoped_lock lock(mutex);
      words.emplace_back(body);
    });
    bus.on_missed([this] { ++missed; });
    bus.start();
  }
  ~Replica() { bus.stop(); }
  std::vector<std::string> heard() {
    std::scoped_lock lock(mutex);
    return words;
  }
  bool has_redis() const { return bus.redis()->connected; }
  std::mutex mutex;
  std::vector<std::string> words;
  std::atomic<int> missed = 0;
  Bus bus;
};

}  // namespace antiphon::bus

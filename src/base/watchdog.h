#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace antiphon {

class Loops;
namespace metrics {
class Registry;
}

/// Watches that the event loops turn: asks each for a sign of life, and counts and logs it when the
/// answer takes more than `limit`, since then somebody's handler has held the loop so long. A thread
/// of its own, so that it notices a loop that never comes back. Any thread may ask.
class Watchdog {
 public:
  struct Limits {
    std::chrono::milliseconds limit{50};
    std::chrono::milliseconds period{25};  ///< Between two questions to a loop.
  };
  struct Loop {
    std::int64_t stalls = 0;
    std::chrono::nanoseconds worst{0};
    std::chrono::nanoseconds waiting{0};  ///< Since the question that is not answered yet.
  };

  /// The loops run already, and outlive the watchdog. With a registry it keeps
  /// antiphon_loop_stalls_total{loop} and antiphon_loop_lag_seconds.
  Watchdog(Loops& loops, metrics::Registry* registry, Limits limits);
  Watchdog(Loops& loops, metrics::Registry* registry) : Watchdog(loops, registry, Limits{}) {}
  ~Watchdog();

  Loop loop(int index) const;
  /// Whether every loop has answered, or has been asked less than `patience` ago. For /ready.
  bool turning(std::chrono::nanoseconds patience = std::chrono::seconds(2)) const;

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< Shared with the questions under way.
};

}  // namespace antiphon

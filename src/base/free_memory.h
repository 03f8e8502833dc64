#pragma once

#include <chrono>
#include <cstddef>

namespace antiphon {

/// Gives the system back what malloc keeps of memory that was freed: after a chat of 100,000 messages
/// that was 200 MB at times, held by a few small blocks above it. One thread; takes milliseconds where
/// there is much to give.
class FreeMemory {
 public:
  /// Looks at most every four seconds, and gives back when the process has grown by 32 MiB since the
  /// first look.
  using Clock = std::chrono::steady_clock;
  void look(Clock::time_point now = Clock::now());

 private:
  Clock::time_point next_{};
  std::size_t first_ = 0;  ///< Resident bytes at the first look.
};

}  // namespace antiphon

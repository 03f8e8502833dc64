#pragma once

#include <chrono>

namespace antiphon {

/// Wakes a thread that waits in poll(2): the end of the wait is a file descriptor. wake() from any
/// thread, the rest by the one that waits.
class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  void wake() const;
  /// For poll(2), POLLIN.
  int descriptor() const { return descriptor_; }
  /// After it: forgets the wake-ups so far.
  void drain() const;
  /// Waits for a wake-up, or until `time` is over, and drains.
  void wait(std::chrono::milliseconds time) const;

 private:
  const int descriptor_;
};

}  // namespace antiphon

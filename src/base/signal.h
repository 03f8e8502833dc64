#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "base/task.h"

namespace antiphon {

/// Wakes waiting coroutines, from any thread. A notify() with nobody waiting is remembered once,
/// so a wake-up is never lost between a check and the wait that follows it.
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Wakes everybody who waits; if nobody does, the next wait returns at once. Any thread.
  void notify();

  /// True when notified, false when `timeout` passed first.
  Task<bool> wait(std::chrono::nanoseconds timeout = std::chrono::hours(24));

 private:
  struct Waiter;
  std::mutex mutex_;
  bool pending_ = false;                          ///< Guarded by mutex_.
  std::vector<std::shared_ptr<Waiter>> waiters_;  ///< Guarded by mutex_.
};

}  // namespace antiphon

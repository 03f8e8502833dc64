#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/task.h"

namespace antiphon {

/// Wakes waiting coroutines, from any thread. A notify() with nobody waiting is remembered once, so the
/// one who waits next cannot have missed it. Where several wait, that is for until().
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Wakes everybody who waits; if nobody does, the next wait returns at once. Any thread.
  void notify();

  /// True when notified, false when `timeout` passed first.
  Task<bool> wait(std::chrono::nanoseconds timeout = kEver);

  /// Waits until `so`, which whoever brings it about tells with notify(). Looks when it can be woken
  /// already, so nobody misses it, however many wait. False when `timeout` passed first.
  Task<bool> until(std::function<bool()> so, std::chrono::nanoseconds timeout = kEver);

 private:
  static constexpr std::chrono::hours kEver{24};
  struct Waiter;
  struct Place;
  std::mutex mutex_;
  bool pending_ = false;                          ///< Guarded by mutex_.
  std::vector<std::shared_ptr<Waiter>> waiters_;  ///< Guarded by mutex_.
};

}  // namespace antiphon

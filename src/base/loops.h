#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/task.h"

namespace antiphon {

/// The io threads: one event loop a core, each single-threaded, so a coroutine needs no lock
/// against others of its loop. Built and run by main (and by tests).
class Loops {
 public:
  explicit Loops(int count);
  ~Loops();  ///< Stops and joins.

  int size() const;
  /// Loop `index`, 0 ≤ index < size(). Loop 0 also runs the process-wide services.
  Executor at(int index);
  /// The loops in turn.
  Executor next();

  /// Starts the threads; returns at once.
  void start();
  /// Makes the loops return, whatever still waits on them, and joins the threads.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs a task to its end on a loop of its own, from code that is not a coroutine: main, tests.
void run_to_end(std::function<Task<>()> work);

/// As run_to_end, with a result: `auto user = run([&] { return users.find(id); });`
template <class Work>
auto run(Work work) {
  using Result = typename std::invoke_result_t<Work>::value_type;
  if constexpr (std::is_void_v<Result>) {
    run_to_end([&]() -> Task<> { co_await work(); });
  } else {
    std::optional<Result> out;
    run_to_end([&]() -> Task<> { out.emplace(co_await work()); });
    return std::move(*out);
  }
}

}  // namespace antiphon

#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/task.h"

/// The bridge between coroutines and everything that completes by callback or on a thread of
/// its own (database threads, libcurl, the hashing pool).
namespace antiphon {

/// Suspends the calling coroutine, calls `start` with a function that resumes it. That function
/// may be called from any thread, exactly once; the coroutine goes on on its own executor.
Task<> suspend(std::function<void(std::function<void()> resume)> start);

/// Until no thread is inside a `resume`, which takes a microsecond. Before a loop is destroyed that a
/// coroutine was resumed on; not from within one.
void wait_for_resumers();

/// Waits. Not for polling: see Signal.
Task<> sleep_for(std::chrono::nanoseconds duration);

/// The executor of the calling coroutine.
Task<Executor> current_executor();

/// Starts `work` on `where` without an owner. Only for tests and for Scope, Loops and servers,
/// which keep count of what they start; everything else uses Scope.
void spawn_detached(Executor where, std::function<Task<>()> work);

/// Hands a result, or a failure, to the coroutine that waits in `await_result`. Copyable; any
/// thread; the first call counts and later ones are ignored.
template <class T>
class Completion {
 public:
  struct State {
    std::variant<std::monostate, T, std::exception_ptr> result;
    std::function<void()> resume;
    std::atomic_flag done = ATOMIC_FLAG_INIT;
  };
  explicit Completion(std::shared_ptr<State> state) : state_(std::move(state)) {}

  void operator()(T value) const {
    if (state_->done.test_and_set()) return;
    state_->result.template emplace<1>(std::move(value));
    state_->resume();
  }
  void fail(std::exception_ptr error) const {
    if (state_->done.test_and_set()) return;
    state_->result.template emplace<2>(std::move(error));
    state_->resume();
  }

 private:
  std::shared_ptr<State> state_;
};

/// Runs `start`, which arranges for its Completion to be called, and yields the result.
/// `co_await await_result<int>([&](Completion<int> done) { pool.post([done] { done(42); }); })`
template <class T>
Task<T> await_result(std::function<void(Completion<T>)> start) {
  auto state = std::make_shared<typename Completion<T>::State>();
  co_await suspend([state, start = std::move(start)](std::function<void()> resume) {
    state->resume = std::move(resume);
    start(Completion<T>(state));
  });
  if (auto* error = std::get_if<2>(&state->result)) std::rethrow_exception(*error);
  co_return std::move(std::get<1>(state->result));
}

}  // namespace antiphon

#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "base/task.h"

namespace antiphon {

/// Owns the coroutines a component starts. Whoever starts work has a Scope and closes it before
/// it goes away; `main` closes scopes in reverse order of construction. Any thread.
class Scope {
 public:
  Scope();
  ~Scope();  ///< Must be closed, or never used.
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// Starts `work` on `where`. Exceptions that escape are logged under `name`. After close() has
  /// begun nothing starts any more and this yields false.
  bool start(Executor where, std::string name, std::function<Task<>()> work);

  /// True once close() has begun: long-running work looks at this and leaves.
  bool closing() const;

  /// Refuses new work: closing() is true from here on. Before what runs is woken to see it; close()
  /// does it too.
  void refuse();

  /// Refuses new work and waits for what runs, at most `deadline`. False when some still runs.
  Task<bool> close(std::chrono::nanoseconds deadline);

  std::int64_t running() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace antiphon

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

  /// Waits for `duration`. False at once when close() has begun: long-running work leaves then.
  Task<bool> rest(std::chrono::nanoseconds duration);
  /// True once close() has begun.
  bool closing() const;

  /// The first half of close(). After it wake whoever waits for something else and looks at closing().
  void refuse();
  /// Refuses new work and waits for what runs, at most `deadline`. False when some still runs.
  Task<bool> close(std::chrono::nanoseconds deadline);

  std::int64_t running() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace antiphon

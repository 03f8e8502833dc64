#include "base/scope.h"

#include <mutex>

#include "base/async.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/signal.h"

namespace antiphon {

struct Scope::State {
  std::mutex mutex;
  std::int64_t running = 0;  ///< Guarded by mutex.
  std::atomic<bool> closing = false;
  Signal idle;

  void leave() {
    std::scoped_lock lock(mutex);
    if (--running == 0) idle.notify();
  }
};

namespace {
Task<> guarded(std::string name, std::function<Task<>()> work) {
  try {
    co_await work();
  } catch (const Problem& p) {
    log::error("A background task ended",
               {{"task", name}, {"detail", p.detail()}, {"cause", p.cause()}});
  } catch (const std::exception& e) {
    log::error("A background task ended", {{"task", name}, {"error", e.what()}});
  }
}
}  // namespace

Scope::Scope() : state_(std::make_shared<State>()) {}
Scope::~Scope() = default;

bool Scope::start(Executor where, std::string name, std::function<Task<>()> work) {
  {
    std::scoped_lock lock(state_->mutex);
    if (state_->closing) return false;
    ++state_->running;
  }
  spawn_detached(where, [state = state_, name = std::move(name), work = std::move(work)]() -> Task<> {
    struct Leave {
      std::shared_ptr<State> state;
      ~Leave() { state->leave(); }
    } leave{state};
    co_await guarded(name, work);
  });
  return true;
}

bool Scope::closing() const {
  return state_->closing;
}

std::int64_t Scope::running() const {
  std::scoped_lock lock(state_->mutex);
  return state_->running;
}

void Scope::refuse() {
  state_->closing = true;
}

Task<bool> Scope::close(std::chrono::nanoseconds deadline) {
  auto state = state_;
  state->closing = true;
  auto end = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    {
      std::scoped_lock lock(state->mutex);
      if (state->running == 0) co_return true;
    }
    auto left = end - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) co_return false;
    co_await state->idle.wait(left);
  }
}

}  // namespace antiphon

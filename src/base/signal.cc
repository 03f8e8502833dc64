#include "base/signal.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace antiphon {
namespace asio = boost::asio;

/// Outlives its coroutine, and even its loop, where these end while a notify() is under way. So nothing
/// of them stays behind in it: whoever comes first, the end of the wait or notify(), takes `work`.
struct Signal::Waiter {
  std::atomic<bool> notified = false;
  std::mutex mutex;
  Executor work;  ///< Guarded by mutex. Keeps the loop until notify() has posted to it.
  asio::steady_timer* timer = nullptr;  ///< Of the coroutine's frame; touched on its own executor only.

  Executor take_work() {
    std::scoped_lock lock(mutex);
    return std::exchange(work, {});
  }
};

Signal::Signal() = default;
Signal::~Signal() = default;

void Signal::notify() {
  std::vector<std::shared_ptr<Waiter>> woken;
  {
    std::scoped_lock lock(mutex_);
    if (waiters_.empty()) {
      pending_ = true;
      return;
    }
    woken.swap(waiters_);
    for (auto& waiter : woken) waiter->notified = true;
  }
  for (auto& waiter : woken)
    if (auto work = waiter->take_work())
      asio::post(work, [waiter] {
        if (waiter->timer) waiter->timer->cancel();
      });
}

/// The place of one who waits, on the coroutine's own executor. Its end touches nothing of the signal,
/// which may be gone by then.
struct Signal::Place {
  Place(Signal& signal, const Executor& executor, std::chrono::steady_clock::time_point end)
      : signal(signal), timer(executor, end) {}
  ~Place() {
    waiter->timer = nullptr;
    waiter->take_work();
  }
  /// Under the signal's mutex. Armed before anyone can see it, so that a cancel can never come too
  /// early.
  void take() {
    waiter->timer = &timer;
    waiter->work = asio::prefer(timer.get_executor(), asio::execution::outstanding_work.tracked);
    signal.waiters_.push_back(waiter);
  }
  /// False when the time is over. A notify between take() and this posts its cancel to this thread,
  /// behind the wait.
  Task<bool> woken() {
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return waiter->notified || leave();
  }
  bool leave() {
    std::scoped_lock lock(signal.mutex_);
    std::erase(signal.waiters_, waiter);
    return waiter->notified;
  }

  Signal& signal;
  asio::steady_timer timer;
  std::shared_ptr<Waiter> waiter = std::make_shared<Waiter>();
};

Task<bool> Signal::wait(std::chrono::nanoseconds timeout) {
  Place place(*this, co_await asio::this_coro::executor, std::chrono::steady_clock::now() + timeout);
  {
    std::scoped_lock lock(mutex_);
    if (std::exchange(pending_, false)) co_return true;
    place.take();
  }
  co_return co_await place.woken();
}

Task<bool> Signal::until(std::function<bool()> so, std::chrono::nanoseconds timeout) {
  if (so()) co_return true;  // Mostly, and it costs nothing.
  auto executor = co_await asio::this_coro::executor;
  auto end = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    Place place(*this, executor, end);
    {
      std::scoped_lock lock(mutex_);
      place.take();
    }
    if (so()) {
      place.leave();
      co_return true;
    }
    if (!co_await place.woken()) co_return so();
  }
}

}  // namespace antiphon

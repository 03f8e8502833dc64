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

Task<bool> Signal::wait(std::chrono::nanoseconds timeout) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  auto waiter = std::make_shared<Waiter>();
  struct Leave {
    Waiter& waiter;
    ~Leave() {
      waiter.timer = nullptr;
      waiter.take_work();
    }
  } leave{*waiter};
  {
    std::scoped_lock lock(mutex_);
    if (pending_) {
      pending_ = false;
      co_return true;
    }
    // Armed before anyone can see it, so that a cancel can never come too early.
    timer.expires_after(timeout);
    waiter->timer = &timer;
    waiter->work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
    waiters_.push_back(waiter);
  }
  // A notify between here and the wait posts its cancel to this thread, behind the wait.
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (waiter->notified) co_return true;
  std::scoped_lock lock(mutex_);
  std::erase(waiters_, waiter);
  co_return waiter->notified;
}

}  // namespace antiphon

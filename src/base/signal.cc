#include "base/signal.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace antiphon {
namespace asio = boost::asio;

struct Signal::Waiter {
  explicit Waiter(const Executor& executor) : timer(executor) {}
  asio::steady_timer timer;  ///< Touched on its own executor only.
  std::atomic<bool> notified = false;
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
    asio::post(waiter->timer.get_executor(), [waiter] { waiter->timer.cancel(); });
}

Task<bool> Signal::wait(std::chrono::nanoseconds timeout) {
  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  {
    std::scoped_lock lock(mutex_);
    if (pending_) {
      pending_ = false;
      co_return true;
    }
    // Armed before anyone can see it, so that a cancel can never come too early.
    waiter->timer.expires_after(timeout);
    waiters_.push_back(waiter);
  }
  // A notify between here and the wait posts its cancel to this thread, behind the wait.
  boost::system::error_code ignored;
  co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (waiter->notified) co_return true;
  std::scoped_lock lock(mutex_);
  std::erase(waiters_, waiter);
  co_return waiter->notified;
}

}  // namespace antiphon

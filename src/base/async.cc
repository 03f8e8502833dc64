#include "base/async.h"

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "base/log.h"

namespace antiphon {
namespace asio = boost::asio;

namespace {

/// Threads inside a `resume`: whoever ends a loop waits for them. The only way to know: the coroutine
/// that is resumed may be over, and with it everything that could keep count, before post() returns.
std::atomic<int> resuming = 0;

struct Resuming {
  Resuming() { resuming.fetch_add(1); }
  ~Resuming() { resuming.fetch_sub(1); }
  Resuming(const Resuming&) = delete;
  Resuming& operator=(const Resuming&) = delete;
};

}  // namespace

void wait_for_resumers() {
  while (resuming.load() != 0) std::this_thread::yield();
}

Task<> suspend(std::function<void(std::function<void()> resume)> start) {
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [](auto handler, std::function<void(std::function<void()>)> begin) {
        auto executor = asio::get_associated_executor(handler);
        // Keeps the loop alive until the other thread has answered.
        auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
        auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
        begin([waiting, executor, work]() mutable {
          // Whoever keeps `resume` may outlive the loop, so nothing of the loop stays behind in it.
          Resuming here;
          auto until_posted = std::move(work);
          asio::post(executor, [waiting = std::move(waiting)] { std::move (*waiting)(); });
        });
      },
      asio::use_awaitable, std::move(start));
}

Task<> sleep_for(std::chrono::nanoseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

Task<Executor> current_executor() {
  co_return co_await asio::this_coro::executor;
}

void spawn_detached(Executor where, std::function<Task<>()> work) {
  auto body = [](std::function<Task<>()> run) -> Task<> { co_await run(); };
  asio::co_spawn(where, body(std::move(work)), [](std::exception_ptr failure) {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      log::error("A background task failed", {{"error", e.what()}});
    }
  });
}

}  // namespace antiphon

#include "base/disk.h"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <utility>

#include "base/async.h"

namespace antiphon {
namespace {

namespace asio = boost::asio;

/// The threads that wait for the disk in place of a loop. The loop's own, so that they end before it:
/// they hold on to it until they have told the result.
class DiskThreads final : public asio::execution_context::service {
 public:
  using key_type = DiskThreads;
  static inline asio::execution_context::id id;
  explicit DiskThreads(asio::execution_context& loop) : service(loop) {}
  asio::thread_pool threads{1};

 private:
  void shutdown() override { threads.join(); }
};

}  // namespace

void start_disk_thread(const Executor& loop) {
  (void)asio::use_service<DiskThreads>(loop.context());
}

Task<> on_disk(std::function<void()> work) {
  auto& loop = (co_await asio::this_coro::executor).context();
  auto& threads = asio::use_service<DiskThreads>(loop).threads;
  (void)co_await await_result<bool>([&](Completion<bool> done) {
    asio::post(threads, [work = std::move(work), done] {
      try {
        work();
        done(true);
      } catch (...) {
        done.fail(std::current_exception());
      }
    });
  });
}

}  // namespace antiphon

#include "base/loops.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <thread>

#include "base/async.h"
#include "base/disk.h"

namespace antiphon {
namespace asio = boost::asio;

struct Loops::Impl {
  struct Loop {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };
  std::vector<std::unique_ptr<Loop>> loops;
  std::atomic<unsigned> turn = 0;
};

Loops::Loops(int count) : impl_(std::make_unique<Impl>()) {
  for (int i = 0; i != count; ++i) impl_->loops.push_back(std::make_unique<Impl::Loop>());
}
Loops::~Loops() {
  stop();
  wait_for_resumers();
}
int Loops::size() const {
  return static_cast<int>(impl_->loops.size());
}
Executor Loops::at(int index) {
  return impl_->loops.at(static_cast<std::size_t>(index))->context.get_executor();
}
Executor Loops::next() {
  return at(static_cast<int>(impl_->turn++ % impl_->loops.size()));
}
void Loops::start() {
  for (auto& loop : impl_->loops) {
    start_disk_thread(loop->context.get_executor());
    loop->thread = std::thread([&c = loop->context] { c.run(); });
  }
}
void Loops::stop() {
  for (auto& loop : impl_->loops) loop->context.stop();
  for (auto& loop : impl_->loops)
    if (loop->thread.joinable()) loop->thread.join();
}

void run_to_end(std::function<Task<>()> work) {
  asio::io_context context(1);
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(
      context, [&]() -> Task<> { co_await work(); },
      [&](std::exception_ptr error) {
        failure = error;
        done = true;
      });
  while (!done && context.run_one() != 0) {
  }
  // Another thread that woke a coroutine may still be at it: Signal counts it as work.
  context.run_for(std::chrono::milliseconds(200));
  wait_for_resumers();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace antiphon

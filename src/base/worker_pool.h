#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/async.h"
#include "base/problem.h"
#include "base/task.h"

namespace antiphon {

/// A few threads for work that holds a processor for long, with a bounded queue. Any thread.
class WorkerPool {
 public:
  /// One thread for two processors.
  static int default_threads();

  explicit WorkerPool(int threads = default_threads(), std::size_t queue_limit = 32);
  ~WorkerPool();  ///< Drops what is queued and joins; drops look to their waiters like a full queue.
  WorkerPool(const WorkerPool&) = delete;

  /// Throws what run() would throw now, so that nothing is done for work that will not be taken.
  void check_room();

  /// Runs `work` on one of the threads and yields what it yields. Throws 503 with Retry-After when
  /// the queue is full.
  template <class T>
  Task<T> run(std::function<T()> work) {
    return await_result<T>([this, work = std::move(work)](Completion<T> done) {
      bool taken = post([work, done](bool dropped) {
        if (dropped) return done.fail(std::make_exception_ptr(full()));
        try {
          done(work());
        } catch (...) {
          done.fail(std::current_exception());
        }
      });
      if (!taken) done.fail(std::make_exception_ptr(full()));
    });
  }

 private:
  using Job = std::function<void(bool dropped)>;
  static Problem full();
  bool post(Job job);
  void serve();

  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;  ///< Guarded by mutex_; at most queue_limit_.
  bool stopping_ = false;  ///< Guarded by mutex_.
  std::vector<std::jthread> threads_;
};

}  // namespace antiphon

#include "base/worker_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace antiphon {

int WorkerPool::default_threads() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 2);
}

Problem WorkerPool::full() {
  return Problem(Problem::Kind::unavailable, "The server is busy. Please try again in a moment.")
      .retry_after(2);
}

WorkerPool::WorkerPool(int threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

WorkerPool::~WorkerPool() {
  std::deque<Job> dropped;
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (Job& job : dropped) job(true);
}

bool WorkerPool::post(Job job) {
  {
    std::scoped_lock lock(mutex_);
    if (stopping_ || queue_.size() >= queue_limit_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::check_room() {
  std::scoped_lock lock(mutex_);
  if (queue_.size() >= queue_limit_) throw full();
}

void WorkerPool::serve() {
  // Everybody else's requests go first (row 127). Where it is not allowed, all are alike.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job(false);
  }
}

}  // namespace antiphon

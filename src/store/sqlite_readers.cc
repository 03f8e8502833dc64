#include "store/sqlite_readers.h"

#include "base/problem.h"

namespace antiphon::store {

SqliteWriter::Job one_call(Call call, Completion<Reply> done) {
  auto only = [](SqliteWriter::Replies replies) { return std::move(replies.front()); };
  SqliteWriter::Job job{.done = converting<SqliteWriter::Replies, Reply>(std::move(done), only)};
  job.calls.push_back(std::move(call));
  return job;
}

SqliteReaders::SqliteReaders(const std::string& path, int count, SqlitePatience patience,
                             SqliteWriter& writer, Counters& counters)
    : writer_(writer), counters_(counters) {
  for (int i = 0; i != count; ++i)
    handles_.push_back(
        std::make_unique<SqliteHandle>(path, SqliteHandle::Mode::read_only, patience, counters));
  for (auto& handle : handles_) threads_.emplace_back([this, &handle = *handle] { loop(handle); });
}

void SqliteReaders::submit(Job job) {
  if (const char* refused = enqueue(job))
    job.done.fail(std::make_exception_ptr(
        Problem(Problem::Kind::unavailable, "The database is busy. Try again in a moment.")
            .retry_after(1)
            .because(refused)));
  else
    submitted_.notify_one();
}

const char* SqliteReaders::enqueue(Job& job) {
  std::scoped_lock lock(mutex_);
  if (closing_) return "the database is closed";
  if (queue_.size() >= kWaiting) return "10000 reads wait already";
  counters_.waiting.fetch_add(1, std::memory_order_relaxed);
  queue_.push_back(std::move(job));
  return nullptr;
}

void SqliteReaders::close() {
  {
    std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  submitted_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

void SqliteReaders::loop(SqliteHandle& handle) {
  for (;;) {
    std::unique_lock lock(mutex_);
    submitted_.wait(lock, [&] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    run(handle, job);
  }
}

void SqliteReaders::run(SqliteHandle& handle, Job& job) {
  try {
    if (!handle.reads_only(job.call.sql)) {
      counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
      return writer_.submit(one_call(std::move(job.call), job.done));
    }
    handle.wait_since(job.asked);
    Reply reply = handle.run(job.call);
    counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
    job.done(std::move(reply));
  } catch (...) {
    counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
    job.done.fail(std::current_exception());
  }
}

}  // namespace antiphon::store

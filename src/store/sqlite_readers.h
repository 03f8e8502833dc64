#pragma once

#include "store/sqlite_writer.h"

namespace antiphon::store {

/// Connections that only read, each on a thread of its own. Every statement sees all commits that
/// were acknowledged before it began.
class SqliteReaders {
 public:
  struct Job {
    Call call;
    Completion<Reply> done;
    std::chrono::steady_clock::time_point asked = std::chrono::steady_clock::now();
  };

  SqliteReaders(const std::string& path, int count, SqlitePatience patience, SqliteWriter& writer,
                Counters& counters);
  ~SqliteReaders() { close(); }

  /// Any thread. Fails with `unavailable` when 10,000 wait already, or after close(). A statement
  /// that turns out to write goes on to the writer.
  void submit(Job job);
  /// Finishes what was submitted. Blocks.
  void close();

 private:
  /// Takes the job, or says why not.
  const char* enqueue(Job& job);
  static constexpr std::size_t kWaiting = 10'000;

  void loop(SqliteHandle& handle);
  void run(SqliteHandle& handle, Job& job);

  SqliteWriter& writer_;
  Counters& counters_;
  std::mutex mutex_;
  std::condition_variable submitted_;
  std::deque<Job> queue_;  ///< Guarded by mutex_.
  bool closing_ = false;   ///< Guarded by mutex_.
  std::vector<std::unique_ptr<SqliteHandle>> handles_;
  std::vector<std::thread> threads_;
};

/// A writer's job out of one call, whose only reply goes to `done`.
SqliteWriter::Job one_call(Call call, Completion<Reply> done);

}  // namespace antiphon::store

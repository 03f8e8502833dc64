#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "store/sqlite_handle.h"
#include "store/sqlite_session.h"

namespace antiphon::store {

/// The one thread that writes, with group commit: what arrives while a commit is under way shares
/// the next one, and nothing is acknowledged before the commit that holds it is durable.
class SqliteWriter {
 public:
  using Replies = std::vector<Reply>;

  struct Job {
    std::vector<Call> calls;                   ///< All or nothing.
    std::string script;                        ///< Or many statements, without arguments.
    std::shared_ptr<SqliteSession> session;    ///< Or a transaction that asks as it goes.
    std::function<void(SqliteHandle&)> alone;  ///< Or something outside any transaction.
    Completion<Replies> done;
    std::chrono::steady_clock::time_point asked = std::chrono::steady_clock::now();
    Replies replies = {};
    std::exception_ptr failure = {};

    bool shares() const { return !calls.empty(); }
  };

  SqliteWriter(const std::string& path, SqlitePatience patience, Counters& counters);
  ~SqliteWriter() { close(); }

  /// Any thread. Fails the job with `unavailable` when 10,000 wait already, or after close().
  void submit(Job job);
  /// Finishes what was submitted; transactions that idle are rolled back after a second, those that
  /// have not begun are refused. Blocks.
  void close();

 private:
  /// Takes the job, or says why not.
  const char* enqueue(Job& job);
  static constexpr std::size_t kWaiting = 10'000;
  static constexpr std::size_t kGroup = 512;  ///< Jobs that may share a commit.

  void loop();
  /// The next job in order of arrival. Blocks when `wait`; nothing once closed and empty.
  std::optional<Job> take(bool wait, bool only_sharing);
  bool refused(Job& job);
  void group(Job first);
  /// Commits `jobs`, or runs each alone where one of them spoils it for the others.
  void settle(std::vector<Job> jobs, bool intact);
  void run_in_group(Job& job);
  void run_calls(Job& job);
  void forget_savepoint();
  void replay(Job& job);
  void answer(Job& job);
  void run_alone(Job& job);
  void serve(Job& job);
  std::exception_ptr converse(SqliteSession& session);
  void have_session(std::shared_ptr<SqliteSession> session);
  bool obey(SqliteSession::Request& request, std::exception_ptr& failure);
  void commit(std::size_t jobs);
  void roll_back();
  void begin(const Job& job);

  const SqlitePatience patience_;
  Counters& counters_;
  SqliteHandle handle_;  ///< The thread's own.
  bool broken_ = false;  ///< The thread's own: fsync failed, so no commit can be believed.
  std::mutex mutex_;
  std::condition_variable submitted_;
  std::deque<Job> queue_;                   ///< Guarded by mutex_.
  bool closing_ = false;                    ///< Guarded by mutex_.
  std::shared_ptr<SqliteSession> session_;  ///< The one that has the writer. Guarded by mutex_.
  std::thread thread_;
};

}  // namespace antiphon::store

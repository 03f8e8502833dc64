#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "base/scope.h"
#include "base/signal.h"
#include "json/types.h"
#include "store/db.h"

namespace antiphon {
class Loops;
}

/// Background work as rows, so that none is lost with its process (rule 9: no detached work without a
/// row).
namespace antiphon::jobs {

/// A row of `job`, claimed.
struct Job {
  std::string id;
  std::string kind;
  json::Value payload;
  std::int64_t attempts;
};

/// At most four run at once here; one that fails is tried again after 5, 25 and 125 seconds; one that
/// is not done within two minutes, or whose process has died, is taken up by whoever claims it next, so
/// handlers are idempotent. Any thread.
class Jobs {
 public:
  using Handler = std::function<Task<>(const Job&)>;

  /// `node`: this process in the table `node`, whose lease runs::Runs renews. `leases_count`: whether
  /// one that has run out means a death. `look_every`: rarely where somebody asks kDue all the time.
  Jobs(store::Db& db, Loops& loops, std::string node, std::function<bool()> leases_count,
       std::chrono::seconds look_every = std::chrono::seconds(1));

  /// Before start().
  void on(std::string kind, Handler handler);
  void start();
  Task<> stop(std::chrono::milliseconds deadline);

  /// The statement that queues a job: part of the transaction that makes it due. A second one with the
  /// same key does nothing.
  static store::Bound queueing(std::string_view kind, std::string_view key, const json::Value& payload);
  /// After that transaction has committed; without it the job starts when it is looked for.
  void wake();
  /// Yields more than 0 when a job may be due, for whoever asks several things at once and then wakes
  /// this. $1: the process's node_id.
  static const store::Sql kDue;

 private:
  Task<> work();
  Task<> release();
  Task<> perform(Job job);
  Task<std::optional<Job>> claim();
  Task<> settle(const Job& job, std::string error);

  store::Db& db_;
  Loops& loops_;
  std::string owner_;
  std::function<bool()> leases_count_;
  const std::chrono::seconds look_every_;
  std::map<std::string, Handler, std::less<>> handlers_;
  Scope scope_;
  Signal due_;
  std::atomic<int> running_ = 0;
};

}  // namespace antiphon::jobs

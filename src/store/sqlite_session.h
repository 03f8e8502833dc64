#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "store/work.h"

namespace antiphon::store {

/// An interactive transaction: what a coroutine asks of the writer thread, which serves nobody
/// else meanwhile. Any thread.
class SqliteSession {
 public:
  enum class Kind { call, script, commit, abandon };
  struct Request {
    Kind kind;
    Call call = {};
    std::string script = {};
    std::optional<Completion<Reply>> done = {};  ///< Nobody waits for an abandon.
  };

  /// Hands a request to the writer; after the end it fails at once.
  void ask(Request request);
  /// The writer's side: the next request, nothing when `deadline` passes first.
  std::optional<Request> next(std::chrono::steady_clock::time_point deadline);
  /// The database closes: a transaction that asks for nothing has a second left.
  void hurry();
  /// The transaction is over: requests under way and to come fail with `reason`.
  void end(std::exception_ptr reason);

 private:
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<Request> requests_;  ///< Guarded by mutex_. One coroutine asks, so it holds 2 at most.
  std::exception_ptr over_;       ///< Guarded by mutex_.
  /// Guarded by mutex_.
  std::chrono::steady_clock::time_point latest_ = std::chrono::steady_clock::time_point::max();
};

}  // namespace antiphon::store

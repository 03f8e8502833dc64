#include "store/sqlite_session.h"

#include <algorithm>

namespace antiphon::store {

void SqliteSession::ask(Request request) {
  std::exception_ptr over;
  {
    std::scoped_lock lock(mutex_);
    over = over_;
    if (!over) {
      requests_.push_back(std::move(request));
      asked_.notify_one();
      return;
    }
  }
  if (request.done) request.done->fail(over);
}

std::optional<SqliteSession::Request> SqliteSession::next(
    std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  while (requests_.empty()) {
    auto until = std::min(deadline, latest_);
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    asked_.wait_until(lock, until);
  }
  Request request = std::move(requests_.front());
  requests_.pop_front();
  return request;
}

void SqliteSession::hurry() {
  std::scoped_lock lock(mutex_);
  latest_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  asked_.notify_one();
}

void SqliteSession::end(std::exception_ptr reason) {
  std::deque<Request> left;
  {
    std::scoped_lock lock(mutex_);
    over_ = reason;
    left.swap(requests_);
  }
  for (Request& request : left)
    if (request.done) request.done->fail(reason);
}

}  // namespace antiphon::store

#include "store/sqlite_session.h"

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
  if (!asked_.wait_until(lock, deadline, [&] { return !requests_.empty(); })) return std::nullopt;
  Request request = std::move(requests_.front());
  requests_.pop_front();
  return request;
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

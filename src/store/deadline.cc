#include "store/deadline.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace antiphon::store {
namespace asio = boost::asio;

Task<bool> within(std::chrono::nanoseconds deadline, std::function<void(Completion<bool>)> start) {
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  bool result = false;
  try {
    result = co_await await_result<bool>([&](Completion<bool> done) {
      timer.async_wait([done](boost::system::error_code error) {
        if (!error) done(false);
      });
      start(std::move(done));
    });
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // The answer is no, whatever the reason; the log has it from where it arose.
  }
  co_return result;
}

}  // namespace antiphon::store

#include "features/configs/health.h"

#include "base/problem.h"

namespace antiphon::configs {

Task<std::vector<std::string>> Health::why_not_ready() {
  std::vector<std::string> why;
  if (!started_) why.emplace_back("starting");
  if (draining_) why.emplace_back("stopping");
  if (watchdog_ && !watchdog_->turning()) why.emplace_back("an event loop is held up");
  if (!co_await db_.alive()) {
    why.emplace_back("the database does not answer");
    co_return why;
  }
  if (!started_) co_return why;
  try {
    for (const auto& part : parts_)
      for (std::string& reason : co_await part()) why.push_back(std::move(reason));
  } catch (const Problem&) {
    why.emplace_back("the database does not answer");  // Any more.
  }
  co_return why;
}

}  // namespace antiphon::configs

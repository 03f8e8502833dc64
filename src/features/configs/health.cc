#include "features/configs/health.h"

#include <algorithm>

namespace antiphon::configs {

void Health::broken(std::string what) {
  constexpr std::size_t kMost = 16;
  std::scoped_lock lock(mutex_);
  if (broken_.size() < kMost && std::ranges::find(broken_, what) == broken_.end())
    broken_.push_back(std::move(what));
}

void Health::cured(const std::string& what) {
  std::scoped_lock lock(mutex_);
  std::erase(broken_, what);
}

Task<std::vector<std::string>> Health::why_not_ready() {
  std::vector<std::string> why;
  {
    std::scoped_lock lock(mutex_);
    why = broken_;
  }
  if (!started_) why.emplace_back("starting");
  if (draining_) why.emplace_back("stopping");
  if (watchdog_ && !watchdog_->turning()) why.emplace_back("an event loop is held up");
  if (!co_await db_.alive()) why.emplace_back("the database does not answer");
  co_return why;
}

}  // namespace antiphon::configs

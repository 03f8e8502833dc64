#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "bus/bus.h"

namespace antiphon::app {

/// The models that answer at this moment, at whichever replica. Each says its own while it has some;
/// who falls silent has none. A second or two behind. Any thread.
class ModelsInUse {
 public:
  using Models = std::set<std::string>;
  static constexpr std::size_t kMaxModels = 1'000;  ///< Of one replica.
  static constexpr std::size_t kMaxNodes = 1'000;

  /// `here`: those of this process. Listens from now on, so before the bus starts.
  ModelsInUse(bus::Bus& bus, std::string node, std::function<Models()> here);
  ModelsInUse(const ModelsInUse&) = delete;
  ModelsInUse& operator=(const ModelsInUse&) = delete;

  Models all() const;
  /// Tells the others. Once a second, by one task.
  void tick();

 private:
  using Clock = std::chrono::steady_clock;
  struct Said {
    Models models;
    Clock::time_point at;
  };
  void hear(std::string_view body);

  bus::Bus& bus_;
  const std::string node_;
  const std::function<Models()> here_;
  mutable std::mutex mutex_;
  std::map<std::string, Said> elsewhere_;  ///< By node. Guarded by mutex_.
  bool told_some_ = false;                 ///< Of tick() only.
};

}  // namespace antiphon::app

#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/watchdog.h"
#include "store/db.h"

namespace antiphon::configs {

/// Whether this process should get traffic. Main tells it how far it is; any thread asks.
class Health {
 public:
  /// `watchdog` may be null.
  Health(store::Db& db, const Watchdog* watchdog) : db_(db), watchdog_(watchdog) {}

  /// Asks another part too, while the database answers. Before started().
  void ask(std::function<Task<std::vector<std::string>>()> part) { parts_.push_back(std::move(part)); }
  /// The schema is current, the settings are read, all parts stand.
  void started() { started_ = true; }
  /// Stopping: what runs goes on, new traffic belongs elsewhere.
  void draining() { draining_ = true; }

  /// Why not; empty when it is ready. Answers within about a second.
  Task<std::vector<std::string>> why_not_ready();
  Task<bool> database_alive() { return db_.alive(); }

 private:
  store::Db& db_;
  const Watchdog* watchdog_;
  std::vector<std::function<Task<std::vector<std::string>>()>> parts_;  ///< Fixed once started.
  std::atomic<bool> started_ = false;
  std::atomic<bool> draining_ = false;
};

}  // namespace antiphon::configs

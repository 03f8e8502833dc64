#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "base/changed.h"
#include "base/task.h"
#include "base/version.h"
#include "store/db.h"

namespace antiphon::store {

/// A version as pages are told it.
struct Version {
  std::string version{kAntiphonVersion};
  std::string api{kApiVersion};  ///< Open WebUI's.
  bool operator==(const Version&) const = default;
};

/// Which version pages are told of, for a page that hears of another reloads: the oldest that serves,
/// until all replicas are newer; then it changes at all of them in the same moment, by the database's
/// clock. So a page between two versions reloads once, not whenever its balancer changes its mind.
/// SQLite has one process, which tells its own.
class Announced {
 public:
  /// `lead`: how long before the change it is written down, where several serve. All have refreshed by
  /// then.
  explicit Announced(Db& db, Version own = {},
                     std::chrono::milliseconds lead = std::chrono::seconds(10));

  /// From memory. Any thread.
  Version now() const;

  /// Looks at who serves, and writes down a change that is due; one statement when nothing changes.
  /// This process must have registered. One caller at a time.
  Task<> refresh();

  /// Yields a number that is another when there is something to refresh, for whoever asks several
  /// things at once.
  static const Sql kCurrent;
  Changed changed;  ///< Told what that yields.

  /// The oldest version that may serve, when this one is older: stop, and start that one. As of the
  /// last refresh().
  const std::string& too_old_for() const { return too_old_for_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    Version before;
    Version after;
    Clock::time_point change;
  };

  Db& db_;
  const Version own_;
  const std::chrono::milliseconds lead_;
  mutable std::mutex mutex_;
  Known known_;  ///< Guarded by mutex_.
  std::string too_old_for_;
};

}  // namespace antiphon::store

#pragma once

#include <optional>
#include <string>

#include "cluster/finding.h"
#include "store/db.h"

namespace antiphon::cluster {

/// PostgreSQL's queue of notifications, which all databases of a server share: 8 GiB by default.
/// Whoever listens and stays in a transaction keeps all that has been said since.
struct NotifyQueue {
  /// From here on it is warned of.
  static constexpr double kMuch = 0.1;

  double used = 0;  ///< 0 is empty, 1 full: then nobody can notify.
  /// When there is much of it: the oldest transactions, of which one keeps it. "process 71 (psql, …".
  std::string oldest;

  bool fills() const { return used > kMuch; }
  std::string sentence() const;
};

/// Nothing on SQLite.
Task<std::optional<NotifyQueue>> notify_queue(store::Connection& db);

}  // namespace antiphon::cluster

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/task.h"
#include "json/dto.h"
#include "store/db.h"

namespace antiphon::cluster {

/// A process on this database, as its row in `node` says. runs/ makes the row and renews its lease.
struct Node {
  std::string node_id;
  std::string name;
  std::string version;
  std::string advertise;
  std::string state;  ///< "", "serving", "stopping".
  std::int64_t started_at = 0;
  std::int64_t lease_left = 0;  ///< Milliseconds, by the database's clock.
  std::int64_t connections = 0;
  std::int64_t skew_ms = 0;
  std::string secret_keys;  ///< Fingerprints, the preferred one first, commas between.
  std::string settings;     ///< As Environment::text().
};
ANTIPHON_DTO(Node, node_id, name, version, advertise, state, started_at, lease_left, connections,
             skew_ms, secret_keys, settings)

/// Those whose lease holds, the oldest first. On SQLite, which takes one process: `own_id` only.
Task<std::vector<Node>> living(store::Connection& db, std::string own_id);

/// How long one that was killed still seems to live.
inline constexpr std::chrono::seconds kLeaseRunsOut{6};

/// Writes what the node says of itself; false when it has no row (any more).
Task<bool> describe(store::Connection& db, Node node);

}  // namespace antiphon::cluster

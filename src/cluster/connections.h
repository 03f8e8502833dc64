#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/finding.h"
#include "cluster/nodes.h"

namespace antiphon::cluster {

/// What PostgreSQL gives, and what is taken by others than us.
struct ConnectionLimits {
  std::int64_t most = 0;         ///< max_connections
  std::int64_t reserved = 0;     ///< superuser_reserved_connections and reserved_connections.
  std::int64_t of_database = 0;  ///< CONNECTION LIMIT; less than zero: none.
  std::int64_t of_role = 0;
  std::int64_t others = 0;  ///< Connections now that are not of this application to this database.
};
ANTIPHON_DTO(ConnectionLimits, most, reserved, of_database, of_role, others)

/// Nothing on SQLite.
Task<std::optional<ConnectionLimits>> connection_limits(store::Connection& db);

/// Whether this node fits in beside the `others`, with the arithmetic.
struct Arithmetic {
  Arithmetic(const ConnectionLimits& limits, const std::vector<Node>& others, std::int64_t own);
  std::int64_t room = 0;    ///< For all nodes together.
  std::int64_t wanted = 0;  ///< By all nodes together.
  std::int64_t foreign = 0;
  std::string text;  ///< "max_connections 20 - 3 reserved = 17; 2 nodes × 3 + 3 of this one = 9"

  bool fits() const { return wanted <= room; }
  /// More than four fifths are taken.
  bool nearly() const { return (wanted + foreign) * 5 > room * 4; }
};
void judge(Findings& out, const Arithmetic& sum);

}  // namespace antiphon::cluster

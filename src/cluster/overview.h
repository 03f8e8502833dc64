#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "json/dto.h"

namespace antiphon::cluster {

/// A warning as administrators see it.
struct ClusterWarning {
  std::string code;
  std::string text;
  std::string meaning;
  std::string cure;
};
ANTIPHON_DTO(ClusterWarning, code, text, meaning, cure)

/// A node as administrators see it.
struct NodeView {
  std::string id;
  std::string name;
  std::string version;
  std::string address;
  std::string state;            ///< "starting", "serving", "stopping".
  std::int64_t started_at = 0;  ///< Unix seconds.
  std::int64_t lease_ms = 0;    ///< What is left of it; 0 where there are no leases.
  std::int64_t skew_ms = 0;     ///< Its clock is so far ahead of the database's.
  std::int64_t connections = 0;
  std::vector<std::string> secret_keys;  ///< Fingerprints, the preferred one first.
  bool here = false;                     ///< The node that answers.
};
ANTIPHON_DTO(NodeView, id, name, version, address, state, started_at, lease_ms, skew_ms, connections,
             secret_keys, here)

/// The database as administrators see it.
struct DatabaseView {
  std::string description;
  std::int64_t connections_wanted = 0;  ///< By all nodes together; 0 on SQLite.
  std::int64_t connections_room = 0;
  std::string arithmetic;
};
ANTIPHON_DTO(DatabaseView, description, connections_wanted, connections_room, arithmetic)

/// What another part says of itself there: storage, the bus.
struct ClusterFact {
  std::string name;
  std::string text;
};
ANTIPHON_DTO(ClusterFact, name, text)

struct ClusterOverview {
  std::vector<NodeView> nodes;
  DatabaseView database;
  std::string secret_key;           ///< The fingerprint of the key in use.
  std::int64_t sealed_to_redo = 0;  ///< Values still sealed with an earlier key.
  std::vector<ClusterFact> facts;
  std::vector<ClusterWarning> warnings;
};
ANTIPHON_DTO(ClusterOverview, nodes, database, secret_key, sealed_to_redo, facts, warnings)

}  // namespace antiphon::cluster

#pragma once

#include <map>
#include <string>
#include <vector>

#include "cluster/keys.h"
#include "cluster/nodes.h"
#include "config/registry.h"

namespace antiphon::cluster {

/// What a node's environment sets of the settings all nodes must agree on: those kept in the database,
/// and those declared cluster_wide(). Hashed under a key of the ring, so that comparing tells nothing.
/// What a node does not set is not there: two versions may have different defaults.
struct Environment {
  std::string key;  ///< The fingerprint of the hashing key.
  std::map<std::string, std::string> hashes;
};
ANTIPHON_DTO(Environment, key, hashes)

Environment environment_of(const config::Registry& registry, const Key& key);

/// Whether all nodes must agree on it.
bool shared(const config::AnySetting& setting);

/// A setting on which this node's environment and another's would disagree.
struct Disagreement {
  std::string setting;  ///< "ENABLE_SIGNUP"
  std::string here;     ///< Hashes, or "the default".
  std::string there;
  std::string node;  ///< Its name.
};

/// What the database has a value for does not count (`stored`: its keys), for that is every node's.
std::vector<Disagreement> disagreements(const config::Registry& registry, const std::vector<Key>& ring,
                                        const std::vector<Node>& others,
                                        const std::vector<std::string>& stored);
std::string complaint(const std::vector<Disagreement>& all);

/// Keys of the config table that have a row.
Task<std::vector<std::string>> stored_settings(store::Connection& db);

}  // namespace antiphon::cluster

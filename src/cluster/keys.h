#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "cluster/nodes.h"

namespace antiphon::cluster {

/// A secret key of this node, as far as the cluster must know it.
struct Key {
  std::string fingerprint;  ///< Tells it from others and nothing about it.
  std::string source;       ///< "WEBUI_SECRET_KEY": where an operator finds it.
  Secret hashing;           ///< Hashes what may be compared but not told.
};

/// A key the cluster has, or has had, as `cluster.secret_keys` keeps it.
struct ClusterKey {
  std::string fingerprint;
  std::string source;
  std::string set_by;  ///< The node's name.
  bool signs = false;  ///< True of one: the key in use.
  std::int64_t since = 0;
};
ANTIPHON_DTO(ClusterKey, fingerprint, source, set_by, signs, since)

/// The cluster's keys; none before its first node has joined. `lock`: until the transaction ends no
/// other node joins or agrees.
Task<std::vector<ClusterKey>> cluster_keys(store::Connection& db, bool lock = false);

/// The fingerprints in order of preference, as a node's row has them.
std::string fingerprints_of(const std::vector<Key>& ring);

/// Which key of the ring is the cluster's; the first one when the cluster has none yet; nothing when it
/// is not in the ring, so that this node must not serve.
std::optional<std::size_t> in_use(const std::vector<Key>& ring, const std::vector<ClusterKey>& known);

/// Why not: "This node's WEBUI_SECRET_KEY (fingerprint …) differs …".
std::string difference(const std::vector<Key>& ring, const std::vector<ClusterKey>& known);

/// Decides, under the lock, which key signs and seals: the cluster's own, until every node that lives
/// puts another one first; then that. So no node ever meets a token it cannot verify, in whatever order
/// they are restarted. Yields its place in the ring; throws AP-001 when the ring lacks it.
Task<std::size_t> agree(store::Connection& tx, const std::vector<Key>& ring,
                        const std::vector<Node>& others, std::string own_name);

/// Lets the cluster forget a key that is lost, or shall count no more. False when it knows none such.
Task<bool> forget_key(store::Db& db, std::string fingerprint);

}  // namespace antiphon::cluster

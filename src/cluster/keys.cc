#include "cluster/keys.h"

#include <algorithm>

#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "cluster/codes.h"
#include "json/json.h"

namespace antiphon::cluster {

ANTIPHON_DTO_DEFINE(ClusterKey)

struct KeysRow {
  std::string secret_keys;
};
ANTIPHON_DTO(KeysRow, secret_keys)
ANTIPHON_DTO_DEFINE(KeysRow)

namespace {

using store::Sql;

/// Earlier keys stay listed, so that a message can say who set them; so many.
constexpr std::size_t kMostKeys = 16;

constexpr Sql kRead{"cluster.keys", "SELECT secret_keys FROM cluster WHERE id = 1"};
constexpr Sql kLock{"cluster.lock_keys", "SELECT secret_keys FROM cluster WHERE id = 1",
                    "SELECT secret_keys FROM cluster WHERE id = 1 FOR UPDATE"};
constexpr Sql kWrite{"cluster.write_keys", "UPDATE cluster SET secret_keys = $1 WHERE id = 1"};
/// The one we made goes with its fingerprint: nobody has another copy that counts.
constexpr Sql kForgetMade{"cluster.forget_made", "UPDATE cluster SET secret = NULL WHERE id = 1"};

const ClusterKey* signing(const std::vector<ClusterKey>& known) {
  auto at = std::ranges::find(known, true, &ClusterKey::signs);
  return at == known.end() ? nullptr : &*at;
}

Task<> write(store::Connection& tx, const std::vector<ClusterKey>& known) {
  co_await tx.run(kWrite, json::dump(known));
}

/// Makes a key of the ring the cluster's.
std::vector<ClusterKey> with(std::vector<ClusterKey> known, const Key& key, std::string own_name) {
  for (ClusterKey& other : known) other.signs = false;
  std::erase_if(known, [&](const ClusterKey& k) { return k.fingerprint == key.fingerprint; });
  known.insert(known.begin(), {.fingerprint = key.fingerprint,
                               .source = key.source,
                               .set_by = std::move(own_name),
                               .signs = true,
                               .since = unix_seconds()});
  if (known.size() > kMostKeys) known.resize(kMostKeys);
  return known;
}

bool prefers(const Node& node, std::string_view fingerprint) {
  std::string_view list = node.secret_keys;
  return list.substr(0, list.find(',')) == fingerprint;
}

}  // namespace

Task<std::vector<ClusterKey>> cluster_keys(store::Connection& db, bool lock) {
  std::optional<KeysRow> row = co_await db.first<KeysRow>(lock ? kLock : kRead);
  if (!row) throw Problem(Problem::Kind::internal, "The cluster row is missing. Run antiphon migrate.");
  co_return json::parse<std::vector<ClusterKey>>(row->secret_keys);
}

std::string fingerprints_of(const std::vector<Key>& ring) {
  std::string out;
  for (const Key& key : ring) out.append(out.empty() ? "" : ",").append(key.fingerprint);
  return out;
}

std::optional<std::size_t> in_use(const std::vector<Key>& ring, const std::vector<ClusterKey>& known) {
  const ClusterKey* current = signing(known);
  if (!current) return 0;
  auto at = std::ranges::find(ring, current->fingerprint, &Key::fingerprint);
  if (at == ring.end()) return std::nullopt;
  return static_cast<std::size_t>(at - ring.begin());
}

std::string difference(const std::vector<Key>& ring, const std::vector<ClusterKey>& known) {
  const ClusterKey* current = signing(known);
  if (!current) return "";
  std::string cluster = "the cluster's (" + current->fingerprint + ", set by node " + current->set_by +
                        " in " + current->source + ")";
  if (ring.empty())
    return "This node has no WEBUI_SECRET_KEY, and " + cluster + " is not in the database";
  return "This node's " + ring.front().source + " (fingerprint " + ring.front().fingerprint +
         ") differs from " + cluster;
}

Task<std::size_t> agree(store::Connection& tx, const std::vector<Key>& ring,
                        const std::vector<Node>& others, std::string own_name) {
  std::vector<ClusterKey> known = co_await cluster_keys(tx, true);
  std::optional<std::size_t> current = in_use(ring, known);
  if (!current)
    throw Problem(Problem::Kind::unavailable, said(kSecretDiffers, difference(ring, known)));
  if (known.empty() || !signing(known)) {
    co_await write(tx, with(std::move(known), ring.front(), std::move(own_name)));
    co_return 0;
  }
  const Key& wanted = ring.front();
  bool all = std::ranges::all_of(others, [&](const Node& n) { return prefers(n, wanted.fingerprint); });
  if (*current == 0 || !all) co_return *current;
  co_await write(tx, with(std::move(known), wanted, std::move(own_name)));
  log::info("The secret key is rotated: new sessions and sealed values use the new one",
            {{"fingerprint", wanted.fingerprint}});
  co_return 0;
}

Task<bool> forget_key(store::Db& db, std::string fingerprint) {
  bool found = false;
  co_await db.transact([&](store::Connection& tx) -> Task<> {
    std::vector<ClusterKey> known = co_await cluster_keys(tx, true);
    auto at = std::ranges::find(known, fingerprint, &ClusterKey::fingerprint);
    found = at != known.end();
    if (!found) co_return;
    bool made = at->source == "the database";
    known.erase(at);
    co_await write(tx, known);
    if (made) co_await tx.run(kForgetMade);
  });
  co_return found;
}

}  // namespace antiphon::cluster

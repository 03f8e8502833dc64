#include "cluster/environment.h"

#include <algorithm>
#include <set>

#include "base/encode.h"
#include "json/json.h"
#include "json/text.h"

namespace antiphon::cluster {

ANTIPHON_DTO_DEFINE(Environment)

struct StoredKey {
  std::string key;
};
ANTIPHON_DTO(StoredKey, key)
ANTIPHON_DTO_DEFINE(StoredKey)

namespace {

constexpr store::Sql kStored{"cluster.stored_settings", "SELECT key FROM config"};
constexpr std::size_t kHashDigits = 12;
constexpr std::size_t kNamed = 8;

std::string hash_of(const config::AnySetting& setting, const std::shared_ptr<const void>& value,
                    const Key& key) {
  std::string text(setting.name());
  text.append("=").append(json::serialize(setting.to_json(value.get())));
  return hex(hmac_sha256(key.hashing.reveal(), text)).substr(0, kHashDigits);
}

Environment environment_in(const Node& node) {
  if (node.settings.empty()) return {};
  return json::parse<Environment>(node.settings);
}

const Key* find(const std::vector<Key>& ring, const std::string& fingerprint) {
  auto at = std::ranges::find(ring, fingerprint, &Key::fingerprint);
  return at == ring.end() ? nullptr : &*at;
}

}  // namespace

bool shared(const config::AnySetting& setting) {
  return !setting.about().key.empty() || setting.about().cluster_wide;
}

Environment environment_of(const config::Registry& registry, const Key& key) {
  Environment out{.key = key.fingerprint, .hashes = {}};
  for (const config::Group* group : registry.groups())
    for (const config::AnySetting* setting : group->settings())
      if (shared(*setting) && registry.from_environment(*setting))
        out.hashes[std::string(setting->name())] = hash_of(*setting, registry.base(*setting), key);
  return out;
}

namespace {

/// What one node says compared with what we would say under the same key.
void compare(std::vector<Disagreement>& out, const config::Registry& registry, const Key& key,
             const Environment& theirs, const std::string& node,
             const std::set<std::string_view>& in_database) {
  const Environment ours = environment_of(registry, key);
  std::set<std::string> names;
  for (const Environment* side : {&theirs, &ours})
    for (const auto& [name, hash] : side->hashes) names.insert(name);
  for (const std::string& name : names) {
    const config::AnySetting* setting = registry.by_env(name);
    if (!setting) setting = registry.by_key(name);
    if (!setting || !shared(*setting) || in_database.contains(setting->about().key)) continue;
    auto at = theirs.hashes.find(name);
    bool set_there = at != theirs.hashes.end();
    // What they do not set they have by default, as we would.
    std::string here = hash_of(*setting, registry.base(*setting), key);
    std::string there = set_there ? at->second : hash_of(*setting, setting->fallback(), key);
    if (here == there) continue;
    out.push_back({.setting = name,
                   .here = ours.hashes.contains(name) ? here : "the default",
                   .there = set_there ? there : "the default",
                   .node = node});
  }
}

}  // namespace

std::vector<Disagreement> disagreements(const config::Registry& registry, const std::vector<Key>& ring,
                                        const std::vector<Node>& others,
                                        const std::vector<std::string>& stored) {
  std::vector<Disagreement> out;
  std::set<std::string_view> in_database(stored.begin(), stored.end());
  for (const Node& node : others) {
    Environment theirs = environment_in(node);
    // One that has not joined yet compares itself with us; of a key we have not, nothing can be said.
    if (const Key* key = find(ring, theirs.key))
      compare(out, registry, *key, theirs, node.name, in_database);
  }
  return out;
}

std::string complaint(const std::vector<Disagreement>& all) {
  std::string out = "This node's environment differs from node " + all.front().node + "'s: ";
  std::size_t named = 0;
  for (const Disagreement& d : all) {
    if (d.node != all.front().node || named == kNamed) break;
    out.append(named++ ? "; " : "").append(d.setting).append(" (").append(d.here);
    out.append(" here, ").append(d.there).append(" there)");
  }
  if (named < all.size()) out.append(" and more");
  return out;
}

Task<std::vector<std::string>> stored_settings(store::Connection& db) {
  std::vector<std::string> out;
  for (StoredKey& row : co_await db.all<StoredKey>(kStored)) out.push_back(std::move(row.key));
  co_return out;
}

}  // namespace antiphon::cluster

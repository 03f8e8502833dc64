#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/task.h"

namespace antiphon::store {
class Db;
}

namespace antiphon::auth {

/// What a derived key is for. A key of one purpose tells nothing about another's (row 88).
enum class Purpose { session, challenge, sealing, signed_url };
inline constexpr std::size_t kPurposes = 4;
std::string_view name_of(Purpose purpose);

/// One of the secrets the deployment has had.
struct RingKey {
  std::string kid;  ///< In the token's header; tells nothing about the secret.
  Secret secret;
};

/// The secrets of the deployment: the first signs, all of them verify, so a secret is rotated by
/// putting a new one in front. Immutable once built; any thread.
class KeyRing {
 public:
  /// Throws Problem when `keys` is empty or one of them is: nothing is signed with an empty key.
  explicit KeyRing(std::vector<RingKey> keys);

  const RingKey& first() const { return keys_.front(); }
  const std::vector<RingKey>& keys() const { return keys_; }
  /// Null when there is no key of that name.
  const RingKey* find(std::string_view kid) const;

  /// 32 bytes for one purpose, derived by HKDF-SHA-256 from `key`, which is one of keys().
  const Secret& derived(const RingKey& key, Purpose purpose) const;
  /// 32 bytes for one purpose, from the key that signs.
  const Secret& derived(Purpose purpose) const { return derived(first(), purpose); }

 private:
  std::vector<RingKey> keys_;
  std::vector<Secret> derived_;  ///< kPurposes for each key: a token is verified at every request.
};

/// Where the secrets come from, as the environment says.
struct KeySources {
  Secret secret;         ///< WEBUI_SECRET_KEY (or its old name).
  std::string file;      ///< WEBUI_SECRET_KEY_FILE, read when `secret` is empty.
  Secret previous_keys;  ///< ANTIPHON_SECRET_KEYS: "kid:key,key,…", still accepted.
};

/// Reads the ring. When no secret is given, one is made once and kept in the `cluster` row, so all
/// replicas of a database share it. Warns of secrets under 16 bytes. Throws Problem when the file
/// cannot be read.
Task<KeyRing> load_keys(store::Db& db, KeySources sources);

/// Splits "kid:key,key,…"; a key without a name gets one from its hash.
std::vector<RingKey> parse_keys(std::string_view text);

}  // namespace antiphon::auth

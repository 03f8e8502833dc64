#pragma once

#include <atomic>
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
  std::string source = {};  ///< Where an operator finds it: "WEBUI_SECRET_KEY", "the database".

  /// Names the secret in messages, whatever its kid. Tells nothing about it.
  std::string fingerprint() const;
};

/// The secrets of the deployment: one signs, all of them verify, so a secret is rotated by putting a
/// new one in front. Which one signs the replicas agree on (src/cluster). Any thread.
class KeyRing {
 public:
  /// Throws Problem when `keys` is empty or one of them is: nothing is signed with an empty key.
  explicit KeyRing(std::vector<RingKey> keys);

  const RingKey& signing() const { return keys_[*signing_]; }
  /// From now on that key of keys() signs.
  void sign_with(std::size_t index) { *signing_ = index; }
  const std::vector<RingKey>& keys() const { return keys_; }
  /// Null when there is no key of that name. One that was given a name still answers to the one its
  /// secret has by itself: it may have signed under that before.
  const RingKey* find(std::string_view kid) const;

  /// 32 bytes for one purpose, derived by HKDF-SHA-256 from `key`, which is one of keys().
  const Secret& derived(const RingKey& key, Purpose purpose) const;
  /// 32 bytes for one purpose, from the key that signs.
  const Secret& derived(Purpose purpose) const { return derived(signing(), purpose); }

 private:
  std::vector<RingKey> keys_;
  /// Of its own, so that the ring may be moved before it is used.
  std::unique_ptr<std::atomic<std::size_t>> signing_ = std::make_unique<std::atomic<std::size_t>>(0);
  std::vector<Secret> derived_;  ///< kPurposes for each key: a token is verified at every request.
};

/// Where the secrets come from, as the environment says.
struct KeySources {
  Secret secret;         ///< WEBUI_SECRET_KEY (or its old name).
  std::string file;      ///< WEBUI_SECRET_KEY_FILE, read when `secret` is empty.
  Secret previous_keys;  ///< ANTIPHON_SECRET_KEYS: "kid:key,key,…", still accepted.
};

/// Reads the keys of the ring, the preferred one first. When no secret is given, one is made once and
/// kept in the `cluster` row, so all replicas of a database share it; but not where they have another
/// already: then there may be none at all. One that was made stays in the ring, behind those given.
/// Warns of secrets under 16 bytes. Throws Problem when the file cannot be read.
Task<std::vector<RingKey>> load_keys(store::Db& db, KeySources sources);

/// Splits "kid:key,key,…"; a key without a name gets one from its hash.
std::vector<RingKey> parse_keys(std::string_view text);

}  // namespace antiphon::auth

#include "auth/keys.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "auth/rows.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/problem.h"
#include "store/db.h"

namespace antiphon::auth {
namespace {

constexpr std::size_t kShortSecret = 16;

/// Names a secret without telling it: a keyed hash, cut.
std::string kid_of(std::string_view secret) {
  return hex(hmac_sha256(secret, "antiphon key id")).substr(0, 12);
}

std::string trimmed(std::string text) {
  auto space = [](unsigned char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && space(static_cast<unsigned char>(text.back()))) text.pop_back();
  text.erase(text.begin(), std::ranges::find_if_not(text, space));
  return text;
}

Secret read_secret_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw Problem(Problem::Kind::internal,
                  "WEBUI_SECRET_KEY_FILE cannot be read. Point it to a readable file, or unset it.")
        .because(path);
  return Secret(trimmed(std::string(std::istreambuf_iterator<char>(in), {})));
}

/// The secret in the database, empty when there is none. `make`: whoever comes first makes it, unless
/// the replicas have agreed on another.
Task<Secret> kept_secret(store::Db& db, bool make) {
  static constexpr store::Sql kKeep{
      "auth.keep_secret",
      "UPDATE cluster SET secret = $1 WHERE id = 1 AND secret IS NULL AND secret_keys = '[]'"};
  static constexpr store::Sql kRead{"auth.read_secret",
                                    "SELECT COALESCE(secret, '') AS text FROM cluster WHERE id = 1"};
  if (make) co_await db.run(kKeep, random_hex(32));
  std::optional<TextRow> row = co_await db.first<TextRow>(kRead);
  if (!row) throw Problem(Problem::Kind::internal, "The cluster row is missing. Run antiphon migrate.");
  co_return Secret(std::move(row->text));
}

Secret hkdf(const std::string& secret, Purpose purpose) {
  std::string salt = "antiphon";
  std::string info = "antiphon/" + std::string(name_of(purpose)) + "/v1";
  std::string out(32, '\0');
  std::size_t size = out.size();
  auto bytes = [](const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); };
  auto count = [](const std::string& s) { return static_cast<int>(s.size()); };
  EVP_PKEY_CTX* ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr);
  bool fine = ctx && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_CTX_set1_hkdf_salt(ctx, bytes(salt), count(salt)) > 0 &&
              EVP_PKEY_CTX_set1_hkdf_key(ctx, bytes(secret), count(secret)) > 0 &&
              EVP_PKEY_CTX_add1_hkdf_info(ctx, bytes(info), count(info)) > 0 &&
              EVP_PKEY_derive(ctx, reinterpret_cast<unsigned char*>(out.data()), &size) > 0;
  EVP_PKEY_CTX_free(ctx);
  if (!fine) throw Problem(Problem::Kind::internal, "Key derivation failed");
  return Secret(std::move(out));
}

}  // namespace

std::string_view name_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::session:
      return "session";
    case Purpose::challenge:
      return "challenge";
    case Purpose::sealing:
      return "sealing";
    case Purpose::signed_url:
      return "signed-url";
  }
  return "";
}

std::string RingKey::fingerprint() const {
  return hex(hmac_sha256(secret.reveal(), "antiphon fingerprint")).substr(0, 12);
}

KeyRing::KeyRing(std::vector<RingKey> keys) : keys_(std::move(keys)) {
  if (keys_.empty() || std::ranges::any_of(keys_, [](const RingKey& k) { return k.secret.empty(); }))
    throw Problem(Problem::Kind::internal, "A secret key is empty. Set WEBUI_SECRET_KEY.");
  for (const RingKey& key : keys_)
    for (std::size_t p = 0; p < kPurposes; ++p)
      derived_.push_back(hkdf(key.secret.reveal(), static_cast<Purpose>(p)));
}

const RingKey* KeyRing::find(std::string_view kid) const {
  auto it = std::ranges::find(keys_, kid, &RingKey::kid);
  if (it == keys_.end())
    it =
        std::ranges::find_if(keys_, [&](const RingKey& k) { return kid_of(k.secret.reveal()) == kid; });
  return it == keys_.end() ? nullptr : &*it;
}

const Secret& KeyRing::derived(const RingKey& key, Purpose purpose) const {
  auto index = static_cast<std::size_t>(&key - keys_.data());
  return derived_.at(index * kPurposes + static_cast<std::size_t>(purpose));
}

std::vector<RingKey> parse_keys(std::string_view text) {
  std::vector<RingKey> out;
  while (!text.empty()) {
    std::size_t comma = text.find(',');
    std::string item = trimmed(std::string(text.substr(0, comma)));
    text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
    if (item.empty()) continue;
    std::size_t colon = item.find(':');
    std::string kid = colon == item.npos ? kid_of(item) : item.substr(0, colon);
    out.push_back({std::move(kid), Secret(colon == item.npos ? item : item.substr(colon + 1))});
  }
  return out;
}

Task<std::vector<RingKey>> load_keys(store::Db& db, KeySources sources) {
  std::vector<RingKey> ring;
  auto add = [&](RingKey key) {
    if (!key.secret.empty() && std::ranges::find(ring, key.kid, &RingKey::kid) == ring.end())
      ring.push_back(std::move(key));
  };
  auto named = [](Secret secret, std::string source) {
    std::string kid = kid_of(secret.reveal());
    return RingKey{std::move(kid), std::move(secret), std::move(source)};
  };
  bool by_file = sources.secret.empty() && !sources.file.empty();
  Secret given = by_file ? read_secret_file(sources.file) : sources.secret;
  Secret kept = co_await kept_secret(db, given.empty());
  if (given.empty()) add(named(kept, "the database"));
  add(named(std::move(given), by_file ? "WEBUI_SECRET_KEY_FILE" : "WEBUI_SECRET_KEY"));
  for (RingKey& previous : parse_keys(sources.previous_keys.reveal())) {
    previous.source = "ANTIPHON_SECRET_KEYS";
    add(std::move(previous));
  }
  // A secret may itself have commas and colons.
  add(named(sources.previous_keys, "ANTIPHON_SECRET_KEYS"));
  add(named(std::move(kept), "the database"));
  for (const RingKey& key : ring)
    if (key.secret.reveal().size() < kShortSecret)
      log::warn("a secret key is short: use 32 random bytes", {{"kid", key.kid}});
  co_return ring;
}

}  // namespace antiphon::auth

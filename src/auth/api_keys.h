#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principals.h"
#include "base/secret.h"
#include "base/task.h"
#include "json/dto.h"

namespace antiphon::auth {

/// A key as its owner sees it: never the key itself, which is shown once, when it is made.
struct ApiKeyView {
  std::string id;
  std::string name;
  std::string hint;  ///< "sk-1a2b…9f": enough to recognise it.
  std::vector<std::string> scopes;
  std::optional<std::int64_t> expires_at;
  std::optional<std::int64_t> last_used_at;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(ApiKeyView, id, name, hint, scopes, expires_at, last_used_at, created_at)

inline constexpr std::size_t kMaxKeysPerUser = 50;
inline constexpr std::string_view kKeyPrefix = "sk-";

/// Whether a key with these scopes may make this request. "read": GET and HEAD. "chat": asking
/// models, and the list of them. "write": everything. An unknown scope allows nothing.
bool scopes_allow(const std::vector<std::string>& scopes, std::string_view method,
                  std::string_view path);
/// Whether such a key keeps its user's administrator role: only with "admin", or without scopes.
bool scopes_keep_admin(const std::vector<std::string>& scopes);
/// Throws Problem (400) for a scope that is none.
void check_scopes(const std::vector<std::string>& scopes);

/// SHA-256 of the key, in hexadecimal: what is stored (U14). A key is 256 random bits, so no salt
/// and no slow hash is needed.
std::string key_hash(std::string_view key);

/// The API keys of users. Any thread.
class ApiKeys {
 public:
  ApiKeys(store::Db& db, Principals& principals) : db_(db), principals_(principals) {}

  struct Form {
    std::string name;
    std::vector<std::string> scopes = {};
    std::optional<std::int64_t> expires_at = {};
  };
  struct Made {
    Secret key;  ///< "sk-" and 64 hexadecimal digits.
    ApiKeyView view;
  };
  /// Throws Problem (400) when the user has kMaxKeysPerUser already.
  Task<Made> add(UserId owner, Form form);
  /// Open WebUI's one key a user: made anew, replacing the last one made so.
  Task<Made> replace_default(UserId owner);
  Task<std::vector<ApiKeyView>> list(UserId owner) const;
  Task<std::optional<ApiKeyView>> find_default(UserId owner) const;
  /// False when the owner has no such key.
  Task<bool> remove(UserId owner, std::string id);
  Task<bool> remove_default(UserId owner);

 private:
  Task<Made> insert(UserId owner, std::string id, Form form, bool replace);

  store::Db& db_;
  Principals& principals_;
};

}  // namespace antiphon::auth

#include "auth/api_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/rows.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/json.h"
#include "json/text.h"
#include "store/db.h"

namespace antiphon::auth {

ANTIPHON_DTO_DEFINE(ApiKeyView)

/// As the table has it.
struct KeyRecord {
  std::string id;
  std::string name;
  std::string hint;
  std::string scopes;
  std::optional<std::int64_t> expires_at;
  std::optional<std::int64_t> last_used_at;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(KeyRecord, id, name, hint, scopes, expires_at, last_used_at, created_at)
ANTIPHON_DTO_DEFINE(KeyRecord)

namespace {

using store::Connection;
using store::Sql;

#define ANTIPHON_KEY "SELECT id, name, hint, scopes, expires_at, last_used_at, created_at FROM api_key "
constexpr Sql kList{"api_keys.list", ANTIPHON_KEY "WHERE user_id = $1 ORDER BY created_at DESC, id"};
constexpr Sql kFind{"api_keys.find", ANTIPHON_KEY "WHERE user_id = $1 AND id = $2"};
constexpr Sql kCount{"api_keys.count", "SELECT COUNT(*) AS number FROM api_key WHERE user_id = $1"};
constexpr Sql kAdd{"api_keys.add", R"(
    INSERT INTO api_key (id, user_id, key, name, hint, scopes, expires_at, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8))"};
constexpr Sql kRemove{"api_keys.remove", "DELETE FROM api_key WHERE user_id = $1 AND id = $2"};

constexpr std::array<std::string_view, 4> kScopes = {"read", "chat", "write", "admin"};

/// Where models are asked: the paths of Open WebUI, OpenAI, Anthropic and Ollama clients.
constexpr std::array<std::string_view, 12> kChatPaths = {"/api/chat/completions",
                                                         "/api/v1/chat/completions",
                                                         "/api/message",
                                                         "/api/v1/messages",
                                                         "/openai/",
                                                         "/ollama/api/chat",
                                                         "/ollama/api/generate",
                                                         "/ollama/v1/",
                                                         "/api/models",
                                                         "/api/v1/models",
                                                         "/ollama/api/tags",
                                                         "/api/v1/responses"};

std::string default_id(const UserId& owner) {
  return "key_" + owner.value;
}

std::string scopes_json(const std::vector<std::string>& scopes) {
  return json::dump(scopes);
}

ApiKeyView view_of(KeyRecord record) {
  ApiKeyView out{.id = std::move(record.id),
                 .name = std::move(record.name),
                 .hint = std::move(record.hint),
                 .expires_at = record.expires_at,
                 .last_used_at = record.last_used_at,
                 .created_at = record.created_at};
  if (auto value = json::try_parse(record.scopes); value && value->is_array())
    for (const json::Value& scope : value->as_array())
      if (scope.is_string()) out.scopes.emplace_back(json::view(scope.as_string()));
  return out;
}

Change refresh(const UserId& owner) {
  return {.kind = Change::Kind::refresh, .user = owner};
}
/// A key that went may still hold an open stream or socket.
Change ended(const UserId& owner, const std::string& key_id) {
  return {.kind = Change::Kind::session, .user = owner, .jti = key_id, .exp = unix_seconds() + 60};
}

}  // namespace

bool scopes_allow(const std::vector<std::string>& scopes, std::string_view method,
                  std::string_view path) {
  if (scopes.empty()) return true;
  auto has = [&](std::string_view scope) { return std::ranges::find(scopes, scope) != scopes.end(); };
  if (has("write")) return true;
  if (has("read") && (method == "GET" || method == "HEAD")) return true;
  return has("chat") && std::ranges::any_of(kChatPaths, [&](std::string_view prefix) {
           if (!path.starts_with(prefix)) return false;
           return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
         });
}

bool scopes_keep_admin(const std::vector<std::string>& scopes) {
  return scopes.empty() || std::ranges::find(scopes, "admin") != scopes.end();
}

void check_scopes(const std::vector<std::string>& scopes) {
  for (const std::string& scope : scopes)
    if (std::ranges::find(kScopes, scope) == kScopes.end())
      throw Problem(Problem::Kind::invalid, "A key's scopes are read, chat, write and admin.")
          .answering(400);
}

std::string key_hash(std::string_view key) {
  return hex(sha256(key));
}

Task<ApiKeys::Made> ApiKeys::insert(UserId owner, std::string id, Form form, bool replace) {
  std::string key = std::string(kKeyPrefix) + random_hex(32);
  ApiKeyView view{.id = id,
                  .name = form.name,
                  .hint = key.substr(0, 7) + "…" + key.substr(key.size() - 4),
                  .scopes = form.scopes,
                  .expires_at = form.expires_at,
                  .created_at = unix_seconds()};
  bool full = false;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<Change>> {
    if (replace) co_await tx.run(kRemove, owner, id);
    full = (co_await tx.first<NumberRow>(kCount, owner)).value().number >=
           static_cast<std::int64_t>(kMaxKeysPerUser);
    if (full) co_return std::vector<Change>{};
    co_await tx.run(kAdd, id, owner, key_hash(key), view.name, view.hint, scopes_json(view.scopes),
                    view.expires_at, view.created_at);
    co_return std::vector{refresh(owner)};
  });
  if (full)
    throw Problem(Problem::Kind::invalid, "You have as many keys as there may be. Delete one first.")
        .answering(400);
  co_return Made{.key = Secret(std::move(key)), .view = std::move(view)};
}

Task<ApiKeys::Made> ApiKeys::add(UserId owner, Form form) {
  check_scopes(form.scopes);
  co_return co_await insert(owner, uuid4(), form, false);
}

Task<ApiKeys::Made> ApiKeys::replace_default(UserId owner) {
  co_return co_await insert(owner, default_id(owner), {.name = "API key"}, true);
}

Task<std::vector<ApiKeyView>> ApiKeys::list(UserId owner) const {
  std::vector<ApiKeyView> out;
  for (KeyRecord& record : co_await db_.all<KeyRecord>(kList, owner))
    out.push_back(view_of(std::move(record)));
  co_return out;
}

Task<std::optional<ApiKeyView>> ApiKeys::find_default(UserId owner) const {
  auto record = co_await db_.first<KeyRecord>(kFind, owner, default_id(owner));
  if (!record) co_return std::nullopt;
  co_return view_of(std::move(*record));
}

Task<bool> ApiKeys::remove(UserId owner, std::string id) {
  bool done = false;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<Change>> {
    done = co_await tx.run(kRemove, owner, id) == 1;
    if (!done) co_return std::vector<Change>{};
    co_return std::vector{refresh(owner), ended(owner, id)};
  });
  co_return done;
}

Task<bool> ApiKeys::remove_default(UserId owner) {
  co_return co_await remove(owner, default_id(owner));
}

}  // namespace antiphon::auth

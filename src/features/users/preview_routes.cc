#include "features/users/preview_routes.h"

#include <boost/json.hpp>

#include "auth/permissions.h"
#include "base/problem.h"
#include "features/users/groups.h"
#include "http/bind.h"
#include "json/text.h"

namespace antiphon::users {
namespace {

using http::bind;
using http::Cost;

json::Object named(const std::string& id, const std::string& name) {
  return {{"id", id}, {"name", name}};
}

json::Object listing(const UsableModels& models) {
  json::Array items;
  for (const auto& [id, name] : models) items.push_back(named(id, name));
  std::size_t total = items.size();
  return {{"items", std::move(items)}, {"total", total}};
}

struct Api {
  Parts parts;

  Task<json::Value> of_user(const Admin&, UserId id) {
    std::optional<UserModel> user = co_await parts.users.find(id);
    if (!user) throw_nothing_there(404);
    json::Array groups;
    for (const Membership& g : co_await parts.groups.of_user(id, true))
      groups.push_back(named(g.id, g.name));
    auto ids = co_await parts.auth.access.groups(id);
    UsableModels models = co_await parts.usable_models(id, user->role == "admin", std::move(ids));
    co_return json::Object{{"user", named(user->id, user->name)},
                           {"groups", std::move(groups)},
                           {"models", listing(models)},
                           {"knowledge", listing({})},
                           {"tools", listing({})}};
  }

  /// Of somebody who is in this group and in no other.
  Task<json::Value> of_group(const Admin&, std::string id) {
    std::optional<Group> group = co_await parts.groups.find(id);
    if (!group) throw_nothing_there(404);
    std::set<std::string, std::less<>> ids{id};
    auth::PermissionSet above, all;
    auth::collect_allowed(group->permissions, all);
    std::optional<std::string> parent = group->parent_group_id;
    for (int depth = 0; parent && depth != Groups::kMaxDepth && ids.insert(*parent).second; ++depth) {
      std::optional<Group> next = co_await parts.groups.find(*parent);
      if (!next) break;
      auth::collect_allowed(next->permissions, above);
      parent = next->parent_group_id;
    }
    all.insert(above.begin(), above.end());
    json::Value base = parts.auth.access.everybody();
    UsableModels models = co_await parts.usable_models({}, false, std::move(ids));
    co_return json::Object{
        {"group", named(group->id, group->name)},
        {"default_models",
         json::Object{{"local", nullptr}, {"effective", json::Array()}, {"source_group_id", nullptr}}},
        {"models", listing(models)},
        {"knowledge", listing({})},
        {"tools", listing({})},
        {"permissions", group->permissions.is_object() ? group->permissions : json::Object()},
        {"inherited_permissions", auth::Permissions(base, above).tree()},
        {"effective_permissions", auth::Permissions(base, all).tree()}};
  }
};

}  // namespace

void add_preview_routes(http::Router& r, Parts parts) {
  Api api{std::move(parts)};
  r.on("GET /api/v1/users/{id}/preview", Cost::search, bind<&Api::of_user>(api));
  r.on("GET /api/v1/groups/id/{id}/preview", Cost::search, bind<&Api::of_group>(api));
}

}  // namespace antiphon::users

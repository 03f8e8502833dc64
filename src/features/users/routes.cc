#include <boost/json.hpp>
#include <utility>

#include "base/problem.h"
#include "features/users/group_routes.h"
#include "features/users/groups.h"
#include "features/users/preview_routes.h"
#include "features/users/users.h"
#include "http/bind.h"
#include "http/described.h"
#include "json/text.h"

namespace antiphon::users {

/// What the user set for themself in a client, for OpenAPI. Clients keep more there.
struct UiSettings {
  json::Defaulted<std::string> system;
  json::Defaulted<std::map<std::string, json::Value>> params;
  json::Defaulted<std::vector<std::string>> models;
  json::Rest rest;
};
ANTIPHON_DTO(UiSettings, system, params, models, rest)
ANTIPHON_DTO_DEFINE(UiSettings)

struct UserSettings {
  std::optional<UiSettings> ui;
  json::Rest rest;
};
ANTIPHON_DTO(UserSettings, ui, rest)
ANTIPHON_DTO_DEFINE(UserSettings)

namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;

struct Api {
  Parts parts;

  Task<UserPage> list(const Admin&, Query<ListOptions> options) {
    co_return co_await parts.users.page(options);
  }
  Task<InfoPage> all(const Admin&) { co_return co_await parts.users.infos({}, true); }
  Task<InfoPage> search(const User&, Query<ListOptions> options) {
    co_return co_await parts.users.infos(options, false);
  }
  Task<json::Value> permissions(const User& me) {
    co_return (co_await parts.users.permissions(me)).tree();
  }
  Task<json::Value> default_permissions(const Admin&) { co_return parts.auth.access.everybody(); }
  Task<json::Value> built_in_permissions(const Admin&) { co_return parts.defaults.tree(); }

  Task<json::Value> set_default_permissions(const Admin&, json::Value tree) {
    json::Faults faults;
    for (const auto& [branch, leaves] : parts.defaults.tree().as_object())
      if (!json::object_at(tree, json::view(branch)))
        faults.push_back({.type = "missing",
                          .loc = json::serialize(json::Array{"body", branch}),
                          .message = "Field required",
                          .input = "null",
                          .context = {}});
    if (!faults.empty()) json::refuse(faults);
    co_await parts.config.set({{.key = "user.permissions",
                                .value = auth::complete_permissions(tree, parts.defaults.tree())}});
    co_return parts.auth.access.everybody();
  }

  Task<json::Value> settings(const User& me) { co_return co_await parts.users.stored_settings(me.id); }
  Task<json::Value> set_settings(const User& me, json::Value change) {
    co_return co_await parts.users.update_settings(me, std::move(change));
  }
  Task<json::Value> info_of_mine(const User& me) {
    co_return co_await parts.users.details_of_his_own(me.id);
  }
  Task<json::Value> set_info(const User& me, json::Value change) {
    co_return co_await parts.users.update_info(me, std::move(change));
  }
  Task<Variables> variables(const User& me) {
    co_return Variables{co_await parts.users.variables(me.id)};
  }
  Task<Variables> set_variables(const User& me, Body<VariablesForm> form) {
    json::Value wanted = form.variables.value_or(json::Object{});
    co_return Variables{co_await parts.users.set_variables(me, std::move(wanted))};
  }

  void need_status() const {
    if (!parts.general.enable_user_status())
      throw Problem(Problem::Kind::forbidden, "Statuses are turned off.");
  }
  Task<UserModel> status(const User& me) {
    need_status();
    std::optional<UserModel> user = co_await parts.users.find(me.id);
    if (!user) throw_nothing_there();
    co_return std::move(*user);
  }
  Task<std::optional<UserModel>> set_status(const User& me, Body<StatusForm> form) {
    need_status();
    co_return co_await parts.users.set_status(me, form);
  }

  Task<UserDetails> show(const Admin&, UserId id) {
    std::optional<UserDetails> user = co_await parts.users.details(std::move(id));
    if (!user) throw_nothing_there();
    co_return std::move(*user);
  }
  Task<UserInfo> info(const User&, UserId id) {
    std::optional<UserInfo> user = co_await parts.users.info(std::move(id));
    if (!user) throw_nothing_there();
    co_return std::move(*user);
  }
  Task<Active> active(const User&, UserId id) {
    co_return Active{co_await parts.users.active(std::move(id))};
  }
  Task<http::Response> image(const User&, UserId id) {
    std::optional<UserModel> user = co_await parts.users.find(id);
    if (!user) throw_nothing_there();
    co_return co_await parts.users.image(*user);
  }
  /// Nobody signs in through OAuth, so nobody has such a session.
  Task<json::Value> oauth_sessions(const Admin&, std::string) { throw_nothing_there(); }

  Task<bool> revoke(const Admin&, UserId id) {
    if (!co_await parts.users.find(id)) throw_nothing_there(404);
    co_await parts.auth.accounts.revoke_sessions(id);
    co_return true;
  }
  Task<std::optional<UserModel>> update(const Admin& me, UserId id, Body<UpdateForm> form) {
    co_return co_await parts.users.update(me, std::move(id), form);
  }
  Task<bool> remove(const Admin& me, UserId id) {
    co_return co_await parts.users.remove(me, std::move(id));
  }

  Task<std::vector<Membership>> my_groups(const User& me, Query<InheritedOption> option) {
    co_return co_await parts.groups.of_user(me.id, option.include_inherited);
  }
  Task<std::vector<Membership>> groups_of(const Admin&, UserId id, Query<InheritedOption> option) {
    co_return co_await parts.groups.of_user(std::move(id), option.include_inherited);
  }
};

constexpr http::Options kSmall{.body_limit = 512 * 1024};
constexpr http::Options kWithImage{.body_limit = 2 << 20};

}  // namespace

void add_routes(http::Router& r, Parts parts) {
  Api api{parts};
  r.on("GET /api/v1/users/", Cost::search, bind<&Api::list>(api));
  r.on("GET /api/v1/users/all", Cost::search, bind<&Api::all>(api));
  r.on("GET /api/v1/users/search", Cost::search, bind<&Api::search>(api));
  r.on("GET /api/v1/users/groups", Cost::read, bind<&Api::my_groups>(api));
  r.on("GET /api/v1/users/permissions", Cost::read, bind<&Api::permissions>(api));
  r.on("GET /api/v1/users/default/permissions", Cost::read, bind<&Api::default_permissions>(api));
  r.on("POST /api/v1/users/default/permissions", Cost::write, bind<&Api::set_default_permissions>(api));
  r.on("GET /api/v1/users/default/permissions/defaults", Cost::read,
       bind<&Api::built_in_permissions>(api));
  r.on("GET /api/v1/users/user/settings", Cost::read,
       http::answering<std::optional<UserSettings>>(bind<&Api::settings>(api)));
  r.on("POST /api/v1/users/user/settings/update", Cost::write,
       http::taking<UserSettings>(http::answering<UserSettings>(bind<&Api::set_settings>(api))),
       kSmall);
  r.on("GET /api/v1/users/user/info", Cost::read, bind<&Api::info_of_mine>(api));
  r.on("POST /api/v1/users/user/info/update", Cost::write, bind<&Api::set_info>(api), kSmall);
  r.on("GET /api/v1/users/user/variables", Cost::read, bind<&Api::variables>(api));
  r.on("POST /api/v1/users/user/variables/update", Cost::write, bind<&Api::set_variables>(api), kSmall);
  r.on("GET /api/v1/users/user/status", Cost::read, bind<&Api::status>(api));
  r.on("POST /api/v1/users/user/status/update", Cost::write, bind<&Api::set_status>(api), kSmall);
  r.on("GET /api/v1/users/{id}", Cost::read, bind<&Api::show>(api));
  r.on("DELETE /api/v1/users/{id}", Cost::write_heavy, bind<&Api::remove>(api));
  r.on("GET /api/v1/users/{id}/info", Cost::read, bind<&Api::info>(api));
  r.on("GET /api/v1/users/{id}/active", Cost::read, bind<&Api::active>(api));
  r.on("GET /api/v1/users/{id}/profile/image", Cost::read, bind<&Api::image>(api));
  r.on("GET /api/v1/users/{id}/oauth/sessions", Cost::read, bind<&Api::oauth_sessions>(api));
  r.on("GET /api/v1/users/{id}/groups", Cost::read, bind<&Api::groups_of>(api));
  r.on("POST /api/v1/users/{id}/sessions/revoke", Cost::write, bind<&Api::revoke>(api));
  r.on("POST /api/v1/users/{id}/update", Cost::write, bind<&Api::update>(api), kWithImage);
  add_group_routes(r, parts);
  add_preview_routes(r, parts);
}

}  // namespace antiphon::users

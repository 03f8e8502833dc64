#include "features/users/group_routes.h"

#include <utility>

#include "base/problem.h"
#include "features/users/groups.h"
#include "http/bind.h"

namespace antiphon::users {
namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;

template <class T>
T found(std::optional<T> thing) {
  if (!thing) throw_nothing_there(404);
  return std::move(*thing);
}

struct Api {
  Parts parts;

  Task<std::vector<Group>> list(const User& me, Query<ShareOption> option) {
    co_return co_await parts.groups.list(me, option);
  }
  Task<Group> create(const Admin& me, Body<GroupForm> form) {
    co_return co_await parts.groups.create(me, form);
  }
  Task<Group> show(const Admin&, std::string id) {
    co_return found(co_await parts.groups.find(std::move(id)));
  }
  Task<GroupInfo> info(const User&, std::string id) {
    Group g = found(co_await parts.groups.find(std::move(id)));
    co_return GroupInfo{g.parent_group_id, g.id,           g.user_id,    g.name,
                        g.description,     g.member_count, g.created_at, g.updated_at};
  }
  Task<GroupExport> whole(const Admin&, std::string id) {
    Group g = found(co_await parts.groups.find(id));
    co_return GroupExport{
        g.parent_group_id, g.id,         g.user_id,      g.name,
        g.description,     g.data,       g.meta,         g.permissions,
        g.created_at,      g.updated_at, g.member_count, co_await parts.groups.member_ids(id)};
  }
  Task<std::vector<UserInfo>> users(const Admin&, std::string id) {
    std::vector<UserInfo> out;
    for (std::string& user : co_await parts.groups.member_ids(std::move(id)))
      if (std::optional<UserInfo> info = co_await parts.users.info({std::move(user)}))
        out.push_back(std::move(*info));
    co_return out;
  }
  Task<MemberPage> members(const Admin&, std::string id, Query<MemberOptions> options) {
    (void)found(co_await parts.groups.find(id));
    MemberPage page = co_await parts.groups.members(std::move(id), options);
    for (Member& m : page.items)
      if (std::optional<UserInfo> info = co_await parts.users.info({m.id})) {
        m.bio = info->bio;
        m.last_active_at = info->last_active_at;
        m.timezone = info->timezone;
        m.groups = info->groups;
        m.is_active = info->is_active;
      }
    co_return page;
  }
  Task<Group> update(const Admin&, std::string id, Body<GroupForm> form) {
    co_return found(co_await parts.groups.update(std::move(id), form));
  }
  Task<Group> add(const Admin&, std::string id, Body<UserIdsForm> form) {
    std::vector<std::string> ids = form.user_ids ? form.user_ids->value : std::vector<std::string>{};
    co_return found(co_await parts.groups.add_members(std::move(id), std::move(ids)));
  }
  Task<Group> drop(const Admin&, std::string id, Body<UserIdsForm> form) {
    std::vector<std::string> ids = form.user_ids ? form.user_ids->value : std::vector<std::string>{};
    co_return found(co_await parts.groups.remove_members(std::move(id), std::move(ids)));
  }
  Task<bool> remove(const Admin&, std::string id) {
    if (!co_await parts.groups.remove(std::move(id))) throw_nothing_there(404);
    co_return true;
  }
};

}  // namespace

void add_group_routes(http::Router& r, Parts parts) {
  Api api{parts};
  r.on("GET /api/v1/groups/", Cost::read, bind<&Api::list>(api));
  r.on("POST /api/v1/groups/create", Cost::write, bind<&Api::create>(api));
  r.on("GET /api/v1/groups/id/{id}", Cost::read, bind<&Api::show>(api));
  r.on("GET /api/v1/groups/id/{id}/info", Cost::read, bind<&Api::info>(api));
  r.on("GET /api/v1/groups/id/{id}/export", Cost::read, bind<&Api::whole>(api));
  r.on("POST /api/v1/groups/id/{id}/users", Cost::search, bind<&Api::users>(api));
  r.on("GET /api/v1/groups/id/{id}/members", Cost::search, bind<&Api::members>(api));
  r.on("POST /api/v1/groups/id/{id}/update", Cost::write, bind<&Api::update>(api));
  r.on("POST /api/v1/groups/id/{id}/users/add", Cost::write, bind<&Api::add>(api));
  r.on("POST /api/v1/groups/id/{id}/users/remove", Cost::write, bind<&Api::drop>(api));
  r.on("DELETE /api/v1/groups/id/{id}/delete", Cost::write, bind<&Api::remove>(api));
}

}  // namespace antiphon::users

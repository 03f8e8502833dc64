#include "features/users/groups.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <set>
#include <utility>

#include "auth/rows.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/users/groups_sql.h"
#include "json/text.h"
#include "store/db.h"

namespace antiphon::users {

ANTIPHON_DTO_DEFINE(Group)
ANTIPHON_DTO_DEFINE(Membership)
ANTIPHON_DTO_DEFINE(GroupForm)
ANTIPHON_DTO_DEFINE(GroupInfo)
ANTIPHON_DTO_DEFINE(GroupExport)
ANTIPHON_DTO_DEFINE(UserIdsForm)
ANTIPHON_DTO_DEFINE(ShareOption)
ANTIPHON_DTO_DEFINE(Member)
ANTIPHON_DTO_DEFINE(MemberCounts)
ANTIPHON_DTO_DEFINE(MemberPage)
ANTIPHON_DTO_DEFINE(MemberOptions)

struct MembershipOfUser {
  std::optional<std::string> parent_group_id;
  std::string id;
  std::string user_id;
  std::string name;
  std::string description;
  json::Value data;
  json::Value meta;
  json::Value permissions;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string membership_type;
};
ANTIPHON_DTO(MembershipOfUser, parent_group_id, id, user_id, name, description, data, meta, permissions,
             created_at, updated_at, membership_type)
ANTIPHON_DTO_DEFINE(MembershipOfUser)

struct EffectiveMember {
  std::optional<std::string> status_emoji;
  std::optional<std::string> status_message;
  std::optional<std::int64_t> status_expires_at;
  std::string id;
  std::string name;
  std::string email;
  std::string role;
  std::string group_id;
};
ANTIPHON_DTO(EffectiveMember, status_emoji, status_message, status_expires_at, id, name, email, role,
             group_id)
ANTIPHON_DTO_DEFINE(EffectiveMember)

namespace {

using store::Connection;
constexpr std::int64_t kPageSize = 30;
constexpr std::size_t kMaxJson = 64 * 1024;

const json::Value& new_data() {
  static const json::Value data = json::parse_value(R"({"config":{"share":"members"}})");
  return data;
}

/// true, false or "members"; the last when nothing is said.
std::string_view sharing_of(const Group& group) {
  const json::Value* share = json::find(group.data, {"config", "share"});
  if (share && share->is_bool()) return share->as_bool() ? "everybody" : "nobody";
  return "members";
}

void check_json(const std::optional<json::Value>& value) {
  if (!value || value->is_null()) return;
  if (!value->is_object() || json::serialize(*value).size() > kMaxJson)
    throw Problem(Problem::Kind::invalid,
                  "A group's data and permissions are objects of at most 64 KiB.")
        .answering(422);
}

/// Everybody is read again: groups reach many.
std::vector<auth::Change> everybody_changed() {
  return {auth::Change{.kind = auth::Change::Kind::refresh}};
}

std::optional<std::string> parent_of(const GroupForm& form) {
  if (!form.parent_group_id || form.parent_group_id->empty()) return std::nullopt;
  return *form.parent_group_id;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::vector<Member> merged(std::vector<EffectiveMember> rows, const std::string& group_id) {
  std::vector<Member> out;
  for (EffectiveMember& row : rows) {
    if (out.empty() || out.back().id != row.id)
      out.push_back({.status_emoji = row.status_emoji,
                     .status_message = row.status_message,
                     .status_expires_at = row.status_expires_at,
                     .id = row.id,
                     .name = row.name,
                     .email = row.email,
                     .role = row.role,
                     .membership_type = "inherited"});
    if (row.group_id == group_id)
      out.back().membership_type = "direct";
    else
      out.back().via_group_ids.push_back(row.group_id);
  }
  return out;
}

}  // namespace

Task<std::vector<Group>> Groups::list(const User& me, ShareOption option) const {
  auto all = co_await db_.all<Group>(sql::kAllGroups, kMost);
  if (me.admin() && !option.share.value_or(false)) co_return all;
  std::shared_ptr<const auth::Principal> principal = co_await principals_.find(me.id);
  std::erase_if(all, [&](const Group& group) {
    bool mine = principal && principal->groups.contains(group.id);
    std::string_view sharing = sharing_of(group);
    if (sharing == "everybody" || (sharing == "members" && (mine || me.admin()))) return false;
    return option.share.value_or(false) || !mine;
  });
  co_return all;
}

Task<std::vector<Membership>> Groups::of_user(UserId id, bool inherited) const {
  std::vector<Membership> out;
  for (MembershipOfUser& g : co_await db_.all<MembershipOfUser>(sql::kOfUser, id)) {
    if (!inherited && g.membership_type != "direct") continue;
    Membership& m = out.emplace_back(Membership{std::move(g.parent_group_id),
                                                std::move(g.id),
                                                std::move(g.user_id),
                                                std::move(g.name),
                                                std::move(g.description),
                                                std::move(g.data),
                                                std::move(g.meta),
                                                std::move(g.permissions),
                                                g.created_at,
                                                g.updated_at,
                                                {}});
    if (inherited) m.membership_type = std::move(g.membership_type);
  }
  co_return out;
}

Task<std::optional<Group>> Groups::find(std::string id) const {
  co_return co_await db_.first<Group>(sql::kGroup, id);
}

Task<std::vector<std::string>> Groups::member_ids(std::string id) const {
  std::vector<std::string> out;
  for (auth::TextRow& row : co_await db_.all<auth::TextRow>(sql::kGroupMembers, id))
    out.push_back(std::move(row.text));
  co_return out;
}

Task<MemberPage> Groups::members(std::string id, MemberOptions options) const {
  auto all = merged(co_await db_.all<EffectiveMember>(sql::kEffectiveMembers, id, kMost), id);
  MemberPage out;
  for (const Member& m : all)
    ++(m.membership_type == "direct" ? out.counts.direct : out.counts.inherited);
  out.counts.effective = out.counts.direct + out.counts.inherited;
  std::string wanted = lowered(options.query.value_or(""));
  const std::string& kind = options.membership.value;
  std::erase_if(all, [&](const Member& m) {
    if ((kind == "direct" || kind == "inherited") && m.membership_type != kind) return true;
    return lowered(m.name).find(wanted) == std::string::npos &&
           lowered(m.email).find(wanted) == std::string::npos;
  });
  out.total = static_cast<std::int64_t>(all.size());
  std::int64_t from = std::min(out.total, std::max<std::int64_t>(0, options.page - 1) * kPageSize);
  std::int64_t until = std::min(out.total, from + kPageSize);
  out.items.assign(std::make_move_iterator(all.begin() + from),
                   std::make_move_iterator(all.begin() + until));
  co_return out;
}

Task<> Groups::check_parent(const std::string& id, const std::optional<std::string>& parent) const {
  std::optional<std::string> at = parent;
  for (int depth = 0; at; ++depth) {
    std::optional<Group> above = co_await db_.first<Group>(sql::kGroup, *at);
    if (*at == id || depth >= kMaxDepth || !above)
      throw Problem(Problem::Kind::invalid,
                    "A group's parent is another group that is not below it, at most 32 deep.")
          .answering(400);
    at = above->parent_group_id;
  }
}

Task<Group> Groups::create(const Admin& by, GroupForm form) {
  check_json(form.permissions);
  check_json(form.data);
  std::string id = uuid4();
  std::optional<std::string> parent = parent_of(form);
  co_await check_parent(id, parent);
  co_await db_.run(sql::kAddGroup, id, by.id, form.name, form.description,
                   form.data.value_or(new_data()), form.permissions, parent, unix_seconds());
  co_return (co_await find(id)).value();
}

Task<std::optional<Group>> Groups::update(std::string id, GroupForm form) {
  check_json(form.permissions);
  check_json(form.data);
  std::optional<Group> before = co_await find(id);
  if (!before) co_return std::nullopt;
  std::optional<std::string> parent =
      form.parent_group_id.present() ? parent_of(form) : before->parent_group_id;
  co_await check_parent(id, parent);
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<auth::Change>> {
    co_await tx.run(sql::kUpdateGroup, id, form.name, form.description, form.data, form.permissions,
                    parent, unix_seconds());
    co_return everybody_changed();
  });
  co_return co_await find(id);
}

Task<std::optional<Group>> Groups::add_members(std::string id, std::vector<std::string> user_ids) {
  if (!co_await find(id)) co_return std::nullopt;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<auth::Change>> {
    for (const std::string& user : user_ids)
      co_await tx.run(sql::kAddMember, uuid4(), id, user, unix_seconds());
    co_await tx.run(sql::kTouchGroup, id, unix_seconds());
    co_return everybody_changed();
  });
  co_return co_await find(id);
}

Task<std::optional<Group>> Groups::remove_members(std::string id, std::vector<std::string> user_ids) {
  if (!co_await find(id)) co_return std::nullopt;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<auth::Change>> {
    for (const std::string& user : user_ids) co_await tx.run(sql::kRemoveMember, id, user);
    co_await tx.run(sql::kTouchGroup, id, unix_seconds());
    co_return everybody_changed();
  });
  co_return co_await find(id);
}

Task<bool> Groups::remove(std::string id) {
  bool done = false;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<auth::Change>> {
    for (const store::Sql& statement : {sql::kRemoveMembers, sql::kRemoveGrants, sql::kOrphan})
      co_await tx.run(statement, id);
    done = co_await tx.run(sql::kRemoveGroup, id) == 1;
    co_return everybody_changed();
  });
  co_return done;
}

}  // namespace antiphon::users

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/auth.h"
#include "base/task.h"
#include "features/users/dto.h"

namespace antiphon::users {

struct Group {
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
  std::int64_t member_count = 0;
};
ANTIPHON_DTO(Group, parent_group_id, id, user_id, name, description, data, meta, permissions,
             created_at, updated_at, member_count)

/// A group of a user's. `membership_type` is said only when inherited ones were asked for.
struct Membership {
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
  json::Patch<std::string> membership_type;
};
ANTIPHON_DTO(Membership, parent_group_id, id, user_id, name, description, data, meta, permissions,
             created_at, updated_at, membership_type)

struct GroupForm {
  json::Patch<std::string> parent_group_id;
  json::Text<1, 100> name;
  json::Text<0, 2000> description;
  std::optional<json::Value> permissions;
  std::optional<json::Value> data;
};
ANTIPHON_DTO(GroupForm, parent_group_id, name, description, permissions, data)

struct GroupInfo {
  std::optional<std::string> parent_group_id;
  std::string id;
  std::string user_id;
  std::string name;
  std::string description;
  std::int64_t member_count = 0;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(GroupInfo, parent_group_id, id, user_id, name, description, member_count, created_at,
             updated_at)

struct GroupExport {
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
  std::int64_t member_count = 0;
  std::vector<std::string> user_ids;
};
ANTIPHON_DTO(GroupExport, parent_group_id, id, user_id, name, description, data, meta, permissions,
             created_at, updated_at, member_count, user_ids)

struct UserIdsForm {
  std::optional<json::List<std::string, 10'000>> user_ids;
};
ANTIPHON_DTO(UserIdsForm, user_ids)

struct ShareOption {
  std::optional<bool> share;
};
ANTIPHON_DTO(ShareOption, share)

struct Member {
  std::optional<std::string> status_emoji;
  std::optional<std::string> status_message;
  std::optional<std::int64_t> status_expires_at;
  std::string id;
  std::string name;
  std::string email;
  std::string role;
  std::optional<std::string> bio;
  std::optional<std::int64_t> last_active_at;
  std::optional<std::string> timezone;
  std::vector<GroupName> groups;
  bool is_active = false;
  std::string membership_type;  ///< "direct", "inherited"
  std::vector<std::string> via_group_ids;
};
ANTIPHON_DTO(Member, status_emoji, status_message, status_expires_at, id, name, email, role, bio,
             last_active_at, timezone, groups, is_active, membership_type, via_group_ids)

struct MemberCounts {
  std::int64_t direct = 0;
  std::int64_t effective = 0;
  std::int64_t inherited = 0;
};
ANTIPHON_DTO(MemberCounts, direct, effective, inherited)

struct MemberPage {
  std::vector<Member> items;
  std::int64_t total = 0;
  MemberCounts counts;
};
ANTIPHON_DTO(MemberPage, items, total, counts)

struct MemberOptions {
  json::Defaulted<std::string> membership{"effective"};
  std::optional<std::string> query;
  json::Number<1, 0, 1'000'000> page;
};
ANTIPHON_DTO(MemberOptions, membership, query, page)

/// Groups of users: their members get the permissions and grants of the group and of those above it.
/// Every change counts for the members at once. Any thread.
class Groups {
 public:
  static constexpr std::int64_t kMost = 10'000;  ///< Groups; and members looked at for one page.
  static constexpr int kMaxDepth = 32;

  Groups(store::Db& db, auth::Principals& principals) : db_(db), principals_(principals) {}

  /// All for administrators; for others their own and the ones that may be shared with.
  Task<std::vector<Group>> list(const User& me, ShareOption option) const;
  Task<std::vector<Membership>> of_user(UserId id, bool inherited) const;
  Task<std::optional<Group>> find(std::string id) const;
  Task<std::vector<std::string>> member_ids(std::string id) const;
  Task<MemberPage> members(std::string id, MemberOptions options) const;

  /// Throws Problem (400) for a parent that is none or is below the group itself (row 120).
  Task<Group> create(const Admin& by, GroupForm form);
  Task<std::optional<Group>> update(std::string id, GroupForm form);
  /// Ids that are no users are left out.
  Task<std::optional<Group>> add_members(std::string id, std::vector<std::string> user_ids);
  Task<std::optional<Group>> remove_members(std::string id, std::vector<std::string> user_ids);
  Task<bool> remove(std::string id);

 private:
  Task<> check_parent(const std::string& id, const std::optional<std::string>& parent) const;

  store::Db& db_;
  auth::Principals& principals_;
};

}  // namespace antiphon::users

#include "auth/grants.h"

#include <algorithm>
#include <set>
#include <utility>

#include "auth/rows.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "store/db.h"

namespace antiphon::auth {

ANTIPHON_DTO_DEFINE(Grant)
ANTIPHON_DTO_DEFINE(GrantView)

namespace {

using store::Sql;

// Writing includes reading: whoever may change a thing may look at it. $2 is the permission, $3 the
// user, $4 his groups.
#define ANTIPHON_HELD(groups)                                                                    \
  "(permission = $2 OR permission = 'write') AND ((principal_type = 'user' AND principal_id IN " \
  "($3, '*')) OR (principal_type = 'group' AND principal_id " groups "))"
#define ANTIPHON_HELD_SQLITE ANTIPHON_HELD("IN (SELECT value FROM json_each($4))")
#define ANTIPHON_HELD_POSTGRES ANTIPHON_HELD("= ANY($4)")

#define ANTIPHON_MAY \
  "SELECT COUNT(*) AS number FROM access_grant WHERE resource_type = $1 AND resource_id = $5 AND "
#define ANTIPHON_ACCESSIBLE \
  "SELECT DISTINCT resource_id AS text FROM access_grant WHERE resource_type = $1 AND "
constexpr Sql kMay{"grants.may", ANTIPHON_MAY ANTIPHON_HELD_SQLITE,
                   ANTIPHON_MAY ANTIPHON_HELD_POSTGRES};
constexpr Sql kAccessible{"grants.accessible", ANTIPHON_ACCESSIBLE ANTIPHON_HELD_SQLITE,
                          ANTIPHON_ACCESSIBLE ANTIPHON_HELD_POSTGRES};
constexpr Sql kOpen{"grants.open", R"(
    SELECT COUNT(*) AS number
      FROM access_grant
     WHERE resource_type = $1 AND resource_id = $2 AND principal_type = 'anyone' AND principal_id = '*')"};

#define ANTIPHON_GRANT                                                                           \
  "SELECT id, resource_type, resource_id, principal_type, principal_id, permission, created_at " \
  "FROM access_grant WHERE resource_type = $1 AND resource_id "
#define ANTIPHON_GRANT_ORDER \
  " ORDER BY resource_id, created_at, principal_type, principal_id, permission"
constexpr Sql kList{"grants.list", ANTIPHON_GRANT "= $2" ANTIPHON_GRANT_ORDER};
constexpr Sql kListMany{"grants.list_many",
                        ANTIPHON_GRANT "IN (SELECT value FROM json_each($2))" ANTIPHON_GRANT_ORDER,
                        ANTIPHON_GRANT "= ANY($2)" ANTIPHON_GRANT_ORDER};

constexpr Sql kClear{"grants.clear",
                     "DELETE FROM access_grant WHERE resource_type = $1 AND resource_id = $2"};
// One to a user who is not there is left out by a trigger (migrations/20261127_0600_grant_to_user.sql).
constexpr Sql kAdd{"grants.add", R"(
    INSERT INTO access_grant (id, resource_type, resource_id, principal_type, principal_id, permission, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT DO NOTHING)"};

store::Strings groups_of(const std::set<std::string, std::less<>>& groups) {
  return {groups.begin(), groups.end()};
}

bool well_formed(const Grant& g) {
  if (g.permission != "read" && g.permission != "write") return false;
  if (g.principal_id.empty() || g.principal_id.size() > 100) return false;
  if (g.principal_type == "anyone") return g.principal_id == "*" && g.permission == "read";
  if (g.principal_type == "group") return g.principal_id != "*";
  return g.principal_type == "user";
}

}  // namespace

Task<bool> Grants::may(const User& who, Resource resource, Right right) const {
  // Owning is no grant: nobody is given it.
  if (right == Right::own) co_return false;
  store::Strings groups = groups_of(co_await access_.groups(who.id));
  auto row =
      co_await db_.first<NumberRow>(kMay, resource.kind, name_of(right), who.id, groups, resource.id);
  co_return row && row->number > 0;
}

Task<bool> Grants::open_to_anyone(Resource resource) const {
  auto row = co_await db_.first<NumberRow>(kOpen, resource.kind, resource.id);
  co_return row && row->number > 0;
}

Task<std::vector<std::string>> Grants::accessible(const User& who, std::string_view kind,
                                                  Right right) const {
  std::vector<std::string> out;
  if (right == Right::own) co_return out;
  store::Strings groups = groups_of(co_await access_.groups(who.id));
  for (TextRow& row : co_await db_.all<TextRow>(kAccessible, kind, name_of(right), who.id, groups))
    out.push_back(std::move(row.text));
  co_return out;
}

Task<std::vector<GrantView>> Grants::list(Resource resource) const {
  co_return co_await db_.all<GrantView>(kList, resource.kind, resource.id);
}

Task<std::vector<GrantView>> Grants::list_many(std::string_view kind,
                                               std::vector<std::string> ids) const {
  if (ids.empty()) co_return std::vector<GrantView>{};
  co_return co_await db_.all<GrantView>(kListMany, kind, ids);
}

Task<bool> Grants::may_give(const User& who, const std::string& area, const Grant& grant) const {
  if (who.admin()) co_return true;
  if (grant.principal_type == "anyone") co_return co_await access_.permits(who, "sharing.open_" + area);
  // Chats are shared by their own permission; there is no sharing.chats.
  std::string any = area == "chats" ? "chat.share" : "sharing." + area;
  if (!co_await access_.permits(who, any)) co_return false;
  if (grant.principal_type == "user" && grant.principal_id == "*")
    co_return co_await access_.permits(who, "sharing.public_" + area);
  if (grant.principal_type == "user" && grant.principal_id == who.id.value) co_return true;
  std::string leaf =
      grant.principal_type == "user" ? "access_grants.allow_users" : "access_grants.allow_groups";
  co_return co_await access_.permits(who, leaf);
}

Task<std::vector<Grant>> Grants::allowed(const User& who, std::string area, std::vector<Grant> wanted,
                                         Disallowed otherwise, std::vector<Grant> existing) const {
  if (wanted.size() > kMaxGrants)
    throw Problem(Problem::Kind::invalid, "This is shared with too many.").answering(400);
  std::set<Grant> out;
  for (Grant& grant : wanted) {
    if (!well_formed(grant))
      throw Problem(Problem::Kind::invalid,
                    "A grant names a user, a group or anyone, and read or write.")
          .answering(400);
    bool stays = std::ranges::find(existing, grant) != existing.end();
    if (stays || co_await may_give(who, area, grant)) {
      out.insert(std::move(grant));
    } else if (otherwise == Disallowed::refuse) {
      throw Problem(Problem::Kind::forbidden, "You may not share this so.");
    }
  }
  co_return std::vector<Grant>(out.begin(), out.end());
}

Task<> Grants::set(store::Connection& tx, Resource resource, std::vector<Grant> grants) const {
  co_await tx.run(kClear, resource.kind, resource.id);
  std::int64_t now = unix_seconds();
  for (const Grant& g : grants)
    co_await tx.run(kAdd, uuid4(), resource.kind, resource.id, g.principal_type, g.principal_id,
                    g.permission, now);
}

}  // namespace antiphon::auth

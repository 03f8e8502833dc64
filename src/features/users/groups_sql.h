#pragma once

#include "store/db.h"

/// The statements of Groups.
namespace antiphon::users::sql {

using store::Sql;

#define ANTIPHON_GROUP                                                                                \
  "SELECT g.parent_group_id, g.id, g.user_id, g.name, g.description, g.data, g.meta, g.permissions, " \
  "g.created_at, g.updated_at, (SELECT COUNT(*) FROM group_member m WHERE m.group_id = g.id) AS "     \
  "member_count FROM \"group\" g "

inline constexpr Sql kAllGroups{"groups.all",
                                ANTIPHON_GROUP "ORDER BY g.updated_at DESC, g.id LIMIT $1"};
inline constexpr Sql kGroup{"groups.find", ANTIPHON_GROUP "WHERE g.id = $1"};
inline constexpr Sql kGroupMembers{
    "groups.members",
    "SELECT user_id AS text FROM group_member WHERE group_id = $1 ORDER BY created_at, user_id"};

/// `direct` is 1 for those the user is a member of himself.
inline constexpr Sql kOfUser{"groups.of_user", R"(
    WITH RECURSIVE up (id) AS (
      SELECT group_id FROM group_member WHERE user_id = $1
       UNION
      SELECT g.parent_group_id
        FROM "group" g
        JOIN up ON up.id = g.id
       WHERE g.parent_group_id IS NOT NULL)
    SELECT g.parent_group_id, g.id, g.user_id, g.name, g.description, g.data, g.meta, g.permissions,
           g.created_at, g.updated_at,
           CASE WHEN EXISTS (SELECT 1 FROM group_member m WHERE m.group_id = g.id AND m.user_id = $1)
                THEN 'direct' ELSE 'inherited' END AS membership_type
      FROM "group" g
      JOIN up ON up.id = g.id
     ORDER BY membership_type, g.updated_at DESC, g.id)"};

/// Members of the group and of all below it, with the group each is in.
inline constexpr Sql kEffectiveMembers{"groups.effective_members", R"(
    WITH RECURSIVE down (id) AS (
      SELECT id FROM "group" WHERE id = $1
       UNION
      SELECT g.id
        FROM "group" g
        JOIN down ON down.id = g.parent_group_id)
    SELECT u.status_emoji, u.status_message, u.status_expires_at, u.id, u.name, u.email, u.role,
           m.group_id
      FROM down
      JOIN group_member m ON m.group_id = down.id
      JOIN "user" u ON u.id = m.user_id
     ORDER BY lower(u.name), u.id, m.group_id
     LIMIT $2)"};

inline constexpr Sql kAddGroup{"groups.add", R"(
    INSERT INTO "group" (id, user_id, name, description, data, permissions, parent_group_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8))"};
inline constexpr Sql kUpdateGroup{"groups.update", R"(
    UPDATE "group"
       SET name = $2, description = $3, data = COALESCE($4, data), permissions = COALESCE($5, permissions),
           parent_group_id = $6, updated_at = $7
     WHERE id = $1)"};
inline constexpr Sql kTouchGroup{"groups.touch", R"(UPDATE "group" SET updated_at = $2 WHERE id = $1)"};
inline constexpr Sql kAddMember{"groups.add_member", R"(
    INSERT INTO group_member (id, group_id, user_id, created_at, updated_at)
    SELECT $1, $2, id, $4, $4
      FROM "user"
     WHERE id = $3
    ON CONFLICT DO NOTHING)",
                                R"(
    INSERT INTO group_member (id, group_id, user_id, created_at, updated_at)
    SELECT $1::text, $2::text, id, $4::bigint, $4::bigint
      FROM "user"
     WHERE id = $3
    ON CONFLICT DO NOTHING)"};
inline constexpr Sql kRemoveMember{"groups.remove_member",
                                   "DELETE FROM group_member WHERE group_id = $1 AND user_id = $2"};

inline constexpr Sql kRemoveMembers{"groups.remove_members",
                                    "DELETE FROM group_member WHERE group_id = $1"};
inline constexpr Sql kRemoveGrants{
    "groups.remove_grants",
    "DELETE FROM access_grant WHERE principal_type = 'group' AND principal_id = $1"};
inline constexpr Sql kOrphan{"groups.orphan",
                             R"(UPDATE "group" SET parent_group_id = NULL WHERE parent_group_id = $1)"};
inline constexpr Sql kRemoveGroup{"groups.remove", R"(DELETE FROM "group" WHERE id = $1)"};

}  // namespace antiphon::users::sql

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "auth/rows.h"
#include "json/dto.h"
#include "store/db.h"

/// The statements of Principals and the shapes of their rows.
namespace antiphon::auth::sql {

using store::Sql;

inline constexpr std::size_t kPage = 1000;

struct ChangeRow {
  std::int64_t current = 0;  ///< The cluster's version.
  std::optional<std::int64_t> version;
  std::string kind;
  std::string user_id;
  std::string jti;
  std::int64_t exp = 0;
};
ANTIPHON_DTO(ChangeRow, current, version, kind, user_id, jti, exp)

struct RevokedRow {
  std::string jti;
  std::int64_t exp = 0;
};
ANTIPHON_DTO(RevokedRow, jti, exp)

struct PrincipalRow {
  std::string name;
  std::string email;
  std::string role;
  std::int64_t last_active_at = 0;
  bool active = false;
  std::optional<std::string> session_stamp;
};
ANTIPHON_DTO(PrincipalRow, name, email, role, last_active_at, active, session_stamp)

struct GroupRow {
  std::string id;
  std::optional<std::string> permissions;
};
ANTIPHON_DTO(GroupRow, id, permissions)

struct KeyRow {
  std::string id;
  std::string key;
  std::string scopes;
  std::optional<std::int64_t> expires_at;
};
ANTIPHON_DTO(KeyRow, id, key, scopes, expires_at)

inline constexpr Sql kVersion{"auth.version",
                              "SELECT auth_version AS number FROM cluster WHERE id = 1"};

inline constexpr Sql kNextVersion{"auth.next_version",
                                  "UPDATE cluster SET auth_version = auth_version + 1 WHERE id = 1"};

inline constexpr Sql kRecord{"auth.record", R"(
    INSERT INTO auth_change (version, kind, user_id, jti, exp, at)
    SELECT auth_version, $1, $2, $3, $4, $5
      FROM cluster
     WHERE id = 1)",
                             R"(
    INSERT INTO auth_change (version, kind, user_id, jti, exp, at)
    SELECT auth_version, $1::text, $2::text, $3::text, $4::bigint, $5::bigint
      FROM cluster
     WHERE id = 1)"};

inline constexpr Sql kRevoke{
    "auth.revoke",
    "INSERT INTO revoked (jti, user_id, exp) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};

inline constexpr Sql kRevoked{"auth.revoked", "SELECT jti, exp FROM revoked WHERE exp >= $1"};

inline constexpr Sql kChangesAfter{"auth.changes_after", R"(
    SELECT c.auth_version AS current, a.version, COALESCE(a.kind, '') AS kind,
           COALESCE(a.user_id, '') AS user_id, COALESCE(a.jti, '') AS jti, COALESCE(a.exp, 0) AS exp
      FROM cluster c
      LEFT JOIN auth_change a ON a.version > $1
     WHERE c.id = 1
     ORDER BY a.version
     LIMIT 1000)"};

inline constexpr Sql kPrincipal{"auth.principal", R"(
    SELECT u.name, u.email, u.role, u.last_active_at, a.active, a.session_stamp
      FROM "user" u
      JOIN auth a ON a.id = u.id
     WHERE u.id = $1)"};

/// UNION, not UNION ALL: a cycle of groups ends.
inline constexpr Sql kGroups{"auth.groups_of", R"(
    WITH RECURSIVE up (id) AS (
      SELECT group_id FROM group_member WHERE user_id = $1
       UNION
      SELECT g.parent_group_id
        FROM "group" g
        JOIN up ON up.id = g.id
       WHERE g.parent_group_id IS NOT NULL)
    SELECT g.id, g.permissions
      FROM "group" g
      JOIN up ON up.id = g.id)"};

inline constexpr Sql kKeys{"auth.keys_of",
                           "SELECT id, key, scopes, expires_at FROM api_key WHERE user_id = $1"};

inline constexpr Sql kKeyOwner{"auth.key_owner", "SELECT user_id AS text FROM api_key WHERE key = $1"};

inline constexpr Sql kPresent{
    "auth.present",
    R"(UPDATE "user" SET last_active_at = $1 WHERE id IN (SELECT value FROM json_each($2)))",
    R"(UPDATE "user" SET last_active_at = $1 WHERE id = ANY($2))"};

inline constexpr Sql kKeysUsed{
    "auth.keys_used",
    "UPDATE api_key SET last_used_at = $1 WHERE id IN (SELECT value FROM json_each($2))",
    "UPDATE api_key SET last_used_at = $1 WHERE id = ANY($2)"};

inline constexpr Sql kForgetRevoked{"auth.forget_revoked", "DELETE FROM revoked WHERE exp < $1"};
inline constexpr Sql kForgetChanges{"auth.forget_changes", "DELETE FROM auth_change WHERE at < $1"};

}  // namespace antiphon::auth::sql

#pragma once

#include "store/db.h"

/// The statements of Users.
namespace antiphon::users::sql {

using store::Sql;

#define ANTIPHON_USER                                                                            \
  "SELECT id, email, username, role, name, profile_image_url, profile_banner_image_url, bio, "   \
  "gender, date_of_birth, timezone, presence_state, status_emoji, status_message, "              \
  "status_expires_at, info, settings, oauth, scim, last_active_at, updated_at, created_at FROM " \
  "\"user\" "

// $1 is a pattern, already escaped.
#define ANTIPHON_USER_MATCHES \
  R"( (lower(name) LIKE lower($1) ESCAPE '\' OR lower(email) LIKE lower($1) ESCAPE '\') )"

// $2 is the column, $3 the direction; both from a closed list, and neither reaches the text of the
// statement (U4, row 115).
#define ANTIPHON_USER_TEXT_KEY                                                          \
  "(CASE CAST($2 AS TEXT) WHEN 'name' THEN lower(name) WHEN 'email' THEN lower(email) " \
  "WHEN 'role' THEN role END)"
#define ANTIPHON_USER_TIME_KEY                                                               \
  "(CASE CAST($2 AS TEXT) WHEN 'last_active_at' THEN last_active_at WHEN 'updated_at' THEN " \
  "updated_at WHEN 'created_at' THEN created_at END)"
#define ANTIPHON_USER_ORDER(key)                 \
  "CASE WHEN CAST($3 AS TEXT) = 'asc' THEN " key \
  " END ASC, "                                   \
  "CASE WHEN CAST($3 AS TEXT) = 'desc' THEN " key " END DESC, "

inline constexpr Sql kFind{"users.find", ANTIPHON_USER "WHERE id = $1"};
inline constexpr Sql kPage{"users.page", ANTIPHON_USER
                           "WHERE" ANTIPHON_USER_MATCHES
                           "ORDER BY " ANTIPHON_USER_ORDER(ANTIPHON_USER_TEXT_KEY)
                               ANTIPHON_USER_ORDER(ANTIPHON_USER_TIME_KEY) "id LIMIT $4 OFFSET $5"};
inline constexpr Sql kCount{"users.count",
                            "SELECT COUNT(*) AS number FROM \"user\" WHERE" ANTIPHON_USER_MATCHES};
inline constexpr Sql kNames{
    "users.names", R"(SELECT id, name, role FROM "user" WHERE id IN (SELECT value FROM json_each($1)))",
    R"(SELECT id, name, role FROM "user" WHERE id = ANY($1))"};
inline constexpr Sql kGroups{"users.groups", R"(
    SELECT m.user_id, g.id, g.name
      FROM group_member m
      JOIN "group" g ON g.id = m.group_id
     WHERE m.user_id IN (SELECT value FROM json_each($1))
     ORDER BY g.updated_at DESC, g.id)",
                             R"(
    SELECT m.user_id, g.id, g.name
      FROM group_member m
      JOIN "group" g ON g.id = m.group_id
     WHERE m.user_id = ANY($1)
     ORDER BY g.updated_at DESC, g.id)"};

inline constexpr Sql kSettings{"users.settings",
                               R"(SELECT settings AS value FROM "user" WHERE id = $1)"};
inline constexpr Sql kLockSettings{"users.lock_settings",
                                   R"(SELECT settings AS value FROM "user" WHERE id = $1)",
                                   R"(SELECT settings AS value FROM "user" WHERE id = $1 FOR UPDATE)"};
inline constexpr Sql kSetSettings{"users.set_settings",
                                  R"(UPDATE "user" SET settings = $2 WHERE id = $1)"};
inline constexpr Sql kInfo{"users.info", R"(SELECT info AS value FROM "user" WHERE id = $1)"};
inline constexpr Sql kLockInfo{"users.lock_info", R"(SELECT info AS value FROM "user" WHERE id = $1)",
                               R"(SELECT info AS value FROM "user" WHERE id = $1 FOR UPDATE)"};
inline constexpr Sql kSetInfo{"users.set_info", R"(UPDATE "user" SET info = $2 WHERE id = $1)"};
inline constexpr Sql kVariables{"users.variables",
                                R"(SELECT variables AS value FROM "user" WHERE id = $1)"};
inline constexpr Sql kSetVariables{"users.set_variables",
                                   R"(UPDATE "user" SET variables = $2 WHERE id = $1)"};
inline constexpr Sql kSetStatus{"users.set_status", R"(
    UPDATE "user" SET status_emoji = $2, status_message = $3, status_expires_at = $4 WHERE id = $1)"};

inline constexpr Sql kProfile{"users.profile", R"(
    UPDATE "user"
       SET name = $2, profile_image_url = $3, bio = $4, gender = $5, date_of_birth = $6, updated_at = $7
     WHERE id = $1)"};
inline constexpr Sql kTimezone{"users.timezone", R"(UPDATE "user" SET timezone = $2 WHERE id = $1)"};

/// The blobs of $1 that are somebody's picture: the address ends with the id (users.h).
inline constexpr Sql kPictures{"users.pictures", R"(
    SELECT substr(profile_image_url, -64) AS value
      FROM "user"
     WHERE profile_image_url LIKE '/api/v1/users/%/profile/image?v=%'
       AND substr(profile_image_url, -64) IN (SELECT value FROM json_each($1)))",
                               R"(
    SELECT right(profile_image_url, 64) AS value
      FROM "user"
     WHERE profile_image_url LIKE '/api/v1/users/%/profile/image?v=%'
       AND right(profile_image_url, 64) = ANY($1))"};

}  // namespace antiphon::users::sql

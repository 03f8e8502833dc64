#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "base/task.h"
#include "http/caller.h"
#include "http/granted.h"
#include "json/dto.h"

namespace antiphon::store {
class Connection;
class Db;
}  // namespace antiphon::store

namespace antiphon::auth {

/// Who may do what with an object, as clients send it (auth.md §15).
struct Grant {
  std::string principal_type;  ///< "user", "group", "anyone"
  std::string principal_id;    ///< An id, or "*".
  std::string permission;      ///< "read", "write"
  friend auto operator<=>(const Grant&, const Grant&) = default;
};
ANTIPHON_DTO(Grant, principal_type, principal_id, permission)

/// As clients get it.
struct GrantView {
  std::string id;
  std::string resource_type;
  std::string resource_id;
  std::string principal_type;
  std::string principal_id;
  std::string permission;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(GrantView, id, resource_type, resource_id, principal_type, principal_id, permission,
             created_at)

/// An object that can be shared. `kind` is "model", "folder", "shared_chat"…
struct Resource {
  std::string_view kind;
  std::string_view id;
};

/// What happens to a grant the caller may not give.
enum class Disallowed {
  drop,    ///< On create: left out without a word.
  refuse,  ///< On /access/update: 403.
};

inline constexpr std::size_t kMaxGrants = 1000;  ///< Of one object.

/// Sharing: whom an object's owner lets use it. An empty list is the owner and administrators only. Any
/// thread.
class Grants {
 public:
  Grants(store::Db& db, const Access& access) : db_(db), access_(access) {}

  /// Whether a grant lets the user do it. The owner, and an administrator who bypasses
  /// (Settings::bypass_admin_access_control), are the caller's to know.
  Task<bool> may(const User& who, Resource resource, Right right) const;
  /// Whether everybody may read it without signing in.
  Task<bool> open_to_anyone(Resource resource) const;
  /// Ids of all objects of a kind that a grant lets the user read (or write).
  Task<std::vector<std::string>> accessible(const User& who, std::string_view kind, Right right) const;

  Task<std::vector<GrantView>> list(Resource resource) const;
  /// Of many objects of a kind at once, by object.
  Task<std::vector<GrantView>> list_many(std::string_view kind, std::vector<std::string> ids) const;

  /// `wanted`, without those the caller may not give: sharing.<area> for any, sharing.public_<area> for
  /// all users, sharing.open_<area> for anyone, access_grants.allow_users and allow_groups for named
  /// ones. `area` is "models", "folders", "chats"…; ones in `existing` may stay. Throws 400 for what is
  /// no grant, and 403 where `otherwise` says so.
  Task<std::vector<Grant>> allowed(const User& who, std::string area, std::vector<Grant> wanted,
                                   Disallowed otherwise, std::vector<Grant> existing = {}) const;

  /// Replaces all grants of an object, inside the caller's transaction.
  Task<> set(store::Connection& tx, Resource resource, std::vector<Grant> grants) const;

 private:
  Task<bool> may_give(const User& who, const std::string& area, const Grant& grant) const;

  store::Db& db_;
  const Access& access_;
};

}  // namespace antiphon::auth

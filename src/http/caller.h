#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"

namespace antiphon {

enum class Role { pending, user, admin };
std::string_view name_of(Role role);
/// Unknown text is pending: the least that any role may.
Role role_of(std::string_view name);

struct User;
using UserId = Id<User>;

/// Who is asking, as the credential and the user's row say at this moment.
struct Caller {
  enum class Via { nothing, session, api_key };

  Via via = Via::nothing;
  UserId id;
  std::string name;
  std::string email;
  Role role = Role::pending;
  std::string token_id;         ///< jti of the session, or id of the API key.
  std::int64_t expires_at = 0;  ///< Unix seconds; 0 is never.
  std::string session_stamp;    ///< Of the user when this session was verified; renewal compares it.
  bool by_cookie = false;       ///< The credential came by itself, so an origin check is due.
  std::vector<std::string> scopes;  ///< Of an API key; empty: everything its user may.
  std::string failure;              ///< Why a credential that was sent does not count.
  int failure_status = 401;         ///< 403 when the credential is real but may not do this (row 82).
};

// What a handler names as its first parameter says who may call it. One of these is required:
// a handler without any does not compile.

/// Anyone at all, signed in or not.
struct Anyone {
  const Caller& caller;
};
/// Signed in, even when still pending.
struct SignedIn : Caller {};
/// A verified user: role user or admin.
struct User : Caller {
  bool admin() const { return role == Role::admin; }
};
/// A verified user in a browser session: an API key is not enough (row 83).
struct Human : User {};
/// Signed in by a session, even when still pending.
struct PendingHuman : Caller {};
struct Admin : User {};

}  // namespace antiphon

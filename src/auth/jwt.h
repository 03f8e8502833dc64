#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/keys.h"

namespace antiphon::auth {

/// What a token says, as Open WebUI's tokens say it.
struct Claims {
  std::string id;   ///< The user.
  std::string typ;  ///< "session", or what the token is for.
  std::string auth_method;
  std::int64_t auth_time = 0;
  std::string session_stamp;  ///< Equal to the account's, or the token is dead.
  bool mfa_verified = false;
  std::int64_t exp = 0;  ///< Unix seconds; 0 is never.
  std::string jti;
  std::int64_t iat = 0;
};

inline constexpr std::size_t kMaxTokenBytes = 4096;
inline constexpr std::int64_t kClockLeeway = 60;

/// An HS256 token, signed with the ring's first key derived for `purpose`; its header names the key.
std::string sign(const KeyRing& ring, Purpose purpose, const Claims& claims);

/// The claims, when the token is well formed, of this purpose, signed by a key of the ring, and
/// valid at `now`; nothing otherwise. Only HS256 (row 87). Sessions that Open WebUI itself signed,
/// which name no key, are verified with each secret as it stands. Any thread; quick.
std::optional<Claims> verify(const KeyRing& ring, Purpose purpose, std::string_view token,
                             std::int64_t now);

}  // namespace antiphon::auth

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "auth/accounts.h"
#include "auth/jwt.h"
#include "auth/principals.h"
#include "auth/settings.h"
#include "base/task.h"

namespace antiphon::auth {

/// A session that was just begun.
struct Session {
  std::string token;
  std::int64_t expires_at = 0;  ///< Unix seconds; 0 is never.
};

/// What a token says, once it is known to hold.
struct KnownSession {
  Claims claims;
  std::shared_ptr<const Principal> principal;
};

/// Browser sessions: tokens that hold until they end, are signed out, or their user's rights change.
/// Any thread.
class Sessions {
 public:
  /// Part of `kind` in `typ` of tokens: only these are sessions of a person.
  static constexpr std::string_view kTyp = "session";

  Sessions(const KeyRing& keys, Principals& principals, const Settings& settings)
      : keys_(keys), principals_(principals), settings_(settings) {}

  /// Begins a session. `method` is how the user proved who he is: "password", "trusted_header",
  /// "system".
  Session begin(const Account& account, std::string_view method) const;

  /// What the token stands for now; nothing when it does not hold. No trip to the database for users it
  /// has seen. Throws 503 when that cannot be told.
  Task<std::optional<KnownSession>> verify(std::string_view token);

  /// Ends the session for good: committed before this returns, everywhere within a second (U2).
  Task<> end(const Caller& session);

 private:
  const KeyRing& keys_;
  Principals& principals_;
  const Settings& settings_;
};

}  // namespace antiphon::auth

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/access.h"
#include "auth/sessions.h"
#include "base/task.h"
#include "http/call.h"

namespace antiphon::auth {

/// The session token of a request that Identify has taken for a session's.
std::string session_token_in(const http::Request& request);

/// Says who is asking: the one place that does, for every transport (row 79). Any thread.
class Identify {
 public:
  Identify(Sessions& sessions, Principals& principals, const Access& access, const Settings& settings)
      : sessions_(sessions), principals_(principals), access_(access), settings_(settings) {}

  /// The caller of a request, by the first credential it carries: Authorization: Bearer, cookie
  /// `token`, x-api-key. A credential that does not count is nobody's, and says why in `failure`.
  /// Throws only 503, when the database must be asked and is away.
  Task<Caller> operator()(const http::Request& request);

  /// The caller a session token stands for, for sockets; nothing for API keys and tokens that do not
  /// hold.
  Task<std::optional<Caller>> session(std::string token);
  /// As that session stands now; nothing when it has ended or its user may not enter any more.
  Task<std::optional<Caller>> renew(Caller session);

 private:
  struct Credential {
    std::string_view text;
    bool by_cookie = false;
  };
  std::optional<Credential> credential_in(const http::Request& request, std::string& cookie) const;
  Task<Caller> by_session(const http::Request& request, std::string_view token);
  Task<Caller> by_key(const http::Request& request, std::string_view key);
  Task<std::string> refusal_of_key(const http::Request& request, const Principal& who,
                                   const KnownKey& key) const;
  bool other_user_in_proxy(const http::Request& request, const Principal& who) const;

  Sessions& sessions_;
  Principals& principals_;
  const Access& access_;
  const Settings& settings_;
};

}  // namespace antiphon::auth

#include "features/auths/cookie.h"

#include <algorithm>

#include "base/time.h"

namespace antiphon::auths {
namespace {

constexpr std::int64_t kTenYears = 10LL * 365 * 86'400;

bool secure(const http::Call& call, const auth::Settings& settings) {
  return settings.session_cookie_secure() || call.request.scheme == "https";
}

void set(http::Call& call, const auth::Settings& settings, std::string_view name,
         std::string_view value, std::int64_t lasts) {
  std::string line = std::string(name) + "=" + std::string(value) +
                     "; Max-Age=" + std::to_string(lasts) +
                     "; Path=/; HttpOnly; SameSite=" + settings.session_cookie_same_site();
  if (secure(call, settings)) line += "; Secure";
  call.extra_headers.emplace_back("Set-Cookie", std::move(line));
}

}  // namespace

void set_session_cookie(http::Call& call, const auth::Settings& settings, std::string_view token,
                        std::int64_t expires_at) {
  std::int64_t lasts = expires_at ? std::max<std::int64_t>(0, expires_at - unix_seconds()) : kTenYears;
  if (secure(call, settings)) set(call, settings, "__Host-token", token, lasts);
  set(call, settings, "token", token, lasts);
}

void clear_session_cookies(http::Call& call, const auth::Settings& settings) {
  if (secure(call, settings)) set(call, settings, "__Host-token", "", 0);
  for (const char* name :
       {"token", "owui-session", "oui-session", "oauth_id_token", "oauth_session_id"})
    set(call, settings, name, "", 0);
}

}  // namespace antiphon::auths

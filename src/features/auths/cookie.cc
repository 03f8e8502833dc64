#include "features/auths/cookie.h"

#include <algorithm>

#include "base/time.h"

namespace antiphon::auths {
namespace {

constexpr std::int64_t kTenYears = 10LL * 365 * 86'400;

std::string attributes(const http::Call& call, const auth::Settings& settings) {
  std::string out = "; Path=/; HttpOnly; SameSite=" + settings.session_cookie_same_site();
  if (settings.session_cookie_secure() || call.request.scheme == "https") out += "; Secure";
  return out;
}

}  // namespace

void set_session_cookie(http::Call& call, const auth::Settings& settings, std::string_view token,
                        std::int64_t expires_at) {
  std::int64_t lasts = expires_at ? std::max<std::int64_t>(0, expires_at - unix_seconds()) : kTenYears;
  call.extra_headers.emplace_back("Set-Cookie", "token=" + std::string(token) + "; Max-Age=" +
                                                    std::to_string(lasts) + attributes(call, settings));
}

void clear_session_cookies(http::Call& call, const auth::Settings& settings) {
  for (const char* name :
       {"token", "owui-session", "oui-session", "oauth_id_token", "oauth_session_id"})
    call.extra_headers.emplace_back("Set-Cookie",
                                    std::string(name) + "=; Max-Age=0" + attributes(call, settings));
}

}  // namespace antiphon::auths

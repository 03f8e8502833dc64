#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/settings.h"
#include "http/call.h"

namespace antiphon::auths {

/// Has the browser keep the session (auth.md §4): HttpOnly, for the whole site. Where the request came
/// by HTTPS it is Secure, and there is a second one, `__Host-token`, which no other host of the domain
/// can plant and which counts first; `token` stays for what looks for Open WebUI's.
void set_session_cookie(http::Call& call, const auth::Settings& settings, std::string_view token,
                        std::int64_t expires_at);
/// Has the browser forget it, and what Open WebUI may have left there.
void clear_session_cookies(http::Call& call, const auth::Settings& settings);

}  // namespace antiphon::auths

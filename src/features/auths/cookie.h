#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/settings.h"
#include "http/call.h"

namespace antiphon::auths {

/// Has the browser keep the session (auth.md §4): HttpOnly, for the whole site, Secure where the
/// request came by HTTPS.
void set_session_cookie(http::Call& call, const auth::Settings& settings, std::string_view token,
                        std::int64_t expires_at);
/// Has the browser forget it, and what Open WebUI may have left there.
void clear_session_cookies(http::Call& call, const auth::Settings& settings);

}  // namespace antiphon::auths

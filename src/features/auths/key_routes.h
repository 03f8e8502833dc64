#pragma once

#include "features/auths/auths.h"

namespace antiphon::auths {

/// /api/v1/auths/api_key (Open WebUI's one key a user) and /api/v1/auths/api_keys (ours: several).
void add_key_routes(http::Router& router, Parts parts);

}  // namespace antiphon::auths

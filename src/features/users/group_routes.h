#pragma once

#include "features/users/users.h"

namespace antiphon::users {

/// /api/v1/groups/…
void add_group_routes(http::Router& router, Parts parts);

}  // namespace antiphon::users

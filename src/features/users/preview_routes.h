#pragma once

#include "features/users/users.h"

namespace antiphon::users {

/// …/preview of users and groups: what an administrator's grants come to.
void add_preview_routes(http::Router& router, Parts parts);

}  // namespace antiphon::users

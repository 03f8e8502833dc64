#pragma once

#include "features/auths/auths.h"

namespace antiphon::auths {

/// GET and POST /api/v1/auths/admin/config: the settings of this and other features that Open WebUI has
/// on its general page, by its upper-case names.
json::Value show_admin_config(const Parts& parts);
/// Throws Problem (400, 422) for values that do not fit.
Task<json::Value> change_admin_config(const Parts& parts, json::Value body);

}  // namespace antiphon::auths

#pragma once

#include <functional>

#include "store/db.h"

namespace antiphon::http {
class Router;
}

/// A copy of the database for administrators, and other small services.
namespace antiphon::utils {

struct RouteParts {
  store::Db& db;
  std::function<bool()> may_export;  ///< ENABLE_ADMIN_EXPORT
};
void add_routes(http::Router& router, const RouteParts& parts);

}  // namespace antiphon::utils

#pragma once

#include <functional>

#include "config/store.h"
#include "features/evaluations/feedbacks.h"
#include "features/evaluations/settings.h"

namespace antiphon::http {
class Router;
}

namespace antiphon::evaluations {

struct RouteParts {
  Feedbacks& feedbacks;
  const Settings& settings;
  config::Store& config;
  /// Whether the user may do what this permission names.
  std::function<Task<bool>(const User&, std::string_view permission)> permitted;
  /// Whether administrators may export (ENABLE_ADMIN_EXPORT).
  std::function<bool()> may_export;
};

void add_routes(http::Router& r, const RouteParts& parts);

}  // namespace antiphon::evaluations

#pragma once

#include <functional>
#include <string_view>

#include "auth/principals.h"
#include "features/knowledge/knowledge.h"
#include "features/knowledge/settings.h"

namespace antiphon::http {
class Router;
}

namespace antiphon::knowledge {

struct RouteParts {
  Bases& bases;
  const Guard& guard;
  files::Files& files;
  auth::Principals& principals;
  const Settings& settings;
  std::function<Task<bool>(const User&, std::string_view permission)> permitted;
};
void add_routes(http::Router& r, const RouteParts& parts);

}  // namespace antiphon::knowledge

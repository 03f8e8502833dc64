#pragma once

#include <functional>
#include <string_view>

#include "features/files/files.h"

namespace antiphon::http {
class Router;
}

namespace antiphon::files {

class Processing;

struct RouteParts {
  Files& files;
  const Guard& guard;
  /// Whether the user may do what a permission ("chat.file_upload") says.
  std::function<Task<bool>(const User&, std::string_view permission)> permitted;
  /// Reads texts; without it no file gets one by itself.
  Processing* processing = nullptr;
  /// Where an upload is to lie, by what is said beside it; nothing for nowhere. Throws unless the user
  /// may put it there.
  std::function<Task<Place>(const User&, json::Value metadata)> place;
};
/// /api/v1/files
void add_routes(http::Router& r, const RouteParts& parts);

}  // namespace antiphon::files

#pragma once

#include <string_view>

#include "config/registry.h"

namespace antiphon::configs {

/// A member of an answer: what the setting (by key or variable) says; or, where nothing of that name
/// is declared or no route that the feature needs, the fixed value.
struct Member {
  std::string_view name;
  std::string_view setting;
  std::string_view otherwise;   ///< JSON.
  std::string_view needs = {};  ///< A path: without a route below it the feature is not there either.
};

/// A text that is not set is null where `otherwise` is.
json::Value value_of(const config::Registry& registry, const Member& member);

}  // namespace antiphon::configs

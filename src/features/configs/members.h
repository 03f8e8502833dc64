#pragma once

#include <string_view>

#include "config/registry.h"

namespace antiphon::configs {

/// A member of an answer: what the setting (by key or variable) says; or, where nothing of that name
/// is declared because the feature is not there, the fixed value.
struct Member {
  std::string_view name;
  std::string_view setting;
  std::string_view otherwise;  ///< JSON.
};

/// A text that is not set is null where `otherwise` is.
json::Value value_of(const config::Registry& registry, const Member& member);

}  // namespace antiphon::configs

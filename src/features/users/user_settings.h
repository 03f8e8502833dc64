#pragma once

#include <functional>
#include <string_view>

#include "json/types.h"

/// What users set for themselves: a JSON object whose `ui` the client owns. Pure functions.
namespace antiphon::users {

inline constexpr std::size_t kMaxSettings = 256 * 1024;  ///< Bytes of JSON (U15).

/// `stored` with `change` applied, as Open WebUI does it: members replace, those of `ui` one by one,
/// and null takes a member of `ui` away. Members that are no settings are dropped (U15), as are those
/// of `ui` that the user may not set. Throws Problem (400, 413).
json::Value merge_settings(const json::Value& stored, const json::Value& change,
                           const std::function<bool(std::string_view)>& permits);

}  // namespace antiphon::users

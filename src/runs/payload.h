#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "json/text.h"

/// What one row of the log holds: the JSON list of one interval's events. Pure functions.
namespace antiphon::runs {

/// Text deltas, which are most of a log, are stored without their envelope: `["t", item_id,
/// output_index, content_index, delta]`, or "r" for reasoning. Anything else is stored as it is.
/// `cursor`, where the provider's answer is taken up behind these events, is `["c", cursor]` behind
/// them.
std::string payload_of(std::span<const json::Value> events,
                       const std::optional<std::string>& cursor = {});

/// The events again; an empty list for what is no list. `cursor` becomes the row's, if it has one.
json::Array events_of(std::string_view payload, std::string* cursor = nullptr);

}  // namespace antiphon::runs

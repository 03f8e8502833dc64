#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/text.h"

namespace antiphon::models {

/// Tells the calls of a streamed answer apart, however their provider names the pieces: by `index`;
/// where there is none, or the same for all, by `id`; without either, a name begins the next call.
/// Pure.
class CallPlaces {
 public:
  /// Which call a piece (an entry of `tool_calls`) belongs to, counted from 0; nothing when there are
  /// more than anyone needs.
  std::optional<std::size_t> of(const json::Value& piece);

 private:
  struct Known {
    std::optional<std::int64_t> number;
    std::string id;  ///< As the provider names it; some never do.
  };
  std::vector<Known> known_;
};

/// The name of the function in a piece; empty when it has none.
std::string_view name_in(const json::Value& piece);

/// The thought in a message or a delta, under whichever name its provider gives it.
std::string_view thought_in(const json::Value& message);

/// The arguments of a piece as text: some providers send an object instead.
std::string arguments_in(const json::Value& piece);

}  // namespace antiphon::models

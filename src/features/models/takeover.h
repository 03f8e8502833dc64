#pragma once

#include <optional>
#include <string_view>

namespace antiphon::models {

/// What becomes of a half-written answer whose writer is gone. The wire says "keep", "continue" and
/// "restart".
enum class Takeover {
  keep,     ///< It ends there, and its reader may press Continue.
  resume,   ///< "continue": the model is asked to go on behind the text so far.
  restart,  ///< The text so far is dropped and the question asked anew.
};

constexpr std::optional<Takeover> takeover_of(std::string_view word) {
  if (word == "keep") return Takeover::keep;
  if (word == "continue") return Takeover::resume;
  if (word == "restart") return Takeover::restart;
  return std::nullopt;
}

}  // namespace antiphon::models

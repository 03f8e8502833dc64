#include "features/models/calls.h"

#include <boost/json.hpp>

namespace antiphon::models {

namespace {

constexpr std::size_t kMostCalls = 128;

}  // namespace

std::string_view name_in(const json::Value& piece) {
  const json::Value* function = json::find(piece, "function");
  return function ? json::text_at(*function, "name") : std::string_view();
}

std::string_view thought_in(const json::Value& message) {
  for (std::string_view key : {"reasoning_content", "reasoning", "thinking"})
    if (std::string_view text = json::text_at(message, key); !text.empty()) return text;
  return {};
}

std::optional<std::size_t> CallPlaces::of(const json::Value& piece) {
  std::string_view id = json::text_at(piece, "id");
  bool named = !name_in(piece).empty();
  std::optional<std::int64_t> number;
  if (const json::Value* given = json::find(piece, "index"); given && given->is_number())
    number = json::int_at(piece, "index");
  for (std::size_t i = known_.size(); i-- != 0;) {
    Known& known = known_[i];
    bool same_id = id == known.id && !id.empty();
    bool other_id = id != known.id && !id.empty() && !known.id.empty();
    bool fits = number ? known.number == number && !(other_id && named) : id.empty() ? !named : same_id;
    if (!fits) continue;
    if (known.id.empty()) known.id = id;
    return i;
  }
  if (known_.size() == kMostCalls) return std::nullopt;
  known_.push_back({number, std::string(id)});
  return known_.size() - 1;
}

std::string arguments_in(const json::Value& piece) {
  const json::Value* given = json::find(piece, {"function", "arguments"});
  if (!given || given->is_null()) return {};
  return given->is_string() ? std::string(json::view(given->as_string())) : json::serialize(*given);
}

}  // namespace antiphon::models

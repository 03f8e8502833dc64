#include "runs/payload.h"

#include <array>
#include <boost/json.hpp>
#include <optional>
#include <utility>

namespace antiphon::runs {
namespace {

/// The kinds of deltas that are stored short. Never reuse a letter: logs outlive the program.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kShort{
    {{"t", "response.output_text.delta"}, {"r", "response.reasoning_text.delta"}}};

/// Nothing when the event has a member more or less than a short one can say.
std::optional<json::Array> shortened(const json::Value& event) {
  if (!event.is_object() || event.as_object().size() != 2) return {};
  if (json::text_at(event, "type") != "response:completion") return {};
  const json::Object* data = json::object_at(event, "data");
  if (!data || data->size() != 5) return {};
  const json::Value* type = data->if_contains("type");
  const json::Value* item = data->if_contains("item_id");
  const json::Value* output = data->if_contains("output_index");
  const json::Value* content = data->if_contains("content_index");
  const json::Value* delta = data->if_contains("delta");
  if (!type || !item || !output || !content || !delta) return {};
  for (auto [letter, kind] : kShort)
    if (type->is_string() && type->get_string() == kind)
      return json::Array{letter, *item, *output, *content, *delta};
  return {};
}

/// Nothing for a letter that a later version writes.
std::optional<json::Value> restored(json::Array&& entry) {
  if (entry.size() != 5) return {};
  for (auto [letter, kind] : kShort)
    if (entry[0].is_string() && entry[0].get_string() == letter)
      return json::Object{{"type", "response:completion"},
                          {"data", json::Object{{"item_id", std::move(entry[1])},
                                                {"output_index", std::move(entry[2])},
                                                {"content_index", std::move(entry[3])},
                                                {"delta", std::move(entry[4])},
                                                {"type", kind}}}};
  return {};
}

bool is_cursor(const json::Value& entry) {
  const json::Array* parts = entry.if_array();
  return parts && parts->size() == 2 && (*parts)[0].is_string() && (*parts)[0].get_string() == "c" &&
         (*parts)[1].is_string();
}

}  // namespace

std::string payload_of(std::span<const json::Value> events, const std::optional<std::string>& cursor) {
  std::string out = "[";
  for (const json::Value& event : events) {
    if (out.size() > 1) out += ',';
    auto entry = shortened(event);
    out += entry ? json::serialize(*entry) : json::serialize(event);
  }
  if (cursor) {
    if (out.size() > 1) out += ',';
    out += json::serialize(json::Array{"c", *cursor});
  }
  return out += ']';
}

json::Array events_of(std::string_view payload, std::string* cursor) {
  auto parsed = json::try_parse(payload);
  if (!parsed || !parsed->is_array()) return {};
  json::Array out = std::move(parsed->as_array());
  if (!out.empty() && is_cursor(out.back())) {  // No event, so it has no place among them.
    if (cursor) *cursor = json::view(out.back().as_array()[1].as_string());
    out.pop_back();
  }
  for (json::Value& entry : out) {
    if (!entry.is_array()) continue;
    auto event = restored(std::move(entry.as_array()));
    entry = event ? std::move(*event) : json::Value();  // It keeps its place, and says nothing.
  }
  return out;
}

}  // namespace antiphon::runs

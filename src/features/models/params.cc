#include "features/models/params.h"

#include <algorithm>
#include <boost/json.hpp>

namespace antiphon::models {
namespace {

constexpr std::string_view kOurs[] = {
    "system",         "stream_response",         "stream_delta_chunk_size", "function_calling",
    "reasoning_tags", "compact_token_threshold", "tool_approval_mode",      "custom_params",
    "model_controls"};

/// Names in a prompt are filled in as they are: it is text, not a header.
std::string fill_in(std::string_view text, const Asker& asker) {
  const std::pair<std::string_view, std::string_view> names[] = {
      {"{{USER_NAME}}", asker.name}, {"{{USER_ID}}", asker.id.value}, {"{{USER_EMAIL}}", asker.email}};
  std::string out;
  while (!text.empty()) {
    std::size_t at = text.find("{{");
    out.append(text.substr(0, at));
    if (at == std::string_view::npos) break;
    text.remove_prefix(at);
    auto found = std::find_if(std::begin(names), std::end(names),
                              [&](auto& n) { return text.starts_with(n.first); });
    std::size_t size = found == std::end(names) ? 2 : found->first.size();
    out.append(found == std::end(names) ? text.substr(0, 2) : found->second);
    text.remove_prefix(size);
  }
  return out;
}

void put_system(json::Array& messages, const std::string& system) {
  if (!messages.empty() && json::text_at(messages.front(), "role") == "system") {
    json::Value& content = messages.front().as_object()["content"];
    if (content.is_string()) content = system + "\n\n" + std::string(json::view(content.as_string()));
    return;
  }
  messages.insert(messages.begin(), json::Object{{"role", "system"}, {"content", system}});
}

}  // namespace

bool for_providers(std::string_view parameter) {
  return std::find(std::begin(kOurs), std::end(kOurs), parameter) == std::end(kOurs);
}

void apply_preset(json::Object& body, const Target& target, const Asker& asker) {
  json::Value params = target.params;
  std::string_view system = json::text_at(params, "system");
  auto messages = body.find("messages");
  if (!system.empty() && messages != body.end() && messages->value().is_array())
    put_system(messages->value().as_array(), fill_in(system, asker));
  auto put = [&](std::string_view key, const json::Value& value) {
    if (!value.is_null() && !body.contains(key)) body[key] = value;
  };
  for (const auto& [key, value] : target.params)
    if (for_providers(json::view(key))) put(json::view(key), value);
  if (const json::Object* custom = json::object_at(params, "custom_params"))
    for (const auto& [key, value] : *custom) {
      auto parsed = value.is_string() ? json::try_parse(json::view(value.as_string())) : std::nullopt;
      put(json::view(key), parsed ? *parsed : value);
    }
}

}  // namespace antiphon::models

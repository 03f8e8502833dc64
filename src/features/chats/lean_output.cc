#include "features/chats/lean_output.h"

#include <boost/json.hpp>

#include "json/text.h"

namespace antiphon::chats {
namespace {

/// In place of a string. Rows outlive the program: this may not change.
const json::Value& same_as_content() {
  static const json::Value reference(json::Object{{"same_as", "content"}});
  return reference;
}

template <class Visit>
void each_text(json::Value& output, const Visit& visit) {
  if (!output.is_array()) return;
  for (json::Value& item : output.as_array()) {
    if (json::text_at(item, "type") != "message") continue;
    json::Value* parts = item.as_object().if_contains("content");
    if (!parts || !parts->is_array()) continue;
    for (json::Value& part : parts->as_array())
      if (json::text_at(part, "type") == "output_text")
        if (json::Value* text = part.as_object().if_contains("text")) visit(*text);
  }
}

}  // namespace

std::optional<json::Value> lean_output(const Message& message) {
  std::optional<json::Value> output = message.output;
  if (output && message.content.is_string())
    each_text(*output, [&](json::Value& text) {
      if (text == message.content) text = same_as_content();
    });
  return output;
}

void fill_output(Message& message) {
  if (message.output)
    each_text(*message.output, [&](json::Value& text) {
      if (text == same_as_content()) text = message.content;
    });
}

}  // namespace antiphon::chats

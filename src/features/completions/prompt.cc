#include "features/completions/prompt.h"

#include <boost/json.hpp>

#include "features/completions/pictures.h"
#include "runs/output.h"

namespace antiphon::completions {
namespace {

/// What is no parameter: it means something to the server or the client only, or it would replace what
/// was asked, an administrator's instructions included.
constexpr std::string_view kNotForProviders[] = {"messages",
                                                 "model",
                                                 "stream",
                                                 "system",
                                                 "stream_response",
                                                 "stream_delta_chunk_size",
                                                 "function_calling",
                                                 "reasoning_tags",
                                                 "compact_token_threshold",
                                                 "tool_approval_mode",
                                                 "custom_params",
                                                 "model_controls"};

bool for_providers(std::string_view key) {
  for (std::string_view name : kNotForProviders)
    if (key == name) return false;
  return true;
}

/// A document is named, so that a model can say that it has not read it.
std::string note_of(const json::Value& file) {
  std::string_view name = json::text_at(file, "name");
  return "[Attached file: " + std::string(name.empty() ? "without a name" : name) +
         ". Its contents are not shown to you.]";
}

json::Value user_content(const chats::Message& m) {
  json::Array images;
  std::string notes;
  if (m.files && m.files->is_array())
    for (const json::Value& file : m.files->as_array()) {
      std::string_view type = json::text_at(file, "type");
      std::string_view url = json::text_at(file, "url");
      if (url.empty()) url = json::text_at(file, "id");
      // A pasted picture, or the address of a file, in place of which put_pictures() puts one.
      if (type == "image" && (url.starts_with("data:image/") || file_named(url)))
        images.emplace_back(
            json::Object{{"type", "image_url"}, {"image_url", json::Object{{"url", url}}}});
      else if (type == "file")
        notes += (notes.empty() ? "" : "\n") + note_of(file);
    }
  if (images.empty() && notes.empty()) return m.content;
  std::string text = chats::plain_text(m.content);
  if (!text.empty() && !notes.empty()) text += "\n\n";
  text += notes;
  if (images.empty()) return json::Value(text);
  json::Array parts;
  if (!text.empty()) parts.emplace_back(json::Object{{"type", "text"}, {"text", text}});
  for (json::Value& image : images) parts.push_back(std::move(image));
  return parts;
}

std::string output_text(const json::Value& item) {
  std::string out;
  if (const json::Array* parts = json::array_at(item, "output"))
    for (const json::Value& part : *parts) out += json::text_at(part, "text");
  return out;
}

void flush_calls(json::Array& out, json::Array& calls, std::string& text) {
  if (calls.empty()) return;
  out.emplace_back(
      json::Object{{"role", "assistant"}, {"content", text}, {"tool_calls", std::move(calls)}});
  calls = json::Array();
  text.clear();
}

}  // namespace

void append_output(json::Array& out, const json::Array& items) {
  json::Array calls;
  std::string text;
  for (const json::Value& item : items) {
    std::string_view type = json::text_at(item, "type");
    if (type == "message") {
      flush_calls(out, calls, text);
      if (!text.empty()) text += '\n';
      text += runs::item_text(item);
    } else if (type == "function_call") {
      calls.emplace_back(
          json::Object{{"id", json::text_at(item, "call_id")},
                       {"type", "function"},
                       {"function", json::Object{{"name", json::text_at(item, "name")},
                                                 {"arguments", json::text_at(item, "arguments")}}}});
    } else if (type == "function_call_output") {
      flush_calls(out, calls, text);
      out.emplace_back(json::Object{{"role", "tool"},
                                    {"tool_call_id", json::text_at(item, "call_id")},
                                    {"content", output_text(item)}});
    }
  }
  // A call that never got its result is not repeated: providers refuse such a history.
  if (!text.empty()) out.emplace_back(json::Object{{"role", "assistant"}, {"content", text}});
}

json::Array provider_messages(const std::vector<chats::Message>& branch) {
  json::Array out;
  for (const chats::Message& m : branch) {
    if (m.role == "assistant" && m.output && m.output->is_array() && !m.output->as_array().empty())
      append_output(out, m.output->as_array());
    else if (m.role == "assistant" && chats::plain_text(m.content).empty())
      continue;
    else
      out.emplace_back(json::Object{{"role", m.role}, {"content", user_content(m)}});
  }
  return out;
}

std::string fill_in(std::string_view text, const json::Value& variables) {
  std::string out;
  while (true) {
    std::size_t open = text.find("{{");
    std::size_t close = open == text.npos ? open : text.find("}}", open);
    if (close == text.npos) return out.append(text);
    out.append(text.substr(0, open));
    std::string_view whole = text.substr(open, close + 2 - open);
    const json::Value* value = json::find(variables, whole);
    if (!value) value = json::find(variables, whole.substr(2, whole.size() - 4));
    if (value && value->is_string())
      out.append(json::view(value->as_string()));
    else
      out.append(whole);
    text.remove_prefix(close + 2);
  }
}

std::string join_prompts(const std::vector<std::string>& prompts) {
  std::string out;
  for (const std::string& prompt : prompts) {
    if (prompt.find_first_not_of(" \t\r\n") == prompt.npos) continue;
    if (!out.empty()) out += "\n\n";
    out += prompt;
  }
  return out;
}

void put_system(json::Array& messages, std::string_view system) {
  if (system.empty()) return;
  if (!messages.empty() && json::text_at(messages.front(), "role") == "system") {
    std::string old = chats::plain_text(messages.front().as_object()["content"]);
    messages.front().as_object()["content"] = join_prompts({std::string(system), old});
    return;
  }
  messages.insert(messages.begin(), json::Object{{"role", "system"}, {"content", system}});
}

void put_preset_system(json::Object& body, const json::Value& params) {
  if (std::string_view system = json::text_at(params, "system"); !system.empty())
    put_system(body["messages"].as_array(), system);
}

void apply_params(json::Object& body, const json::Value& params) {
  if (!params.is_object()) return;
  for (const auto& [key, value] : params.as_object())
    if (!value.is_null() && for_providers(json::view(key))) body[key] = value;
  if (const json::Object* custom = json::object_at(params, "custom_params"))
    for (const auto& [key, value] : *custom) {
      if (!for_providers(json::view(key))) continue;
      auto parsed = value.is_string() ? json::try_parse(json::view(value.as_string())) : std::nullopt;
      if (parsed)
        body[key] = std::move(*parsed);
      else
        body[key] = value;
    }
}

}  // namespace antiphon::completions

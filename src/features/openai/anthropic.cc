#include "features/openai/anthropic.h"

#include <boost/json.hpp>

#include "base/ids.h"
#include "base/problem.h"

namespace antiphon::openai {
namespace {

using json::Array;
using json::Object;
using json::Value;

std::string joined_text(const Value* content) {
  if (!content) return {};
  if (content->is_string()) return std::string(json::view(content->as_string()));
  std::string out;
  if (content->is_array())
    for (const Value& block : content->as_array())
      if (json::text_at(block, "type") == "text") {
        if (!out.empty()) out += "\n";
        out += json::text_at(block, "text");
      }
  return out;
}

std::optional<Object> picture(const Value& block) {
  const Value* source = json::find(block, "source");
  if (!source) return std::nullopt;
  std::string url(json::text_at(*source, "url"));
  if (json::text_at(*source, "type") == "base64")
    url = "data:" + std::string(json::text_at(*source, "media_type")) + ";base64," +
          std::string(json::text_at(*source, "data"));
  if (url.empty()) return std::nullopt;
  return Object{{"type", "image_url"}, {"image_url", Object{{"url", url}}}};
}

/// A user's turn: results of tools become messages of their own, before what he says.
void add_user(Array& out, const Array& blocks) {
  Array parts;
  for (const Value& block : blocks) {
    std::string_view type = json::text_at(block, "type");
    if (type == "tool_result") {
      out.emplace_back(Object{{"role", "tool"},
                              {"tool_call_id", json::text_at(block, "tool_use_id")},
                              {"content", joined_text(json::find(block, "content"))}});
      // OpenAI's tools answer in text only; what they show is shown by the user.
      if (const Array* shown = json::array_at(block, "content"))
        for (const Value& part : *shown)
          if (json::text_at(part, "type") == "image")
            if (auto image = picture(part)) parts.emplace_back(std::move(*image));
    } else if (type == "text")
      parts.emplace_back(Object{{"type", "text"}, {"text", json::text_at(block, "text")}});
    else if (type == "image")
      if (auto image = picture(block)) parts.emplace_back(std::move(*image));
  }
  if (!parts.empty()) out.emplace_back(Object{{"role", "user"}, {"content", std::move(parts)}});
}

void add_assistant(Array& out, const Value& content) {
  Object message{{"role", "assistant"}, {"content", joined_text(&content)}};
  Array calls;
  for (const Value& block : content.as_array()) {
    if (json::text_at(block, "type") != "tool_use") continue;
    const Value* input = json::find(block, "input");
    calls.emplace_back(
        Object{{"id", json::text_at(block, "id")},
               {"type", "function"},
               {"function", Object{{"name", json::text_at(block, "name")},
                                   {"arguments", input ? json::serialize(*input) : "{}"}}}});
  }
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  out.emplace_back(std::move(message));
}

Array messages_of(const Value& body) {
  Array out;
  if (std::string system = joined_text(json::find(body, "system")); !system.empty())
    out.emplace_back(Object{{"role", "system"}, {"content", system}});
  const Array* messages = json::array_at(body, "messages");
  if (!messages) throw Problem(Problem::Kind::invalid, "messages: Field required");
  for (const Value& m : *messages) {
    std::string_view role = json::text_at(m, "role");
    if (role != "user" && role != "assistant" && role != "system")
      throw Problem(Problem::Kind::invalid, "messages: role should be \"user\" or \"assistant\"");
    const Value* content = json::find(m, "content");
    if (!content || !content->is_array())
      out.emplace_back(Object{{"role", role}, {"content", joined_text(content)}});
    else if (role == "assistant")
      add_assistant(out, *content);
    else
      add_user(out, content->as_array());
  }
  return out;
}

Value choice_of(const Value& choice) {
  std::string_view type = json::text_at(choice, "type");
  if (type == "any") return "required";
  if (type == "none") return "none";
  if (type == "tool")
    return Object{{"type", "function"}, {"function", Object{{"name", json::text_at(choice, "name")}}}};
  return "auto";
}

Array tools_of(const Array& tools) {
  Array out;
  for (const Value& tool : tools) {
    const Value* schema = json::find(tool, "input_schema");
    if (!schema) continue;  // A tool of Anthropic's own servers.
    out.emplace_back(Object{{"type", "function"},
                            {"function", Object{{"name", json::text_at(tool, "name")},
                                                {"description", json::text_at(tool, "description")},
                                                {"parameters", *schema}}}});
  }
  return out;
}

std::string stop_reason(std::string_view finish) {
  if (finish == "length") return "max_tokens";
  if (finish == "tool_calls" || finish == "function_call") return "tool_use";
  if (finish == "content_filter") return "refusal";
  return "end_turn";
}

std::string event(std::string_view name, Object data) {
  data["type"] = name;
  return "event: " + std::string(name) + "\ndata: " + json::serialize(data) + "\n\n";
}

}  // namespace

Object from_anthropic(const Value& body) {
  Object out{{"messages", messages_of(body)}};
  for (const char* same : {"model", "max_tokens", "temperature", "top_p", "top_k", "stream"})
    if (const Value* value = json::find(body, same); value && !value->is_null()) out[same] = *value;
  if (const Array* stop = json::array_at(body, "stop_sequences"); stop && !stop->empty())
    out["stop"] = *stop;
  if (const Array* tools = json::array_at(body, "tools"))
    if (Array mapped = tools_of(*tools); !mapped.empty()) out["tools"] = std::move(mapped);
  if (const Value* choice = json::find(body, "tool_choice"); choice && out.contains("tools"))
    out["tool_choice"] = choice_of(*choice);
  return out;
}

Value to_anthropic_error(int status, std::string_view message) {
  std::string_view type = status == 401   ? "authentication_error"
                          : status == 403 ? "permission_error"
                          : status == 404 ? "not_found_error"
                          : status == 413 ? "request_too_large"
                          : status == 429 ? "rate_limit_error"
                          : status < 500  ? "invalid_request_error"
                                          : "api_error";
  return Object{
      {"type", "error"}, {"error", Object{{"type", type}, {"message", message}}}, {"detail", message}};
}

Value to_anthropic(const Value& completion, std::string_view model, std::string id) {
  Array content;
  std::string reason = "end_turn";
  if (const Array* choices = json::array_at(completion, "choices"); choices && !choices->empty()) {
    const Value& choice = choices->front();
    reason = stop_reason(json::text_at(choice, "finish_reason"));
    static const Value kNothing = Object();
    const Value* message = json::find(choice, "message");
    const Value& said = message ? *message : kNothing;
    if (auto thinking = models::thought_in(said); !thinking.empty())
      content.emplace_back(Object{{"type", "thinking"}, {"thinking", thinking}, {"signature", ""}});
    if (auto text = json::text_at(said, "content"); !text.empty())
      content.emplace_back(Object{{"type", "text"}, {"text", text}});
    if (const Array* calls = json::array_at(said, "tool_calls"))
      for (const Value& call : *calls) {
        const Value* function = json::find(call, "function");
        if (!function) continue;
        auto input = json::try_parse(models::arguments_in(call));
        std::string call_id(json::text_at(call, "id"));
        if (call_id.empty()) call_id = "toolu_" + random_hex(12);
        if (reason == "end_turn") reason = "tool_use";
        content.emplace_back(Object{{"type", "tool_use"},
                                    {"id", call_id},
                                    {"name", json::text_at(*function, "name")},
                                    {"input", input && input->is_object() ? *input : Value(Object())}});
      }
  }
  const Value* usage = json::find(completion, "usage");
  Object counts{{"input_tokens", usage ? json::int_at(*usage, "prompt_tokens") : 0},
                {"output_tokens", usage ? json::int_at(*usage, "completion_tokens") : 0}};
  return Object{{"id", std::move(id)},      {"type", "message"},         {"role", "assistant"},
                {"model", model},           {"content", content},        {"stop_reason", reason},
                {"stop_sequence", nullptr}, {"usage", std::move(counts)}};
}

std::string AnthropicEvents::begin() {
  Object message{{"id", id_},
                 {"type", "message"},
                 {"role", "assistant"},
                 {"model", model_},
                 {"content", Array()},
                 {"stop_reason", nullptr},
                 {"stop_sequence", nullptr},
                 {"usage", Object{{"input_tokens", 0}, {"output_tokens", 0}}}};
  return event("message_start", {{"message", std::move(message)}});
}

void AnthropicEvents::open(std::string& out, Block kind, Object block) {
  if (block_ == kind && kind != Block::tool) return;
  close(out);
  block_ = kind;
  out += event("content_block_start", {{"index", ++index_}, {"content_block", std::move(block)}});
}

void AnthropicEvents::close(std::string& out) {
  if (block_ != Block::none) out += event("content_block_stop", {{"index", index_}});
  block_ = Block::none;
}

void AnthropicEvents::delta(std::string& out, Object what) const {
  out += event("content_block_delta", {{"index", index_}, {"delta", std::move(what)}});
}

void AnthropicEvents::send_call(std::string& out, Call& call) {
  if (!call.sent) {
    if (call.id.empty()) call.id = "toolu_" + random_hex(12);
    open(out, Block::tool,
         {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", Object()}});
  }
  call.sent = true;
  if (!call.arguments.empty())
    delta(out, {{"type", "input_json_delta"}, {"partial_json", std::exchange(call.arguments, {})}});
}

void AnthropicEvents::take_call(std::string& out, const Value& piece) {
  auto place = piece.is_object() ? places_.of(piece) : std::nullopt;
  if (!place) return;
  if (*place == calls_.size()) calls_.emplace_back();
  Call& call = calls_[*place];
  if (call.id.empty()) call.id = json::text_at(piece, "id");
  if (call.name.empty()) call.name = models::name_in(piece);
  call.arguments += models::arguments_in(piece);
  bool goes_on = block_ == Block::tool && *place == open_call_;
  bool begins = block_ != Block::tool && !call.sent && !call.name.empty();
  if (!goes_on && !begins) return;
  open_call_ = *place;
  send_call(out, call);
}

std::string AnthropicEvents::take(const Value& chunk) {
  std::string out;
  if (const Value* usage = json::find(chunk, "usage"); usage && usage->is_object()) {
    input_ = json::int_at(*usage, "prompt_tokens");
    output_ = json::int_at(*usage, "completion_tokens");
  }
  const Array* choices = json::array_at(chunk, "choices");
  if (!choices || choices->empty()) return out;
  const Value& choice = choices->front();
  if (auto finish = json::text_at(choice, "finish_reason"); !finish.empty())
    stop_ = stop_reason(finish);
  const Value* said = json::find(choice, "delta");
  if (!said) return out;
  if (auto thinking = models::thought_in(*said); !thinking.empty()) {
    open(out, Block::thinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
    delta(out, {{"type", "thinking_delta"}, {"thinking", thinking}});
  }
  if (auto text = json::text_at(*said, "content"); !text.empty()) {
    open(out, Block::text, {{"type", "text"}, {"text", ""}});
    delta(out, {{"type", "text_delta"}, {"text", text}});
  }
  if (const Array* calls = json::array_at(*said, "tool_calls"))
    for (const Value& call : *calls) take_call(out, call);
  return out;
}

std::string AnthropicEvents::end() {
  std::string out;
  for (Call& call : calls_)
    if (!call.sent) send_call(out, call);
  close(out);
  if (!calls_.empty() && stop_ == "end_turn") stop_ = "tool_use";
  out +=
      event("message_delta", {{"delta", Object{{"stop_reason", stop_}, {"stop_sequence", nullptr}}},
                              {"usage", Object{{"input_tokens", input_}, {"output_tokens", output_}}}});
  return out + event("message_stop", {});
}

std::int64_t estimated_tokens(const Value& body) {
  std::size_t bytes = 0;
  for (const char* key : {"system", "messages", "tools"})
    if (const Value* part = json::find(body, key)) bytes += json::serialize(*part).size();
  return static_cast<std::int64_t>(bytes / 4 + 1);
}

}  // namespace antiphon::openai

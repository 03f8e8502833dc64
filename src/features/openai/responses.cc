#include "features/openai/responses.h"

#include <boost/json.hpp>

#include "base/encode.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/openai/protocol.h"

namespace antiphon::openai {
namespace {

constexpr std::size_t kLongestId = 256;
constexpr std::int64_t kLargestNumber = std::int64_t(1) << 53;

Problem unreadable() {
  return {Problem::Kind::upstream, "The model's server sent an answer that cannot be read."};
}

// ---------------------------------------------------------------------------------------------
// The request.

/// A part of a message's content; null for what Responses has no word for.
json::Value part_of(const json::Value& part, bool assistant) {
  std::string_view type = json::text_at(part, "type");
  if (type == "text" || type == "input_text" || type == "output_text")
    return json::Object{{"type", assistant ? "output_text" : "input_text"},
                        {"text", json::text_at(part, "text")}};
  if (type == "refusal" && assistant)
    return json::Object{{"type", "refusal"}, {"refusal", json::text_at(part, "refusal")}};
  if (type == "image_url") {
    const json::Value* image = json::find(part, "image_url");
    json::Object out{{"type", "input_image"}};
    if (!image) return {};
    out["image_url"] =
        image->is_string() ? json::view(image->as_string()) : json::text_at(*image, "url");
    std::string_view detail = json::text_at(*image, "detail");
    out["detail"] = detail.empty() ? "auto" : detail;
    return out;
  }
  if (type == "file") {
    const json::Object* file = json::object_at(part, "file");
    json::Object out = file ? *file : json::Object();
    out["type"] = "input_file";
    return out;
  }
  return type.starts_with("input_") ? part : json::Value();
}

json::Array parts_of(const json::Value* content, bool assistant) {
  json::Array out;
  if (content && content->is_string())
    out.push_back(part_of(json::Object{{"type", "text"}, {"text", content->as_string()}}, assistant));
  if (content && content->is_array())
    for (const json::Value& part : content->as_array())
      if (json::Value made = part_of(part, assistant); !made.is_null()) out.push_back(std::move(made));
  return out;
}

std::string text_of(const json::Value* content) {
  std::string out;
  for (const json::Value& part : parts_of(content, false)) {
    std::string_view text = json::text_at(part, "text");
    if (!text.empty() && !out.empty()) out += '\n';
    out += text;
  }
  return out;
}

void add_message(json::Array& input, std::string_view role, const json::Value& message) {
  bool assistant = role == "assistant";
  json::Array parts = parts_of(json::find(message, "content"), assistant);
  if (!parts.empty())
    input.push_back(json::Object{{"type", "message"}, {"role", role}, {"content", std::move(parts)}});
  const json::Array* calls = assistant ? json::array_at(message, "tool_calls") : nullptr;
  if (!calls) return;
  for (const json::Value& call : *calls)
    input.push_back(json::Object{{"type", "function_call"},
                                 {"call_id", json::text_at(call, "id")},
                                 {"name", models::name_in(call)},
                                 {"arguments", models::arguments_in(call)}});
}

/// What is said before anybody spoke is `instructions`; all else keeps its place.
void put_messages(json::Object& out, const json::Array& messages) {
  std::string instructions;
  json::Array input;
  for (const json::Value& message : messages) {
    std::string_view role = json::text_at(message, "role");
    const json::Value* content = json::find(message, "content");
    if ((role == "system" || role == "developer") && input.empty()) {
      if (!instructions.empty()) instructions += "\n\n";
      instructions += text_of(content);
    } else if (role == "tool") {
      json::Object result{{"type", "function_call_output"},
                          {"call_id", json::text_at(message, "tool_call_id")}};
      if (content && content->is_array())
        result["output"] = parts_of(content, false);
      else
        result["output"] = json::text_at(message, "content");
      input.push_back(std::move(result));
    } else {
      add_message(input, role, message);
    }
  }
  if (!instructions.empty()) out["instructions"] = instructions;
  out["input"] = std::move(input);
}

/// `{"type":"function","function":{…}}` with its inner members outside, as Responses has them.
json::Value flat(const json::Value& wrapped, std::string_view key) {
  const json::Object* inner = json::object_at(wrapped, key);
  if (!inner) return wrapped;
  json::Object out = *inner;
  out["type"] = json::text_at(wrapped, "type");
  return out;
}

json::Array tools_of(const json::Array& tools) {
  json::Array out;
  for (const json::Value& tool : tools) {
    json::Value made = flat(tool, "function");
    // Strict unless it says otherwise, unlike chat completions.
    if (json::text_at(made, "type") == "function" && !json::find(made, "strict"))
      made.as_object()["strict"] = false;
    out.push_back(std::move(made));
  }
  return out;
}

/// Takes a member out; null when there is none.
json::Value taken(json::Object& body, std::string_view key) {
  auto found = body.find(key);
  if (found == body.end()) return {};
  json::Value out = std::move(found->value());
  body.stable_erase(found);
  return out;
}

void put_inside(json::Object& body, std::string_view outer, std::string_view key, json::Value value) {
  if (value.is_null()) return;
  json::Value& object = body[outer];
  if (!object.is_object()) object = json::Object();
  object.as_object()[key] = std::move(value);
}

// ---------------------------------------------------------------------------------------------
// The answer.

std::string checked_id(const json::Value& response) {
  std::string_view id = json::text_at(response, "id");
  return id.size() <= kLongestId ? std::string(id) : std::string();
}

/// In the names of chat completions. Nothing for what is no count.
json::Object usage_of(const json::Value& response) {
  json::Object out;
  const json::Value* usage = json::find(response, "usage");
  auto put = [](json::Object& to, std::string_view as, const json::Value* from, std::string_view key) {
    const json::Value* count = from ? json::find(*from, key) : nullptr;
    if (count && count->is_int64() && count->as_int64() >= 0 && count->as_int64() <= kLargestNumber)
      to[as] = *count;
  };
  put(out, "prompt_tokens", usage, "input_tokens");
  put(out, "completion_tokens", usage, "output_tokens");
  put(out, "total_tokens", usage, "total_tokens");
  json::Object in, made;
  put(in, "cached_tokens", usage ? json::find(*usage, "input_tokens_details") : nullptr,
      "cached_tokens");
  put(made, "reasoning_tokens", usage ? json::find(*usage, "output_tokens_details") : nullptr,
      "reasoning_tokens");
  if (!in.empty()) out["prompt_tokens_details"] = std::move(in);
  if (!made.empty()) out["completion_tokens_details"] = std::move(made);
  return out;
}

std::string_view finish_reason(const json::Value& response, bool called) {
  if (json::text_at(response, "status") == "incomplete") {
    const json::Value* why = json::find(response, "incomplete_details");
    bool filtered = why && json::text_at(*why, "reason") == "content_filter";
    return filtered ? "content_filter" : "length";
  }
  return called ? "tool_calls" : "stop";
}

[[noreturn]] void throw_failure(const json::Value& response) {
  const json::Value* error = json::find(response, "error");
  throw models::error_in_stream(error && !error->is_null() ? *error : json::Value());
}

json::Object call_of(const json::Value& item) {
  std::string_view id = json::text_at(item, "call_id");
  return {{"id", id.empty() ? json::text_at(item, "id") : id},
          {"type", "function"},
          {"function", json::Object{{"name", json::text_at(item, "name")},
                                    {"arguments", json::text_at(item, "arguments")}}}};
}

void add_texts(std::string& out, const json::Value& item, std::string_view list) {
  const json::Array* parts = json::array_at(item, list);
  if (!parts) return;
  for (const json::Value& part : *parts) {
    std::string_view text = json::text_at(part, "text");
    if (text.empty()) text = json::text_at(part, "refusal");
    if (!text.empty() && !out.empty()) out += "\n\n";
    out += text;
  }
}

}  // namespace

std::string responses_address(const models::Connection& c, std::string_view below) {
  std::string path = "responses" + std::string(below);
  if (!c.azure) return c.url + "/" + path;
  std::string version = c.api_version.empty() ? "preview" : c.api_version;
  return c.url + "/openai/" + path + (path.find('?') == path.npos ? "?" : "&") +
         "api-version=" + percent_encode(version);
}

json::Object to_responses(json::Object body, const models::Connection& c,
                          std::string_view upstream_id) {
  prepare(body, c, upstream_id);
  body["model"] = upstream_id;  // Whose address has it in chat completions, too.
  json::Value messages = taken(body, "messages");
  put_messages(body, messages.is_array() ? messages.as_array() : json::Array());
  for (std::string_view key : {"max_tokens", "max_completion_tokens"})
    if (json::Value most = taken(body, key); !most.is_null())
      body["max_output_tokens"] = std::move(most);
  put_inside(body, "reasoning", "effort", taken(body, "reasoning_effort"));
  put_inside(body, "text", "verbosity", taken(body, "verbosity"));
  if (json::Value format = taken(body, "response_format"); format.is_object())
    put_inside(body, "text", "format", flat(format, "json_schema"));
  if (json::Value tools = taken(body, "tools"); tools.is_array())
    body["tools"] = tools_of(tools.as_array());
  if (json::Value choice = taken(body, "tool_choice"); !choice.is_null())
    body["tool_choice"] = flat(choice, "function");
  for (std::string_view unknown :
       {"stream_options", "n", "stop", "seed", "logit_bias", "logprobs", "frequency_penalty",
        "presence_penalty", "modalities", "audio", "prediction", "functions", "function_call",
        "continue_final_message", "add_generation_prompt", "background"})
    (void)taken(body, unknown);
  if (!body.contains("store")) body["store"] = false;
  return body;
}

json::Value from_response(const json::Value& response) {
  std::string_view status = json::text_at(response, "status");
  if (status == "failed" || status == "cancelled") throw_failure(response);
  const json::Array* output = json::array_at(response, "output");
  if (!output) throw unreadable();
  std::string text, thought;
  json::Array calls;
  for (const json::Value& item : *output) {
    std::string_view type = json::text_at(item, "type");
    if (type == "message") add_texts(text, item, "content");
    if (type == "reasoning") {
      add_texts(thought, item, "summary");
      add_texts(thought, item, "content");
    }
    if (type == "function_call") calls.push_back(call_of(item));
  }
  json::Object message{{"role", "assistant"}, {"content", text}};
  if (!thought.empty()) message["reasoning_content"] = thought;
  bool called = !calls.empty();
  if (called) message["tool_calls"] = std::move(calls);
  return json::Object{
      {"id", checked_id(response)},
      {"object", "chat.completion"},
      {"created", json::int_at(response, "created_at", unix_seconds())},
      {"model", json::text_at(response, "model")},
      {"choices", json::Array{json::Object{{"index", 0},
                                           {"message", std::move(message)},
                                           {"finish_reason", finish_reason(response, called)}}}},
      {"usage", usage_of(response)}};
}

json::Value ResponseEvents::chunk(json::Object delta) const {
  json::Object choice{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", nullptr}};
  return json::Object{
      {"id", id_}, {"object", "chat.completion.chunk"}, {"choices", json::Array{std::move(choice)}}};
}

json::Value ResponseEvents::last_chunk(std::string_view type, const json::Value& event) {
  const json::Value* given = json::find(event, "response");
  json::Object response = given && given->is_object() ? given->as_object() : json::Object();
  if (type == "response.incomplete") response["status"] = "incomplete";
  json::Value whole(std::move(response));
  json::Value out = chunk({});
  out.as_object()["choices"].as_array()[0].as_object()["finish_reason"] = finish_reason(whole, called_);
  if (json::Object usage = usage_of(whole); !usage.empty()) out.as_object()["usage"] = std::move(usage);
  ended_ = true;
  return out;
}

std::optional<json::Value> ResponseEvents::take(const json::Value& event) {
  if (!event.is_object()) throw unreadable();
  if (ended_) return std::nullopt;
  std::string_view type = json::text_at(event, "type");
  std::int64_t number = -1;
  if (const json::Value* given = json::find(event, "sequence_number"); given && numbered_)
    if (given->is_int64() && given->as_int64() >= 0 && given->as_int64() <= kLargestNumber)
      number = given->as_int64();
  if (number >= 0 && number <= seen_) return std::nullopt;
  std::optional<json::Value> out = read(type, event);
  if (!ended_) seen_ = number;
  return out;
}

std::optional<json::Value> ResponseEvents::read(std::string_view type, const json::Value& event) {
  auto delta = [&] {
    const json::Value* text = json::find(event, "delta");
    if (!text || !text->is_string()) throw unreadable();
    return json::view(text->as_string());
  };
  if (type == "response.output_text.delta" || type == "response.refusal.delta")
    return chunk({{"content", delta()}});
  if (type == "response.reasoning_text.delta" || type == "response.reasoning_summary_text.delta")
    return chunk({{"reasoning_content", delta()}});
  if (type == "response.content_part.added" && json::int_at(event, "content_index") > 0)
    return chunk({{"content", "\n\n"}});
  if (type == "response.reasoning_summary_part.added" && json::int_at(event, "summary_index") > 0)
    return chunk({{"reasoning_content", "\n\n"}});
  if (type == "response.created" || type == "response.queued" || type == "response.in_progress") {
    const json::Value* response = json::find(event, "response");
    if (!id_.empty() || !response) return std::nullopt;
    id_ = checked_id(*response);
    json::Value out = chunk({});
    out.as_object()["choices"] = json::Array();
    return out;
  }
  if (type == "response.output_item.done") {
    const json::Value* item = json::find(event, "item");
    if (!item || !item->is_object()) throw unreadable();
    if (json::text_at(*item, "type") != "function_call") return std::nullopt;
    if (json::text_at(*item, "name").empty()) throw unreadable();
    called_ = true;
    json::Object call = call_of(*item);
    call["index"] = json::int_at(event, "output_index");
    return chunk({{"tool_calls", json::Array{std::move(call)}}});
  }
  if (type == "response.completed" || type == "response.incomplete") return last_chunk(type, event);
  if (type == "response.failed" || type == "response.cancelled") {
    const json::Value* response = json::find(event, "response");
    throw_failure(response ? *response : event);
  }
  if (type == "error") throw models::error_in_stream(event);
  return std::nullopt;
}

std::string ResponseCursor::text() const {
  return json::serialize(json::Object{{"at", connection}, {"id", id}, {"seen", seen}});
}

std::optional<ResponseCursor> ResponseCursor::parse(std::string_view text) {
  auto value = json::try_parse(text);
  if (!value) return std::nullopt;
  ResponseCursor out{std::string(json::text_at(*value, "at")), checked_id(*value),
                     json::int_at(*value, "seen", -1)};
  if (out.connection.empty() || out.id.empty() || out.seen < 0) return std::nullopt;
  return out;
}

std::string server_mark(const models::Connection& c) {
  return hex(sha256(c.url)).substr(0, 16);
}

}  // namespace antiphon::openai

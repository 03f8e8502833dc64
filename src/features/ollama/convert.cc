#include "features/ollama/convert.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "base/ids.h"
#include "features/models/models.h"

namespace antiphon::ollama {
namespace {

/// Members of Ollama's own body.
constexpr std::string_view kTop[] = {"messages",   "tools", "stream", "format",
                                     "keep_alive", "think", "options"};

/// Members that mean nothing to Ollama.
constexpr std::string_view kForOpenAi[] = {"model",
                                           "n",
                                           "user",
                                           "logprobs",
                                           "top_logprobs",
                                           "tool_choice",
                                           "metadata",
                                           "stream_options",
                                           "logit_bias",
                                           "store",
                                           "service_tier",
                                           "modalities",
                                           "parallel_tool_calls",
                                           "prediction",
                                           "safety_identifier",
                                           "prompt_cache_key",
                                           "verbosity"};

template <std::size_t N>
bool is_one_of(std::string_view key, const std::string_view (&list)[N]) {
  return std::find(std::begin(list), std::end(list), key) != std::end(list);
}

void add_option(json::Object& options, std::string_view key, const json::Value& value) {
  if (value.is_null()) return;
  if (key == "max_tokens" || key == "max_completion_tokens") key = "num_predict";
  if (key == "stop" && value.is_string())
    options[key] = json::Array{value};
  else
    options[key] = value;
}

/// `response_format` as Ollama's `format`: "json", or a schema.
std::optional<json::Value> format_of(const json::Value& response_format) {
  std::string_view type = json::text_at(response_format, "type");
  if (type == "json_object") return json::Value("json");
  if (type != "json_schema") return std::nullopt;
  if (const json::Value* schema = json::find(response_format, {"json_schema", "schema"}))
    return *schema;
  return json::Value("json");
}

std::optional<json::Value> think_of(const json::Value& effort) {
  if (!effort.is_string()) return std::nullopt;
  std::string_view text = json::view(effort.as_string());
  if (text == "none") return json::Value(false);
  return json::Value(text == "minimal" ? "low" : text);
}

/// The base64 part of a data: URL.
std::optional<std::string> picture(std::string_view url) {
  std::size_t comma = url.find(',');
  if (!url.starts_with("data:") || comma == std::string_view::npos) return std::nullopt;
  if (!url.substr(0, comma).ends_with(";base64")) return std::nullopt;
  return std::string(url.substr(comma + 1));
}

void set_content(json::Object& out, const json::Value& content) {
  if (!content.is_array()) {
    out["content"] = content.is_string() ? content : json::Value("");
    return;
  }
  std::string text;
  json::Array images;
  for (const json::Value& part : content.as_array()) {
    if (json::text_at(part, "type") == "text") text += json::text_at(part, "text");
    if (json::text_at(part, "type") != "image_url") continue;
    const json::Value* image = json::find(part, "image_url");
    if (!image) continue;
    std::string_view url =
        image->is_string() ? json::view(image->as_string()) : json::text_at(*image, "url");
    if (auto bytes = picture(url)) images.emplace_back(std::move(*bytes));
  }
  out["content"] = text;
  if (!images.empty()) out["images"] = std::move(images);
}

json::Array to_calls(const json::Array& calls, std::map<std::string, std::string, std::less<>>& names) {
  json::Array out;
  for (const json::Value& call : calls) {
    const json::Value* function = json::find(call, "function");
    if (!function) continue;
    std::string name(json::text_at(*function, "name"));
    names[std::string(json::text_at(call, "id"))] = name;
    json::Value arguments = json::Object();
    if (const json::Value* given = json::find(*function, "arguments")) {
      auto parsed =
          given->is_string() ? json::try_parse(json::view(given->as_string())) : std::optional(*given);
      if (parsed && parsed->is_object()) arguments = std::move(*parsed);
    }
    out.emplace_back(
        json::Object{{"function", json::Object{{"name", name}, {"arguments", std::move(arguments)}}}});
  }
  return out;
}

json::Array from_calls(const json::Array& calls, std::int64_t& index) {
  json::Array out;
  for (const json::Value& call : calls) {
    const json::Value* function = json::find(call, "function");
    if (!function) continue;
    const json::Value* arguments = json::find(*function, "arguments");
    std::string text = !arguments               ? "{}"
                       : arguments->is_string() ? std::string(json::view(arguments->as_string()))
                                                : json::serialize(*arguments);
    std::string id(json::text_at(call, "id"));
    if (id.empty()) id = "call_" + uuid4();
    out.emplace_back(json::Object{
        {"index", index++},
        {"id", id},
        {"type", "function"},
        {"function", json::Object{{"name", json::text_at(*function, "name")}, {"arguments", text}}}});
  }
  return out;
}

json::Value per_second(std::int64_t count, std::int64_t nanoseconds) {
  if (nanoseconds <= 0) return "N/A";
  return std::round(static_cast<double>(count) / (static_cast<double>(nanoseconds) / 1e9) * 100) / 100;
}

std::string duration_text(std::int64_t nanoseconds) {
  std::int64_t seconds = nanoseconds / 1'000'000'000;
  return std::to_string(seconds / 3600) + "h" + std::to_string(seconds / 60 % 60) + "m" +
         std::to_string(seconds % 60) + "s";
}

void check(const json::Value& line) {
  if (const json::Value* error = json::find(line, "error"); error && !error->is_null())
    throw models::error_in_stream(*error);
}

std::string_view finish_reason(const json::Value& line, bool called) {
  if (called) return "tool_calls";
  return json::text_at(line, "done_reason") == "length" ? "length" : "stop";
}

}  // namespace

json::Array to_messages(const json::Array& messages) {
  std::map<std::string, std::string, std::less<>> names;  // Of tools, by the id of their call.
  json::Array out;
  for (const json::Value& m : messages) {
    std::string_view role = json::text_at(m, "role");
    json::Object to{{"role", role == "developer" ? std::string_view("system") : role}};
    const json::Value* content = json::find(m, "content");
    set_content(to, content ? *content : json::Value());
    if (auto thinking = json::text_at(m, "reasoning_content"); !thinking.empty())
      to["thinking"] = thinking;
    if (const json::Array* calls = json::array_at(m, "tool_calls"))
      to["tool_calls"] = to_calls(*calls, names);
    if (role == "tool") {
      auto name = names.find(json::text_at(m, "tool_call_id"));
      if (name != names.end()) to["tool_name"] = name->second;
    }
    out.push_back(std::move(to));
  }
  return out;
}

json::Object to_chat(json::Object body, std::string_view model) {
  json::Object out{{"model", model}}, options;
  for (const auto& [key, value] : body) {
    std::string_view name = json::view(key);
    if (is_one_of(name, kForOpenAi)) continue;
    if (name == "response_format") {
      if (auto format = format_of(value)) out["format"] = std::move(*format);
    } else if (name == "reasoning_effort") {
      if (auto think = think_of(value); think && !body.contains("think"))
        out["think"] = std::move(*think);
    } else if (!is_one_of(name, kTop)) {
      add_option(options, name, value);
    } else if (name != "messages" && name != "options" && !value.is_null()) {
      out[key] = value;
    }
  }
  if (auto given = body.find("options"); given != body.end() && given->value().is_object())
    for (const auto& [key, value] : given->value().as_object())
      add_option(options, json::view(key), value);
  if (auto given = body.find("messages"); given != body.end() && given->value().is_array())
    out["messages"] = to_messages(given->value().as_array());
  if (!options.empty()) out["options"] = std::move(options);
  return out;
}

json::Object usage_of(const json::Value& line) {
  // Counts beyond what anybody has are not counts.
  auto count = [&](std::string_view key) {
    return std::clamp<std::int64_t>(json::int_at(line, key), 0, std::int64_t{1} << 53);
  };
  std::int64_t in = count("prompt_eval_count"), out = count("eval_count");
  std::int64_t total = json::int_at(line, "total_duration");
  return {{"input_tokens", in},
          {"output_tokens", out},
          {"total_tokens", in + out},
          {"prompt_tokens", in},
          {"completion_tokens", out},
          {"response_token/s", per_second(out, json::int_at(line, "eval_duration"))},
          {"prompt_token/s", per_second(in, json::int_at(line, "prompt_eval_duration"))},
          {"total_duration", total},
          {"load_duration", json::int_at(line, "load_duration")},
          {"prompt_eval_count", in},
          {"prompt_eval_duration", json::int_at(line, "prompt_eval_duration")},
          {"eval_count", out},
          {"eval_duration", json::int_at(line, "eval_duration")},
          {"approximate_total", duration_text(total)},
          {"completion_tokens_details", json::Object{{"reasoning_tokens", 0},
                                                     {"accepted_prediction_tokens", 0},
                                                     {"rejected_prediction_tokens", 0}}}};
}

json::Object Mapper::chunk(json::Object delta, const json::Value& reason) {
  if (!begun_) delta["role"] = "assistant";
  begun_ = true;
  json::Object choice{
      {"index", 0}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", reason}};
  return {{"id", id_},
          {"object", "chat.completion.chunk"},
          {"created", created_},
          {"model", model_},
          {"choices", json::Array{std::move(choice)}}};
}

std::vector<json::Value> Mapper::chunks(const json::Value& line) {
  check(line);
  std::vector<json::Value> out;
  if (const json::Value* message = json::find(line, "message")) {
    json::Object delta;
    if (auto text = json::text_at(*message, "thinking"); !text.empty())
      delta["reasoning_content"] = text;
    if (auto text = json::text_at(*message, "content"); !text.empty()) delta["content"] = text;
    if (const json::Array* calls = json::array_at(*message, "tool_calls"))
      if (json::Array mapped = from_calls(*calls, calls_); !mapped.empty())
        delta["tool_calls"] = std::move(mapped);
    if (!delta.empty()) out.emplace_back(chunk(std::move(delta), nullptr));
  }
  if (!json::bool_at(line, "done")) return out;
  done_ = true;
  json::Object last = chunk({}, json::Value(finish_reason(line, calls_ > 0)));
  last["usage"] = usage_of(line);
  out.emplace_back(std::move(last));
  return out;
}

json::Value to_completion(const json::Value& answer, std::string id, std::string_view model,
                          std::int64_t created) {
  check(answer);
  json::Object message{{"role", "assistant"}, {"content", ""}};
  std::int64_t calls = 0;
  if (const json::Value* said = json::find(answer, "message")) {
    message["content"] = json::text_at(*said, "content");
    if (auto text = json::text_at(*said, "thinking"); !text.empty())
      message["reasoning_content"] = text;
    if (const json::Array* made = json::array_at(*said, "tool_calls"))
      if (json::Array mapped = from_calls(*made, calls); !mapped.empty())
        message["tool_calls"] = std::move(mapped);
  }
  json::Object choice{{"index", 0},
                      {"message", std::move(message)},
                      {"logprobs", nullptr},
                      {"finish_reason", finish_reason(answer, calls > 0)}};
  return json::Object{{"id", std::move(id)},
                      {"object", "chat.completion"},
                      {"created", created},
                      {"model", model},
                      {"choices", json::Array{std::move(choice)}},
                      {"usage", usage_of(answer)}};
}

}  // namespace antiphon::ollama

#include "features/openai/protocol.h"

#include <boost/json.hpp>

#include "base/encode.h"
#include "base/problem.h"

namespace antiphon::openai {
namespace {

using models::BaseModel;
using models::Connection;
using models::ConnectionPtr;

constexpr std::string_view kDefaultApiVersion = "2024-10-21";
constexpr std::size_t kMostModels = 10'000;

std::string version(const Connection& c) {
  return "api-version=" + percent_encode(c.api_version.empty() ? kDefaultApiVersion : c.api_version);
}

/// OpenAI itself lists what does not chat too.
bool chats(const Connection& c, std::string_view id) {
  if (c.url.find("api.openai.com") == std::string::npos) return true;
  for (std::string_view part : {"babbage", "dall-e", "davinci", "embedding", "tts", "whisper"})
    if (id.find(part) != std::string_view::npos) return false;
  return true;
}

BaseModel model_of(const ConnectionPtr& c, std::string_view upstream_id, json::Object said) {
  std::string id = c->prefixed(upstream_id);
  std::string name(json::text_at(said, "name"));
  if (name.empty()) name = id;
  json::Object shown = said;
  said["id"] = id;
  said["connection_type"] = c->type;
  shown["id"] = id;
  shown["name"] = name;
  shown["object"] = "model";
  if (!shown.contains("created")) shown["created"] = 0;
  shown["owned_by"] = "openai";
  shown["connection_type"] = c->type;
  shown["provider"] = c->provider;
  shown["urlIdx"] = c->index;
  shown["openai"] = std::move(said);
  if (!c->tags.empty()) shown["tags"] = c->tags;
  return {.id = id,
          .upstream_id = std::string(upstream_id),
          .kind = c->kind,
          .connections = {c},
          .shown = shown};
}

}  // namespace

std::string address(const Connection& c, std::string_view path, std::string_view model) {
  if (!c.azure) return c.url + "/" + std::string(path);
  return c.url + "/openai/deployments/" + percent_encode(model) + "/" + std::string(path) + "?" +
         version(c);
}

std::string list_address(const Connection& c) {
  return c.azure ? c.url + "/openai/models?" + version(c) : c.url + "/models";
}

bool reasons(std::string_view id) {
  if (std::size_t slash = id.rfind('/'); slash != std::string_view::npos) id.remove_prefix(slash + 1);
  for (std::string_view family : {"o1", "o3", "o4", "gpt-5"})
    if (id.starts_with(family)) return true;
  return false;
}

void prepare(json::Object& body, const Connection& c, std::string_view upstream_id) {
  for (std::string_view ours : {"metadata", "chat_id", "session_id", "params", "features",
                                "background_tasks", "variables", "tool_ids", "model_item"})
    body.stable_erase(ours);
  body["model"] = upstream_id;
  if (c.azure) body.erase("model");
  if (!reasons(upstream_id)) return;
  if (auto found = body.find("max_tokens"); found != body.end()) {
    json::Value most = found->value();
    body.erase("max_tokens");
    if (!body.contains("max_completion_tokens")) body["max_completion_tokens"] = std::move(most);
  }
}

std::vector<BaseModel> models_in(const ConnectionPtr& c, const json::Value& list) {
  const json::Array* data = list.is_array() ? &list.as_array() : json::array_at(list, "data");
  if (!data) throw Problem(Problem::Kind::upstream, "The server's list of models cannot be read.");
  std::vector<BaseModel> out;
  for (const json::Value& item : *data) {
    std::string_view id = json::text_at(item, "id");
    if (id.empty() || id.size() > 512 || !chats(*c, id) || out.size() == kMostModels) continue;
    out.push_back(model_of(c, id, item.as_object()));
  }
  return out;
}

std::vector<BaseModel> configured_models(const ConnectionPtr& c) {
  std::vector<BaseModel> out;
  for (const std::string& id : c->model_ids) out.push_back(model_of(c, id, json::Object{{"id", id}}));
  return out;
}

json::Value as_chunk(const json::Value& completion) {
  json::Object out = completion.is_object() ? completion.as_object() : json::Object();
  out["object"] = "chat.completion.chunk";
  json::Array choices;
  if (const json::Array* whole = json::array_at(completion, "choices"))
    for (const json::Value& choice : *whole) {
      json::Object delta;
      if (const json::Object* message = json::object_at(choice, "message")) delta = *message;
      if (auto calls = delta.find("tool_calls"); calls != delta.end() && calls->value().is_array()) {
        std::int64_t index = 0;
        for (json::Value& call : calls->value().as_array())
          if (call.is_object()) call.as_object()["index"] = index++;
      }
      const json::Value* reason = json::find(choice, "finish_reason");
      choices.emplace_back(json::Object{{"index", json::int_at(choice, "index")},
                                        {"delta", std::move(delta)},
                                        {"finish_reason", reason ? *reason : json::Value("stop")}});
    }
  out["choices"] = std::move(choices);
  return out;
}

}  // namespace antiphon::openai

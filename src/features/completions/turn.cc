#include "features/completions/turn.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <set>

#include "base/problem.h"

namespace antiphon::completions {
namespace {

constexpr std::size_t kMaxModels = 16;

/// What stays inside the server. All else goes to the provider as it came.
constexpr std::string_view kOurs[] = {"stream",
                                      "model",
                                      "messages",
                                      "params",
                                      "files",
                                      "filter_ids",
                                      "tool_ids",
                                      "skill_ids",
                                      "terminal_id",
                                      "tool_servers",
                                      "features",
                                      "variables",
                                      "chat_variables",
                                      "model_item",
                                      "session_id",
                                      "chat_id",
                                      "folder_id",
                                      "id",
                                      "message_ids",
                                      "parent_id",
                                      "user_message",
                                      "parent_message",
                                      "assistant_message_id",
                                      "regeneration_prompt",
                                      "regeneration_message_id",
                                      "background_tasks",
                                      "automation_id",
                                      "new_chat",
                                      "metadata",
                                      "bypass_filter",
                                      "user_id",
                                      "user",
                                      "chat",
                                      "task"};

bool ours(std::string_view key) {
  for (std::string_view name : kOurs)
    if (key == name) return true;
  return false;
}

Problem unusable(std::string detail) {
  return Problem(Problem::Kind::conflict, std::move(detail));
}

std::string text(const json::Value& body, std::string_view key) {
  const json::Value* value = json::find(body, key);
  if (!value || value->is_null()) return {};
  if (!value->is_string())
    throw Problem(Problem::Kind::invalid, std::string(key) + " should be a string").answering(422);
  return std::string(json::view(value->as_string()));
}

void check_id(const std::string& id) {
  auto unusual = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '/' || c == '\\'; };
  if (id.empty() || id.size() > 128 || id == "." || id == ".." || std::ranges::any_of(id, unusual))
    throw unusable("A message id is missing or not usable; send a UUID");
}

/// message_ids as a list of {model_id, message_id, modelIdx}, or {model: id}; else model and id.
std::vector<Wanted> wanted_of(const json::Value& body, const std::string& model,
                              const std::string& id) {
  std::vector<Wanted> out;
  if (const json::Array* list = json::array_at(body, "message_ids")) {
    for (const json::Value& entry : *list) {
      Wanted w{std::string(json::text_at(entry, "model_id")),
               std::string(json::text_at(entry, "message_id")),
               {}};
      if (w.model_id.empty()) w.model_id = model;
      if (const json::Value* at = json::find(entry, "modelIdx"); at && at->is_int64())
        w.model_index = at->as_int64();
      out.push_back(std::move(w));
    }
  } else if (const json::Object* map = json::object_at(body, "message_ids")) {
    for (const auto& [key, value] : *map)
      if (value.is_string())
        out.push_back({std::string(json::view(key)), std::string(json::view(value.as_string())), {}});
  }
  if (out.empty()) out.push_back({model, id, {}});
  if (out.size() > kMaxModels)
    throw Problem(Problem::Kind::invalid, "At most 16 models can answer one message");
  return out;
}

void check_messages(const Turn& turn) {
  std::set<std::string> seen;
  for (const Wanted& w : turn.wanted) {
    check_id(w.message_id);
    if (!seen.insert(w.message_id).second) throw unusable("Two answers cannot share one message id");
    if (w.model_id.empty()) throw Problem(Problem::Kind::invalid, "Model not found");
  }
  if (turn.user_message) {
    std::string id(json::text_at(*turn.user_message, "id"));
    check_id(id);
    if (seen.contains(id)) throw unusable("The question and its answer cannot share one message id");
    seen.insert(std::move(id));
    if (turn.parent_id && seen.contains(*turn.parent_id))  // row 120
      throw unusable("A message cannot follow itself or its own answer");
  }
}

json::Value object_or_empty(const json::Value& body, std::string_view key) {
  const json::Object* object = json::object_at(body, key);
  return object ? json::Value(*object) : json::Value(json::Object());
}

}  // namespace

bool is_temporary(std::string_view chat_id) {
  return chat_id.starts_with("temporary:") || chat_id.starts_with("local:");
}

Turn Turn::read(const json::Value& body) {
  if (!body.is_object())
    throw Problem(Problem::Kind::invalid, "Send a JSON object")
        .with_detail_json(
            R"([{"type":"dict_type","loc":["body"],"msg":"Input should be a valid dictionary","input":null}])")
        .answering(422);
  Turn t;
  t.session_id = text(body, "session_id");
  t.chat_id = text(body, "chat_id");
  std::string model = text(body, "model");
  std::string id = text(body, "id");
  t.stream = json::bool_at(body, "stream");
  if (const json::Value* parent = json::find(body, "parent_id"); parent && parent->is_string())
    t.parent_id = json::view(parent->as_string());
  const json::Value* question = json::find(body, "user_message");
  if (!question || question->is_null()) question = json::find(body, "parent_message");
  if (question && question->is_object()) t.user_message = *question;
  bool starts_chat =
      t.chat_id.empty() && json::find(body, "parent_id") && !t.parent_id && t.user_message;
  bool temporary = is_temporary(t.chat_id);
  if (t.chat_id.starts_with("channel:"))
    throw Problem(Problem::Kind::forbidden, "Channels are written by the server only");  // row 63
  if (temporary)
    t.kind = t.session_id.empty() ? Kind::plain : Kind::temporary;
  else if (!t.chat_id.empty() || starts_chat)
    t.kind = Kind::saved;
  t.in_request = t.session_id.empty();
  t.continued_id = text(body, "assistant_message_id");
  if (!t.continued_id.empty()) id = t.continued_id;
  t.wanted = t.continued_id.empty() ? wanted_of(body, model, id) : std::vector<Wanted>{{model, id, {}}};
  t.guidance = text(body, "regeneration_prompt");
  if (std::string folder = text(body, "folder_id"); !folder.empty()) t.folder_id = folder;
  if (const json::Array* messages = json::array_at(body, "messages")) t.messages = *messages;
  t.params = object_or_empty(body, "params");
  t.variables = object_or_empty(body, "variables");
  if (json::object_at(body, "chat_variables"))
    t.chat_variables = object_or_empty(body, "chat_variables");
  if (const json::Array* files = json::array_at(body, "files")) t.files = *files;
  t.client_tools = json::find(body, "tools") != nullptr;
  for (const auto& [key, value] : body.as_object())
    if (!ours(json::view(key))) t.provider[key] = value;
  // Says "no tools of the server's"; model servers refuse an empty list.
  if (const json::Array* tools = json::array_at(body, "tools"); tools && tools->empty())
    t.provider.erase("tools");
  json::Value tasks = object_or_empty(body, "background_tasks");
  t.title_said = json::find(tasks, "title_generation") != nullptr;
  t.title = json::bool_at(tasks, "title_generation");
  t.tags = json::bool_at(tasks, "tags_generation");
  t.follow_ups = json::bool_at(tasks, "follow_up_generation");
  if (const json::Value* item = json::find(body, "model_item");
      item && json::bool_at(*item, "direct")) {
    t.direct = *item;
    if (json::text_at(t.direct, "id").empty()) t.direct.as_object()["id"] = model;
  }
  if (t.kind != Kind::plain) check_messages(t);
  return t;
}

json::Value Turn::direct_of(const Wanted& one) const {
  return json::text_at(direct, "id") == one.model_id ? direct : json::Value();
}

}  // namespace antiphon::completions

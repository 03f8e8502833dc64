#include <boost/json.hpp>
#include <utility>

#include "features/completions/completions.h"

namespace antiphon::completions {

std::string Plan::text() const {
  // It is written with every turn: what parse() takes for granted is left out.
  json::Object out{{"model", model_id}, {"question_id", question_id}};
  for (auto [key, on] : {std::pair("temporary", temporary),
                         {"continued", continued},
                         {"first_turn", first_turn},
                         {"server_tools", server_tools},
                         {"title", title},
                         {"tags", tags},
                         {"follow_ups", follow_ups}})
    if (on) out[key] = true;
  if (!direct.is_null()) {
    out["direct"] = direct;
    out["session_id"] = session_id;
  }
  if (!stream) out["stream"] = false;
  if (!system.empty()) out["system"] = system;
  if (!guidance.empty()) out["guidance"] = guidance;
  if (!messages.empty()) out["messages"] = messages;
  if (!provider.empty()) out["provider"] = provider;
  if (!params.is_null()) out["params"] = params;
  return json::serialize(out);
}

std::optional<Plan> Plan::parse(std::string_view text) {
  auto value = json::try_parse(text);
  if (!value || !value->is_object()) return std::nullopt;
  const json::Value& v = *value;
  Plan p;
  p.model_id = json::text_at(v, "model");
  if (const json::Value* direct = json::find(v, "direct")) p.direct = *direct;
  p.session_id = json::text_at(v, "session_id");
  p.question_id = json::text_at(v, "question_id");
  p.temporary = json::bool_at(v, "temporary");
  p.continued = json::bool_at(v, "continued");
  p.first_turn = json::bool_at(v, "first_turn");
  p.stream = json::bool_at(v, "stream", true);
  p.server_tools = json::bool_at(v, "server_tools");
  p.title = json::bool_at(v, "title");
  p.tags = json::bool_at(v, "tags");
  p.follow_ups = json::bool_at(v, "follow_ups");
  p.system = json::text_at(v, "system");
  p.guidance = json::text_at(v, "guidance");
  if (const json::Array* messages = json::array_at(v, "messages")) p.messages = *messages;
  if (const json::Object* provider = json::object_at(v, "provider")) p.provider = *provider;
  if (const json::Object* params = json::object_at(v, "params")) p.params = *params;
  return p;
}

}  // namespace antiphon::completions

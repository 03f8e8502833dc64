#include "features/configs/pages.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/problem.h"
#include "config/admin_page.h"
#include "json/text.h"

namespace antiphon::configs {
namespace {

using json::Object;
using json::Value;

constexpr Member kConnections[] = {
    {"ENABLE_DIRECT_CONNECTIONS", "direct.enable", "false"},
    {"ENABLE_DIRECT_INTEGRATIONS", "direct.integrations.enable", "false"},
    {"ENABLE_BASE_MODELS_CACHE", "models.base_models_cache", "false"},
};
constexpr Member kModels[] = {
    {"DEFAULT_MODELS", "ui.default_models", "null"},
    {"DEFAULT_PINNED_MODELS", "ui.default_pinned_models", "null"},
    {"MODEL_ORDER_LIST", "ui.model_order_list", "[]"},
    {"DEFAULT_MODEL_METADATA", "models.default_metadata", "{}"},
    {"DEFAULT_MODEL_PARAMS", "models.default_params", "{}"},
};
constexpr Member kModelDefaults[] = {{"DEFAULT_MODEL_METADATA", "models.default_metadata", "{}"}};
constexpr Member kCodeExecution[] = {
    {"ENABLE_CODE_EXECUTION", "code_execution.enable", "true"},
    {"CODE_EXECUTION_ENGINE", "code_execution.engine", "\"pyodide\""},
    {"CODE_EXECUTION_JUPYTER_URL", "code_execution.jupyter.url", "\"\""},
    {"CODE_EXECUTION_JUPYTER_AUTH", "code_execution.jupyter.auth", "\"\""},
    {"CODE_EXECUTION_JUPYTER_AUTH_TOKEN", "code_execution.jupyter.auth_token", "\"\""},
    {"CODE_EXECUTION_JUPYTER_AUTH_PASSWORD", "code_execution.jupyter.auth_password", "\"\""},
    {"CODE_EXECUTION_JUPYTER_TIMEOUT", "code_execution.jupyter.timeout", "60"},
    {"ENABLE_CODE_INTERPRETER", "code_interpreter.enable", "false"},
    {"CODE_INTERPRETER_ENGINE", "code_interpreter.engine", "\"pyodide\""},
    {"CODE_INTERPRETER_PROMPT_TEMPLATE", "code_interpreter.prompt_template", "\"\""},
    {"CODE_INTERPRETER_JUPYTER_URL", "code_interpreter.jupyter.url", "\"\""},
    {"CODE_INTERPRETER_JUPYTER_AUTH", "code_interpreter.jupyter.auth", "\"\""},
    {"CODE_INTERPRETER_JUPYTER_AUTH_TOKEN", "code_interpreter.jupyter.auth_token", "\"\""},
    {"CODE_INTERPRETER_JUPYTER_AUTH_PASSWORD", "code_interpreter.jupyter.auth_password", "\"\""},
    {"CODE_INTERPRETER_JUPYTER_TIMEOUT", "code_interpreter.jupyter.timeout", "60"},
};
constexpr Member kToolServers[] = {{"TOOL_SERVER_CONNECTIONS", "tool_server.connections", "[]"}};
constexpr Member kTerminalServers[] = {
    {"TERMINAL_SERVER_CONNECTIONS", "terminal_server.connections", "[]"}};
constexpr Member kSuggestions[] = {
    {"suggestions", "ui.prompt_suggestions", "null"},
    {"i18n", "ui.prompt_suggestions_i18n", "{}"},
};

/// An export as it is now has dotted keys at the top; an older one is nested:
/// {"ui":{"enable_signup":…}}. What is no setting of ours is kept under the path it has.
void flatten(const config::Registry& registry, const std::string& path, const Value& value, int depth,
             Object& out) {
  constexpr int kDeepest = 6;
  const Object* object = value.if_object();
  bool dotted_at_top = depth == 1 && path.find('.') != path.npos;
  if (!object || object->empty() || dotted_at_top || depth == kDeepest || registry.by_key(path)) {
    out[path] = value;
    return;
  }
  for (const auto& [key, inner] : *object) {
    std::string name = path.empty() ? "" : path + ".";
    name.append(key.data(), key.size());
    flatten(registry, name, inner, depth + 1, out);
  }
}

Object describe(const config::Store& store, const config::AnySetting& s) {
  const config::About& a = s.about();
  Value value = s.to_json();
  bool same = value == s.to_json(store.registry().base(s).get());
  Object out{{"name", s.name()},
             {"env", a.env},
             {"key", a.key},
             {"type", s.type()},
             {"help", a.help},
             {"secret", a.secret},
             {"on_restart", a.applies == config::Applies::on_restart},
             {"from_environment", store.registry().from_environment(s)},
             {"changed", !same}};
  if (a.secret) {
    bool set = !(value.is_null() || (value.is_string() && value.get_string().empty()) ||
                 (value.is_array() && value.get_array().empty()));
    out["set"] = set;
    return out;
  }
  out["value"] = std::move(value);
  out["default"] = s.to_json(s.fallback().get());
  if (!a.choices.empty()) {
    json::Array choices;
    for (std::string_view choice : a.choices) choices.emplace_back(choice);
    out["choices"] = std::move(choices);
  }
  return out;
}

}  // namespace

const Page kConnectionsPage = kConnections;
const Page kModelsPage = kModels;
const Page kModelDefaultsPage = kModelDefaults;
const Page kCodeExecutionPage = kCodeExecution;
const Page kToolServersPage = kToolServers;
const Page kTerminalServersPage = kTerminalServers;
const Page kSuggestionsPage = kSuggestions;

Value value_of(const config::Registry& registry, const Member& member) {
  Value otherwise = *json::try_parse(member.otherwise);
  if (member.setting.empty()) return otherwise;
  Value value = registry.value_of(member.setting, otherwise);
  if (otherwise.is_null() && value.is_string() && value.get_string().empty()) return nullptr;
  return value;
}

Value show(const config::Registry& registry, Page page) {
  Object out;
  for (const Member& member : page) out[member.name] = value_of(registry, member);
  return out;
}

Task<> change(config::Store& store, Page page, Value body, std::string if_match) {
  std::vector<config::AdminPage::Item> items;
  for (const Member& member : page)
    if (const config::AnySetting* s = store.registry().by_key(member.setting))
      items.emplace_back(*s, member.name);
  if (!body.is_object()) throw Problem(Problem::Kind::invalid, "Expected an object").answering(422);
  co_await config::AdminPage(store, std::move(items)).change(body, if_match);
}

Task<Value> export_settings(config::Store& store) {
  Value rows = co_await store.export_rows();
  Object& out = rows.get_object();
  for (const config::Group* group : store.registry().groups())
    for (const config::AnySetting* s : group->settings())
      if (!s->about().key.empty()) out[s->about().key] = s->to_json();
  co_return rows;
}

Task<> import_settings(config::Store& store, Value config) {
  if (!config.is_object() || config.get_object().empty())
    throw Problem(Problem::Kind::invalid, "Expected an object of settings");
  Object flat;
  flatten(store.registry(), "", config, 0, flat);
  co_await store.import_rows(flat);
}

Value describe_settings(const config::Store& store) {
  json::Array groups;
  for (const config::Group* group : store.registry().groups()) {
    json::Array settings;
    for (const config::AnySetting* s : group->settings()) settings.emplace_back(describe(store, *s));
    groups.emplace_back(Object{{"name", group->name()}, {"settings", std::move(settings)}});
  }
  return Object{
      {"version", store.version()}, {"persistent", store.persistent()}, {"groups", std::move(groups)}};
}

}  // namespace antiphon::configs

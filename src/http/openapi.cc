#include <algorithm>
#include <set>

#include "http/router.h"
#include "json/json.h"
#include "json/text.h"

/// The interface description, made from what every route declares about itself.
namespace antiphon::http {
namespace {

using json::Array;
using json::Object;
using json::Value;

Value error_schema() {
  return {{"type", "object"}, {"properties", {{"detail", Object{}}}}, {"required", {"detail"}}};
}

Value reply_of(std::string_view description, Value schema) {
  return {{"description", description},
          {"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
}

Value refusal(std::string_view description) {
  return reply_of(description, {{"$ref", "#/components/schemas/Error"}});
}

/// Path parameters in order; "{rest...}" is called "rest".
std::vector<std::string> path_parameters(std::string_view path) {
  std::vector<std::string> names;
  for (std::size_t at = path.find('{'); at != path.npos; at = path.find('{', at + 1)) {
    std::string_view name = path.substr(at + 1, path.find('}', at) - at - 1);
    if (name.ends_with("...")) name.remove_suffix(3);
    names.emplace_back(name);
  }
  return names;
}

std::string shown_path(std::string path) {
  if (std::size_t at = path.find("...}"); at != path.npos) path.erase(at, 3);
  return path;
}

/// "GET /api/v1/chats/{id}" is called get_api_v1_chats_id.
std::string operation_id(const Route& route) {
  std::string id = route.method + route.path;
  std::string out;
  for (char c : id) {
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word)
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  if (out.ends_with('_')) out.pop_back();
  return out;
}

/// The first segment that names a subject: "chats" of "/api/v1/chats/{id}".
std::string tag_of(std::string_view path) {
  for (std::string_view prefix : {"/api/v1/", "/api/", "/"})
    if (path.starts_with(prefix)) {
      path.remove_prefix(prefix.size());
      break;
    }
  std::string tag(path.substr(0, path.find('/')));
  return tag.empty() || tag.starts_with('{') ? "root" : tag;
}

Array parameters_of(const Route& route, json::Components& components) {
  Array out;
  for (const std::string& name : path_parameters(route.path))
    out.push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  if (!route.endpoint.query) return out;
  for (const json::Field& field : route.endpoint.query->fields)
    out.push_back({{"name", field.name},
                   {"in", "query"},
                   {"required", field.shape->required},
                   {"schema", json::schema(*field.shape, components)}});
  return out;
}

Object responses_of(const Route& route, json::Components& components) {
  const Endpoint& e = route.endpoint;
  Object out;
  Value success = e.reply ? json::schema(*e.reply, components) : Value(Object{});
  out["200"] = reply_of("What was asked for", std::move(success));
  if (e.streams)
    out["200"].as_object()["content"].as_object()["text/event-stream"] = {
        {"schema", {{"type", "string"}}}};
  if (e.who != Who::anyone) out["401"] = refusal("Not signed in, or not with the role this needs");
  if (e.object) out["404"] = refusal("No such object, or not for this caller");
  if (e.query || e.body || e.form)
    out["422"] = refusal("The input does not fit; every fault is listed");
  if (route.cost != Cost::free) out["429"] = refusal("Too many requests of this class");
  return out;
}

/// The texts' members, and the file.
Object form_schema(const json::Shape& texts, json::Components& components) {
  Object properties{{"file", {{"type", "string"}, {"format", "binary"}}}};
  Array required{"file"};
  for (const json::Field& field : texts.fields) {
    properties[field.name] = json::schema(*field.shape, components);
    if (field.shape->required) required.emplace_back(field.name);
  }
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
}

Value operation_of(const Route& route, json::Components& components) {
  const Endpoint& e = route.endpoint;
  Object op;
  op["operationId"] = operation_id(route);
  op["tags"] = {tag_of(route.path)};
  if (!route.options.summary.empty()) op["summary"] = route.options.summary;
  if (Array parameters = parameters_of(route, components); !parameters.empty())
    op["parameters"] = std::move(parameters);
  if (e.body)
    op["requestBody"] = {
        {"required", true},
        {"content", {{"application/json", {{"schema", json::schema(*e.body, components)}}}}}};
  if (e.form)
    op["requestBody"] = {
        {"required", true},
        {"content", {{"multipart/form-data", {{"schema", form_schema(*e.form, components)}}}}}};
  op["responses"] = responses_of(route, components);
  if (e.who == Who::anyone)
    op["security"] = Array{};
  else if (e.who == Who::human || e.who == Who::pending_human)
    op["security"] = {{{"session", Array{}}}, {{"cookie", Array{}}}};
  op["x-who"] = name_of(e.who);
  op["x-cost"] = name_of(route.cost);
  op["x-body-limit"] = route.options.body_limit;
  if (e.object) op["x-object"] = {{"kind", e.object->kind}, {"right", e.object->right}};
  return op;
}

Value described(json::Components components) {
  Object schemes;
  schemes["session"] = {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}};
  schemes["cookie"] = {{"type", "apiKey"}, {"in", "cookie"}, {"name", "token"}};
  schemes["apiKey"] = {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "sk-…"}};
  components.schemas["Error"] = error_schema();
  return {{"securitySchemes", std::move(schemes)}, {"schemas", std::move(components.schemas)}};
}

}  // namespace

std::string Router::openapi(std::string_view version) const {
  json::Components components;
  Object paths;
  for (const Route& route : routes_) {
    std::string method = route.method;
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    Value& path = paths[shown_path(route.path)];
    if (!path.is_object()) path = Object{};
    path.as_object()[method] = operation_of(route, components);
  }
  Object all;
  all["openapi"] = "3.1.0";
  all["info"] = {{"title", "Antiphon"}, {"version", version}};
  all["paths"] = std::move(paths);
  all["components"] = described(std::move(components));
  all["security"] = {{{"session", Array{}}}, {{"cookie", Array{}}}, {{"apiKey", Array{}}}};
  return json::serialize(all);
}

}  // namespace antiphon::http

#include <boost/json.hpp>

#include "json/json.h"
#include "json/text.h"

namespace antiphon::json {
namespace {

using Kind = Shape::Kind;

Value schema_of(const Shape& s, Components* components);

Object typed(std::string_view type, const Shape& s, const char* least, const char* most) {
  Object o{{"type", type}};
  if (s.min != INT64_MIN) o[least] = s.min;
  if (s.max != INT64_MAX) o[most] = s.max;
  return o;
}

Object object_schema(const Shape& s, Components* components) {
  Object properties, out;
  Array required;
  for (const Field& f : s.fields) {
    if (f.shape->kind == Kind::rest) {
      out["additionalProperties"] = true;
      continue;
    }
    properties[f.name] = schema_of(*f.shape, components);
    if (f.shape->required) required.emplace_back(f.name);
  }
  out["title"] = s.name;
  out["type"] = "object";
  out["properties"] = std::move(properties);
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

/// The name `s` goes by among the components, which it joins when it is new.
std::string component(const Shape& s, Components& components) {
  std::string name(s.name);
  for (int n = 2;; ++n) {
    auto [at, added] = components.shapes.emplace(name, &s);
    // By its fields: a Defaulted<T> is another Shape of the same struct.
    if (!added && at->second->fields.data() == s.fields.data()) return name;
    if (added) break;
    name = std::string(s.name) + "_" + std::to_string(n);
  }
  // The entry is there before its members are walked, so a DTO may contain itself.
  components.schemas[name] = object_schema(s, &components);
  return name;
}

Value schema_of(const Shape& s, Components* components) {
  switch (s.kind) {
    case Kind::boolean:
      return {{"type", "boolean"}};
    case Kind::integer:
      return typed("integer", s, "minimum", "maximum");
    case Kind::number:
      return {{"type", "number"}};
    case Kind::string:
      return typed("string", s, "minLength", "maxLength");
    case Kind::enumeration: {
      Array names;
      for (const Enumerator& e : s.enumerators) names.emplace_back(e.name);
      return {{"type", "string"}, {"enum", std::move(names)}};
    }
    case Kind::optional:
      return {{"anyOf", Array{schema_of(*s.element, components), Object{{"type", "null"}}}}};
    case Kind::array: {
      Object o = typed("array", s, "minItems", "maxItems");
      o["items"] = schema_of(*s.element, components);
      return o;
    }
    case Kind::map:
      return {{"type", "object"}, {"additionalProperties", schema_of(*s.element, components)}};
    case Kind::object:
      if (!components) return object_schema(s, nullptr);
      return {{"$ref", "#/components/schemas/" + component(s, *components)}};
    case Kind::any:
    case Kind::rest:
      return Object{};
  }
  __builtin_unreachable();
}

}  // namespace

Value schema(const Shape& s, Components& components) {
  return schema_of(s, &components);
}
Value schema(const Shape& s) {
  return schema_of(s, nullptr);
}

}  // namespace antiphon::json

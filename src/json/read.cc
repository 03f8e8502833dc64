#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/encode.h"
#include "json/json.h"
#include "json/text.h"

namespace antiphon::json {
namespace {

using Kind = Shape::Kind;

/// What a fault echoes of the input, in characters; more is cut, so that an answer stays small.
constexpr std::size_t kEcho = 256;

std::string echo(const Value& in) {
  std::string text;
  if (const auto* s = in.if_string(); s && s->size() > kEcho) {
    quote(std::string(utf8_prefix(view(*s), kEcho)) + "…", text);
    return text;
  }
  bool big = (in.is_array() && in.get_array().size() > kEcho) ||
             (in.is_object() && in.get_object().size() > kEcho);
  if (big) return in.is_array() ? "[]" : "{}";
  serialize(in, text);
  if (text.size() > 4 * kEcho) return in.is_array() ? "[]" : "{}";
  return text;
}

std::string loc_of(const Path& path) {
  std::string out = path.up ? loc_of(*path.up) + "," : "[";
  if (path.is_index)
    out += std::to_string(path.index);
  else
    quote(path.name, out);
  return out;
}

struct Reader {
  Faults& faults;

  bool full() const { return faults.size() >= kMaxFaults; }

  void fault(const Path& path, const Value& in, std::string_view type, std::string message,
             std::string context = {}) {
    if (full()) return;
    faults.push_back(
        {std::string(type), loc_of(path) + "]", std::move(message), echo(in), std::move(context)});
  }

  void read(const Shape& s, void* out, const Value& in, const Path& path);
  void boolean(bool& out, const Value& in, const Path& path);
  void integer(const Shape& s, std::int64_t& out, const Value& in, const Path& path);
  void number(double& out, const Value& in, const Path& path);
  void string(const Shape& s, std::string& out, const Value& in, const Path& path);
  void enumeration(const Shape& s, void* out, const Value& in, const Path& path);
  void array(const Shape& s, void* out, const Value& in, const Path& path);
  void map(const Shape& s, void* out, const Value& in, const Path& path);
  void object(const Shape& s, void* out, const Value& in, const Path& path);
  void rest(const Shape& s, Rest& out, const Object& in, const Path& path);
  bool too_long(const Shape& s, const Value& in, std::size_t size, const Path& path,
                std::string_view what);
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<bool> flag_of(std::string_view text) {
  std::string low;
  for (char c : text) low += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const char* yes : {"true", "1", "yes", "on", "t", "y"})
    if (low == yes) return true;
  for (const char* no : {"false", "0", "no", "off", "f", "n"})
    if (low == no) return false;
  return std::nullopt;
}

std::optional<double> double_of(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double d = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), d);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(d))
    return std::nullopt;
  return d;
}

std::optional<std::int64_t> whole(double d) {
  if (d != std::floor(d) || !(d >= -9.2e18 && d <= 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(d);
}

std::optional<std::int64_t> integer_of(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc{} && end == text.data() + text.size()) return n;
  // "3.0" is a whole number too; "3e0" is not.
  if (text.find_first_not_of("0123456789.-") != text.npos) return std::nullopt;
  std::optional<double> d = double_of(text);
  return d ? whole(*d) : std::nullopt;
}

void Reader::boolean(bool& out, const Value& in, const Path& path) {
  std::optional<bool> b;
  if (const bool* plain = in.if_bool())
    b = *plain;
  else if (const auto* text = in.if_string())
    b = flag_of(view(*text));
  else if (in.is_number()) {
    double d = in.to_number<double>();
    if (d == 0 || d == 1) b = d == 1;
  } else
    return fault(path, in, "bool_type", "Input should be a valid boolean");
  if (!b)
    return fault(path, in, "bool_parsing",
                 "Input should be a valid boolean, unable to interpret input");
  out = *b;
}

void Reader::integer(const Shape& s, std::int64_t& out, const Value& in, const Path& path) {
  std::optional<std::int64_t> n;
  if (const auto* plain = in.if_int64())
    n = *plain;
  else if (const bool* b = in.if_bool())
    n = *b;
  else if (in.is_uint64())
    return fault(path, in, "int_parsing_size",
                 "Unable to parse input string as an integer, exceeded maximum size");
  else if (const auto* text = in.if_string()) {
    if (!(n = integer_of(view(*text))))
      return fault(path, in, "int_parsing",
                   "Input should be a valid integer, unable to parse string as an integer");
  } else if (const double* d = in.if_double()) {
    if (!(n = whole(*d)))
      return fault(path, in, "int_from_float",
                   "Input should be a valid integer, got a number with a fractional part");
  } else
    return fault(path, in, "int_type", "Input should be a valid integer");
  out = *n;
  std::string least = std::to_string(s.min), most = std::to_string(s.max);
  if (*n < s.min)
    fault(path, in, "greater_than_equal", "Input should be greater than or equal to " + least,
          R"({"ge":)" + least + "}");
  if (*n > s.max)
    fault(path, in, "less_than_equal", "Input should be less than or equal to " + most,
          R"({"le":)" + most + "}");
}

void Reader::number(double& out, const Value& in, const Path& path) {
  if (in.is_number()) {
    out = in.to_number<double>();
  } else if (const bool* b = in.if_bool()) {
    out = *b;
  } else if (const auto* text = in.if_string()) {
    std::optional<double> d = double_of(view(*text));
    if (!d)
      return fault(path, in, "float_parsing",
                   "Input should be a valid number, unable to parse string as a number");
    out = *d;
  } else {
    fault(path, in, "float_type", "Input should be a valid number");
  }
}

void Reader::string(const Shape& s, std::string& out, const Value& in, const Path& path) {
  const auto* text = in.if_string();
  if (!text) return fault(path, in, "string_type", "Input should be a valid string");
  out.assign(text->data(), text->size());
  if (s.min == INT64_MIN && s.max == INT64_MAX) return;
  auto length = static_cast<std::int64_t>(utf8_length(out));
  auto characters = [](std::int64_t n) {
    return std::to_string(n) + (n == 1 ? " character" : " characters");
  };
  if (length < s.min)
    fault(path, in, "string_too_short", "String should have at least " + characters(s.min),
          R"({"min_length":)" + std::to_string(s.min) + "}");
  if (length > s.max)
    fault(path, in, "string_too_long", "String should have at most " + characters(s.max),
          R"({"max_length":)" + std::to_string(s.max) + "}");
}

void Reader::enumeration(const Shape& s, void* out, const Value& in, const Path& path) {
  std::string expected;
  for (std::size_t i = 0; i != s.enumerators.size(); ++i) {
    const Enumerator& e = s.enumerators[i];
    if (const auto* text = in.if_string(); text && view(*text) == e.name) return s.set(out, e.value);
    if (i) expected += i + 1 == s.enumerators.size() ? " or " : ", ";
    expected.append("'").append(e.name).append("'");
  }
  std::string context = R"({"expected":)";
  quote(expected, context);
  fault(path, in, "literal_error", "Input should be " + expected, context + "}");
}

bool Reader::too_long(const Shape& s, const Value& in, std::size_t size, const Path& path,
                      std::string_view what) {
  if (s.max == INT64_MAX || size <= static_cast<std::size_t>(s.max)) return false;
  std::string most = std::to_string(s.max), got = std::to_string(size), context;
  quote(what, context);
  fault(
      path, in, "too_long",
      std::string(what) + " should have at most " + most + (s.max == 1 ? " item" : " items") +
          " after validation, not " + got,
      R"({"field_type":)" + context + R"(,"max_length":)" + most + R"(,"actual_length":)" + got + "}");
  return true;
}

void Reader::array(const Shape& s, void* out, const Value& in, const Path& path) {
  const Array* a = in.if_array();
  if (!a) return fault(path, in, "list_type", "Input should be a valid list");
  s.clear(out);
  if (too_long(s, in, a->size(), path, "List")) return;
  for (std::size_t i = 0; i != a->size() && !full(); ++i)
    read(*s.element, s.grow(out), (*a)[i], Path{&path, {}, i, true});
}

void Reader::map(const Shape& s, void* out, const Value& in, const Path& path) {
  const Object* o = in.if_object();
  if (!o) return fault(path, in, "dict_type", "Input should be a valid dictionary");
  s.clear(out);
  if (too_long(s, in, o->size(), path, "Dictionary")) return;
  for (const auto& [key, value] : *o) {
    if (full()) return;
    std::string_view name(key.data(), key.size());
    read(*s.element, s.insert(out, std::string(name)), value, Path{&path, name});
  }
}

void Reader::rest(const Shape& s, Rest& out, const Object& in, const Path& path) {
  for (const auto& [key, value] : in) {
    if (s.field({key.data(), key.size()})) continue;
    if (out.members.size() == kMaxRestMembers)
      return fault(path, nullptr, "too_long", "Dictionary should have fewer members");
    out.members.insert_or_assign(key, value);
  }
}

void Reader::object(const Shape& s, void* out, const Value& in, const Path& path) {
  const Object* o = in.if_object();
  if (!o)
    return fault(path, in, "model_attributes_type",
                 "Input should be a valid dictionary or object to extract fields from");
  for (const Field& f : s.fields) {
    if (full()) return;
    void* member = static_cast<char*>(out) + f.offset;
    Path child{&path, f.name};
    if (f.shape->kind == Kind::rest)
      rest(s, *static_cast<Rest*>(member), *o, path);
    else if (const Value* v = o->if_contains(boost::json::string_view(f.name.data(), f.name.size())))
      read(*f.shape, member, *v, child);
    else if (f.shape->required)
      fault(child, in, "missing", "Field required");
  }
}

void Reader::read(const Shape& s, void* out, const Value& in, const Path& path) {
  switch (s.kind) {
    case Kind::boolean:
      return boolean(*static_cast<bool*>(out), in, path);
    case Kind::integer:
      return integer(s, *static_cast<std::int64_t*>(out), in, path);
    case Kind::number:
      return number(*static_cast<double*>(out), in, path);
    case Kind::string:
      return string(s, *static_cast<std::string*>(out), in, path);
    case Kind::enumeration:
      return enumeration(s, out, in, path);
    case Kind::optional:
      return in.is_null() ? s.clear(out) : read(*s.element, s.grow(out), in, path);
    case Kind::array:
      return array(s, out, in, path);
    case Kind::map:
      return map(s, out, in, path);
    case Kind::object:
      return object(s, out, in, path);
    case Kind::any:
      *static_cast<Value*>(out) = in;
      return;
    case Kind::rest:
      if (const Object* o = in.if_object()) rest(s, *static_cast<Rest*>(out), *o, path);
      return;
  }
}

}  // namespace

void read(const Shape& s, void* out, const Value& in, const Path& path, Faults& faults) {
  Reader{faults}.read(s, out, in, path);
}

Value from_query(const Shape& s, const std::multimap<std::string, std::string, std::less<>>& query) {
  Object out;
  for (const auto& [name, text] : query) {
    const Field* f = s.field(name);
    if (!f) continue;
    const Shape* shape = f->shape;
    if (shape->kind == Kind::optional) shape = shape->element;
    if (shape->kind != Kind::array) {
      out[name] = text;
      continue;
    }
    Value& list = out[name];
    if (!list.is_array()) list = Array{};
    list.get_array().emplace_back(text);
  }
  return out;
}

}  // namespace antiphon::json

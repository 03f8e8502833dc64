#include <boost/json.hpp>
#include <utility>

#include "json/json.h"
#include "json/text.h"

namespace antiphon::json {
namespace {

using Kind = Shape::Kind;

void write_array(const Shape& s, const void* in, std::string& out) {
  out += '[';
  for (std::size_t i = 0, n = s.size(in); i != n; ++i) {
    if (i) out += ',';
    write(*s.element, s.at(in, i), out);
  }
  out += ']';
}

void write_rest(const Rest& rest, bool& first, std::string& out) {
  for (const auto& [key, value] : rest.members) {
    if (!std::exchange(first, false)) out += ',';
    quote({key.data(), key.size()}, out);
    out += ':';
    serialize(value, out);
  }
}

void write_object(const Shape& s, const void* in, std::string& out) {
  out += '{';
  bool first = true;
  for (const Field& f : s.fields) {
    const void* member = static_cast<const char*>(in) + f.offset;
    if (f.shape->absent && f.shape->absent(member)) continue;
    if (f.shape->kind == Kind::rest) {
      write_rest(*static_cast<const Rest*>(member), first, out);
      continue;
    }
    if (!std::exchange(first, false)) out += ',';
    quote(f.name, out);
    out += ':';
    write(*f.shape, member, out);
  }
  out += '}';
}

void write_map(const Shape& s, const void* in, std::string& out) {
  struct Sink {
    const Shape& element;
    std::string& out;
    bool first = true;
  } sink{*s.element, out};
  out += '{';
  s.each(in, &sink, [](void* to, std::string_view key, const void* value) {
    Sink& at = *static_cast<Sink*>(to);
    if (!std::exchange(at.first, false)) at.out += ',';
    quote(key, at.out);
    at.out += ':';
    write(at.element, value, at.out);
  });
  out += '}';
}

std::string_view name_of(const Shape& s, std::int64_t value) {
  for (const Enumerator& e : s.enumerators)
    if (e.value == value) return e.name;
  return "";
}

}  // namespace

void write(const Shape& s, const void* in, std::string& out) {
  switch (s.kind) {
    case Kind::boolean:
      out += *static_cast<const bool*>(in) ? "true" : "false";
      return;
    case Kind::integer:
      return serialize(Value(*static_cast<const std::int64_t*>(in)), out);
    case Kind::number:
      return serialize(Value(*static_cast<const double*>(in)), out);
    case Kind::string:
      return quote(*static_cast<const std::string*>(in), out);
    case Kind::enumeration:
      return quote(name_of(s, s.get(in)), out);
    case Kind::optional:
      if (s.size(in))
        write(*s.element, s.at(in, 0), out);
      else
        out += "null";
      return;
    case Kind::array:
      return write_array(s, in, out);
    case Kind::map:
      return write_map(s, in, out);
    case Kind::object:
      return write_object(s, in, out);
    case Kind::any:
      return serialize(*static_cast<const Value*>(in), out);
    case Kind::rest:
      return serialize(Value(static_cast<const Rest*>(in)->members), out);
  }
}

}  // namespace antiphon::json

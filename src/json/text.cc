#include "json/text.h"

#include <array>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"

namespace antiphon::json {
namespace {

using boost::json::error_code;
using boost::json::string_view;

/// Boost's objects hash with FNV and an address as salt, modulo a size the sender chooses. An odd size
/// he does not know takes the collisions he can prepare away from him (row 126).
std::size_t unforeseeable_capacity(std::size_t members) {
  static const auto seed = [] {
    std::size_t n = 0;
    std::string bytes = random_bytes(sizeof n);
    std::memcpy(&n, bytes.data(), sizeof n);
    return n;
  }();
  std::size_t mixed = (members ^ seed) * 0x9E3779B97F4A7C15u;
  return (members + (mixed >> 33) % (members / 4 + 1)) | 1;
}

/// Builds values from what Boost's parser sees, and refuses what Boost's own builder would take: NUL,
/// numbers beyond double, objects made to collide.
struct Builder {
  static constexpr std::size_t max_object_size = kMaxValues;
  static constexpr std::size_t max_array_size = kMaxValues;
  static constexpr std::size_t max_key_size = std::size_t{1} << 30;
  static constexpr std::size_t max_string_size = std::size_t{1} << 30;
  static constexpr std::size_t kSmall = 64;

  std::vector<Value> values;
  std::vector<boost::json::string> keys;
  boost::json::string part;
  std::string digits;
  std::size_t seen = 0;

  static bool refuse(error_code& ec) {
    ec = boost::json::error::syntax;
    return false;
  }
  bool push(Value value, error_code& ec) {
    if (++seen > kMaxValues) return refuse(ec);
    values.push_back(std::move(value));
    return true;
  }
  bool add_part(string_view s, error_code& ec) {
    if (std::memchr(s.data(), 0, s.size())) return refuse(ec);
    part.append(s);
    return true;
  }
  boost::json::string take_part() { return std::exchange(part, boost::json::string()); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_object_end(std::size_t n, error_code& ec) {
    Object object;
    if (n) object.reserve(n > kSmall ? unforeseeable_capacity(n) : n);
    std::size_t key = keys.size() - n, value = values.size() - n;
    for (std::size_t i = 0; i != n; ++i)
      object.insert_or_assign(keys[key + i], std::move(values[value + i]));
    keys.resize(key);
    values.resize(value);
    return push(std::move(object), ec);
  }
  bool on_array_end(std::size_t n, error_code& ec) {
    Array array;
    array.reserve(n);
    for (std::size_t i = values.size() - n; i != values.size(); ++i)
      array.push_back(std::move(values[i]));
    values.resize(values.size() - n);
    return push(std::move(array), ec);
  }
  bool on_key_part(string_view s, std::size_t, error_code& ec) { return add_part(s, ec); }
  bool on_key(string_view s, std::size_t, error_code& ec) {
    if (!add_part(s, ec)) return false;
    keys.push_back(take_part());
    return true;
  }
  bool on_string_part(string_view s, std::size_t, error_code& ec) { return add_part(s, ec); }
  bool on_string(string_view s, std::size_t, error_code& ec) {
    return add_part(s, ec) && push(take_part(), ec);
  }
  bool on_number_part(string_view s, error_code&) {
    digits.append(s.data(), s.size());
    return true;
  }
  bool on_int64(std::int64_t n, string_view, error_code& ec) {
    digits.clear();
    return push(n, ec);
  }
  bool on_uint64(std::uint64_t n, string_view, error_code& ec) {
    digits.clear();
    return push(n, ec);
  }
  // Boost's own conversion is off by a bit now and then.
  bool on_double(double roughly, string_view s, error_code& ec) {
    digits.append(s.data(), s.size());
    double d = 0;
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), d);
    bool whole = end == digits.data() + digits.size();
    digits.clear();
    // Too small for a double is 0; too large is refused.
    if (failed == std::errc::result_out_of_range && whole && std::fabs(roughly) < 1)
      return push(0.0, ec);
    return failed == std::errc{} && whole && std::isfinite(d) ? push(d, ec) : refuse(ec);
  }
  bool on_bool(bool b, error_code& ec) { return push(b, ec); }
  bool on_null(error_code& ec) { return push(nullptr, ec); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

/// 0: as it is; 1: needs an escape; 2: part of a longer sequence.
constexpr std::array<std::uint8_t, 256> kClass = [] {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0; c != 0x20; ++c) classes[static_cast<std::size_t>(c)] = 1;
  for (std::size_t c = 0x80; c != 256; ++c) classes[c] = 2;
  classes['"'] = classes['\\'] = 1;
  return classes;
}();

void append_escape(char c, std::string& out) {
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += c;
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      out += c < 0x10 ? "\\u000" : "\\u001";
      out += "0123456789abcdef"[c & 15];
  }
}

/// Bytes at the start of `text` that stand for themselves.
std::size_t plain_length(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101u, kHigh = 0x8080808080808080u;
  std::size_t n = 0;
  for (; n + 8 <= text.size(); n += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + n, 8);
    auto has_zero = [](std::uint64_t v) { return (v - kOnes) & ~v & kHigh; };
    std::uint64_t below_space = (word - kOnes * 0x20) & ~word & kHigh;
    if ((word & kHigh) || below_space || has_zero(word ^ kOnes * '"') || has_zero(word ^ kOnes * '\\'))
      break;
  }
  while (n != text.size() && kClass[static_cast<unsigned char>(text[n])] == 0) ++n;
  return n;
}

void append(double d, std::string& out) {
  if (!std::isfinite(d)) {
    out += "null";
    return;
  }
  if (d == 0) {
    out += '0';  // -0 as well, as JavaScript does: read again, it would be the number 0.
    return;
  }
  char digits[64];
  double size = std::fabs(d);
  auto format = size >= 1e-6 && size < 1e21 ? std::chars_format::fixed : std::chars_format::scientific;
  auto end = std::to_chars(digits, digits + sizeof digits, d, format).ptr;
  out.append(digits, end);
}

template <class N>
void append_integer(N n, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

void append(const Array& array, std::string& out) {
  out += '[';
  bool first = true;
  for (const Value& value : array) {
    if (!std::exchange(first, false)) out += ',';
    serialize(value, out);
  }
  out += ']';
}

void append(const Object& object, std::string& out) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : object) {
    if (!std::exchange(first, false)) out += ',';
    quote({key.data(), key.size()}, out);
    out += ':';
    serialize(value, out);
  }
  out += '}';
}

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The code unit of `\uXXXX` at the start of `text`; nothing when there is none.
std::optional<unsigned> escaped_unit(std::string_view text) {
  unsigned unit = 0;
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  auto [end, failed] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  if (failed != std::errc{} || end != text.data() + 6) return std::nullopt;
  return unit;
}

/// What stands for the escape at the start of `text`, and how long it is.
std::pair<std::string_view, std::size_t> mended_escape(std::string_view text) {
  auto unit = escaped_unit(text);
  if (!unit) return {text.substr(0, 2), std::min<std::size_t>(2, text.size())};
  if (*unit >= 0xD800 && *unit < 0xDC00) {
    auto low = escaped_unit(text.substr(6));
    if (low && *low >= 0xDC00 && *low < 0xE000) return {text.substr(0, 12), 12};
  }
  bool lost = *unit == 0 || (*unit >= 0xD800 && *unit < 0xE000);
  return {lost ? kReplacement : text.substr(0, 6), 6};
}

std::string mended(std::string_view text) {
  std::string out;
  bool quoted = false;
  while (!text.empty()) {
    std::string_view stands = text.substr(0, 1);
    std::size_t used = 1;
    if (static_cast<unsigned char>(text[0]) >= 0x80) {
      used = utf8_sequence(text);
      stands = used ? text.substr(0, used) : kReplacement;
      used = std::max<std::size_t>(used, 1);
    } else if (quoted && text[0] == '\\') {
      std::tie(stands, used) = mended_escape(text);
    } else if (text[0] == '"') {
      quoted = !quoted;
    } else if (quoted && text[0] == 0) {
      stands = kReplacement;
    } else if (!quoted) {
      for (std::string_view number : {"NaN", "-Infinity", "Infinity"})
        if (text.starts_with(number)) {
          stands = "null";
          used = number.size();
          break;
        }
    }
    out += stands;
    text.remove_prefix(used);
  }
  return out;
}

}  // namespace

std::optional<Value> try_parse_mending(std::string_view text) {
  if (auto value = try_parse(text)) return value;
  return try_parse(mended(text));
}

std::optional<Value> try_parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<Builder> parser(options);
  error_code error;
  std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  // A second document after the first; space behind it the parser has eaten.
  if (error || used != text.size() || parser.handler().values.size() != 1) return std::nullopt;
  return std::move(parser.handler().values.front());
}

Value parse_value(std::string_view text) {
  std::optional<Value> value = try_parse(text);
  if (!value)
    throw Problem(Problem::Kind::invalid, "The body is not valid JSON")
        .with_detail_json(R"([{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error",)"
                          R"("input":{},"ctx":{"error":"Expecting value"}}])")
        .answering(422);
  return std::move(*value);
}

void quote(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    std::size_t n = plain_length(text);
    out.append(text.substr(0, n));
    text.remove_prefix(n);
    if (text.empty()) break;
    if (kClass[static_cast<unsigned char>(text[0])] == 1) {
      append_escape(text[0], out);
      n = 1;
    } else if ((n = utf8_sequence(text)) != 0) {
      out.append(text.substr(0, n));
    } else {
      out += "\xEF\xBF\xBD";
      n = 1;
    }
    text.remove_prefix(n);
  }
  out += '"';
}

void serialize(const Value& value, std::string& out) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      return;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case boost::json::kind::int64:
      return append_integer(value.get_int64(), out);
    case boost::json::kind::uint64:
      return append_integer(value.get_uint64(), out);
    case boost::json::kind::double_:
      return append(value.get_double(), out);
    case boost::json::kind::string:
      return quote(view(value.get_string()), out);
    case boost::json::kind::array:
      return append(value.get_array(), out);
    case boost::json::kind::object:
      return append(value.get_object(), out);
  }
}

std::string serialize(const Value& value) {
  std::string out;
  serialize(value, out);
  return out;
}

const Value* find(const Value& value, std::string_view key) {
  const Object* object = value.if_object();
  return object ? object->if_contains(string_view(key.data(), key.size())) : nullptr;
}

const Value* find(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* at = &value;
  for (std::string_view key : path)
    if (!(at = find(*at, key))) return nullptr;
  return at;
}

std::string_view text_at(const Value& value, std::string_view key) {
  const Value* at = find(value, key);
  const boost::json::string* text = at ? at->if_string() : nullptr;
  return text ? view(*text) : std::string_view();
}

std::int64_t int_at(const Value& value, std::string_view key, std::int64_t fallback) {
  const Value* at = find(value, key);
  if (!at) return fallback;
  if (const std::int64_t* n = at->if_int64()) return *n;
  if (const std::uint64_t* n = at->if_uint64())
    return std::in_range<std::int64_t>(*n) ? static_cast<std::int64_t>(*n) : fallback;
  const double* d = at->if_double();
  // Beyond these a cast to a whole number is undefined.
  return d && *d >= -9.2e18 && *d <= 9.2e18 ? static_cast<std::int64_t>(*d) : fallback;
}

bool bool_at(const Value& value, std::string_view key, bool fallback) {
  const Value* at = find(value, key);
  const bool* b = at ? at->if_bool() : nullptr;
  return b ? *b : fallback;
}

const Object* object_at(const Value& value, std::string_view key) {
  const Value* at = find(value, key);
  return at ? at->if_object() : nullptr;
}

const Array* array_at(const Value& value, std::string_view key) {
  const Value* at = find(value, key);
  return at ? at->if_array() : nullptr;
}

}  // namespace antiphon::json

#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "base/encode.h"
#include "config/setting.h"
#include "json/text.h"

namespace antiphon::config {
namespace {

using json::Value;

[[noreturn]] void expected(std::string what) {
  throw std::invalid_argument("expected " + what);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool limited(const About& about) {
  return about.least > -9.2e18 || about.most < 9.2e18;
}

std::string spelled(double d) {
  return json::serialize(Value(d));
}

double in_range(const About& about, double d) {
  if (d >= about.least && d <= about.most) return d;
  if (about.most >= 9.2e18) expected("at least " + spelled(about.least));
  if (about.least <= -9.2e18) expected("at most " + spelled(about.most));
  expected("a number from " + spelled(about.least) + " to " + spelled(about.most));
}

template <class N>
N number_of(const About& about, std::string_view text, const char* what) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  N n{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || !std::isfinite(static_cast<double>(n))) expected(what);
  if (limited(about)) in_range(about, static_cast<double>(n));
  return n;
}

std::string checked(const About& about, std::string text) {
  if (text.find('\0') != text.npos || !valid_utf8(text)) expected("valid UTF-8 text");
  auto size = static_cast<double>(text.size());
  if (size > about.most) expected("at most " + spelled(about.most) + " bytes");
  if (size < about.least) expected("at least " + spelled(about.least) + " bytes");
  if (about.choices.empty()) return text;
  std::string all;
  for (std::string_view choice : about.choices) {
    if (choice == text) return text;
    all.append(all.empty() ? "" : ", ").append(choice.empty() ? "nothing" : choice);
  }
  expected("one of: " + all);
}

const boost::json::string& text_of(const Value& value) {
  const boost::json::string* text = value.if_string();
  if (!text) expected("text");
  return *text;
}

}  // namespace

template <>
std::string_view Codec<bool>::type() {
  return "bool";
}
template <>
bool Codec<bool>::from_env(const About&, std::string_view text) {
  std::string word = lower(trimmed(text));
  for (const char* yes : {"true", "1", "yes", "on"})
    if (word == yes) return true;
  for (const char* no : {"false", "0", "no", "off"})
    if (word == no) return false;
  expected("true or false");
}
template <>
bool Codec<bool>::from_json(const About& about, const Value& value) {
  if (const bool* b = value.if_bool()) return *b;
  if (value.is_string()) return from_env(about, json::view(value.get_string()));
  expected("true or false");
}
template <>
Value Codec<bool>::to_json(const bool& value) {
  return value;
}

template <>
std::string_view Codec<std::int64_t>::type() {
  return "int";
}
template <>
std::int64_t Codec<std::int64_t>::from_env(const About& about, std::string_view text) {
  return number_of<std::int64_t>(about, text, "a whole number");
}
template <>
std::int64_t Codec<std::int64_t>::from_json(const About& about, const Value& value) {
  if (value.is_string()) return from_env(about, json::view(value.get_string()));
  const std::int64_t* n = value.if_int64();
  const double* d = value.if_double();
  if (!n && !(d && *d == std::floor(*d) && std::fabs(*d) < 9e15)) expected("a whole number");
  std::int64_t out = n ? *n : static_cast<std::int64_t>(*d);
  if (limited(about)) in_range(about, static_cast<double>(out));
  return out;
}
template <>
Value Codec<std::int64_t>::to_json(const std::int64_t& value) {
  return value;
}

template <>
std::string_view Codec<double>::type() {
  return "float";
}
template <>
double Codec<double>::from_env(const About& about, std::string_view text) {
  return number_of<double>(about, text, "a number");
}
template <>
double Codec<double>::from_json(const About& about, const Value& value) {
  if (value.is_string()) return from_env(about, json::view(value.get_string()));
  if (!value.is_number()) expected("a number");
  return in_range(about, value.to_number<double>());
}
template <>
Value Codec<double>::to_json(const double& value) {
  return value;
}

template <>
std::string_view Codec<std::string>::type() {
  return "text";
}
template <>
std::string Codec<std::string>::from_env(const About& about, std::string_view text) {
  return checked(about, std::string(text));
}
template <>
std::string Codec<std::string>::from_json(const About& about, const Value& value) {
  // Upstream's rows and forms hold null for a text that is not set.
  if (value.is_null()) return checked(about, "");
  return checked(about, std::string(json::view(text_of(value))));
}
template <>
Value Codec<std::string>::to_json(const std::string& value) {
  return Value(value);
}

template <>
std::string_view Codec<Secret>::type() {
  return "text";
}
template <>
Secret Codec<Secret>::from_env(const About& about, std::string_view text) {
  return Secret(checked(about, std::string(text)));
}
template <>
Secret Codec<Secret>::from_json(const About& about, const Value& value) {
  return Secret(checked(about, std::string(json::view(text_of(value)))));
}
template <>
Value Codec<Secret>::to_json(const Secret& value) {
  return Value(value.reveal());
}

using Strings = std::vector<std::string>;

template <>
std::string_view Codec<Strings>::type() {
  return "list";
}
template <>
Strings Codec<Strings>::from_env(const About& about, std::string_view text) {
  checked(about, std::string(text));
  char separator = about.separator ? about.separator : text.find(';') != text.npos ? ';' : ',';
  Strings out;
  if (trimmed(text).empty()) return out;
  for (std::size_t begin = 0;;) {
    std::size_t end = text.find(separator, begin);
    // Empty ones stay: the lists of keys and of URLs go by position.
    out.emplace_back(trimmed(text.substr(begin, end == text.npos ? end : end - begin)));
    if (end == text.npos) return out;
    begin = end + 1;
  }
}
template <>
Strings Codec<Strings>::from_json(const About& about, const Value& value) {
  if (value.is_string()) return from_env(about, json::view(value.get_string()));
  const json::Array* array = value.if_array();
  if (!array) expected("a list of texts");
  Strings out;
  double size = 0;
  for (const Value& item : *array) {
    if (!item.is_string()) expected("a list of texts");
    out.emplace_back(json::view(item.get_string()));
    size += static_cast<double>(out.back().size() + 1);
  }
  if (size > about.most) expected("at most " + spelled(about.most) + " bytes");
  return out;
}
template <>
Value Codec<Strings>::to_json(const Strings& value) {
  json::Array out;
  for (const std::string& text : value) out.emplace_back(text);
  return out;
}

template <>
std::string_view Codec<Value>::type() {
  return "json";
}
template <>
Value Codec<Value>::from_env(const About& about, std::string_view text) {
  if (static_cast<double>(text.size()) > about.most)
    expected("at most " + spelled(about.most) + " bytes");
  std::optional<Value> value = json::try_parse(text);
  if (!value) expected("JSON");
  return std::move(*value);
}
template <>
Value Codec<Value>::from_json(const About& about, const Value& value) {
  if (static_cast<double>(json::serialize(value).size()) > about.most)
    expected("at most " + spelled(about.most) + " bytes");
  return value;
}
template <>
Value Codec<Value>::to_json(const Value& value) {
  return value;
}

template <>
std::string_view Codec<std::optional<std::int64_t>>::type() {
  return "int";
}
template <>
std::optional<std::int64_t> Codec<std::optional<std::int64_t>>::from_env(const About& about,
                                                                         std::string_view text) {
  if (trimmed(text).empty()) return std::nullopt;
  return Codec<std::int64_t>::from_env(about, text);
}
template <>
std::optional<std::int64_t> Codec<std::optional<std::int64_t>>::from_json(const About& about,
                                                                          const Value& value) {
  if (value.is_null() || (value.is_string() && value.get_string().empty())) return std::nullopt;
  return Codec<std::int64_t>::from_json(about, value);
}
template <>
Value Codec<std::optional<std::int64_t>>::to_json(const std::optional<std::int64_t>& value) {
  return value ? Value(*value) : Value();
}

template <>
std::string_view Codec<std::optional<std::string>>::type() {
  return "text";
}
template <>
std::optional<std::string> Codec<std::optional<std::string>>::from_env(const About& about,
                                                                       std::string_view text) {
  if (text.empty()) return std::nullopt;
  return Codec<std::string>::from_env(about, text);
}
template <>
std::optional<std::string> Codec<std::optional<std::string>>::from_json(const About& about,
                                                                        const Value& value) {
  if (value.is_null()) return std::nullopt;
  return Codec<std::string>::from_json(about, value);
}
template <>
Value Codec<std::optional<std::string>>::to_json(const std::optional<std::string>& value) {
  return value ? Value(*value) : Value();
}

}  // namespace antiphon::config

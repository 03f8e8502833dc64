#include "store/work.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <charconv>
#include <stdexcept>

#include "base/problem.h"
#include "json/json.h"
#include "json/text.h"

namespace antiphon::store {

using Kind = json::Shape::Kind;

Datum Args::datum(const json::Value& value) {
  return json::serialize(value);
}

const json::Field* field_for(const json::Shape& row, std::string_view column,
                             std::string_view statement) {
  const json::Field* field = row.field(column);
  if (!field)
    throw std::logic_error(std::string(statement) + ": no field for column " + std::string(column));
  return field;
}

namespace {

const json::Shape& core(const json::Shape& shape) {
  return shape.kind == Kind::optional ? *shape.element : shape;
}

[[noreturn]] void misfit(const json::Field& field) {
  throw std::logic_error("a column holds what its field cannot: " + std::string(field.name));
}

template <class Number>
Number number(const json::Field& field, const std::string& text) {
  Number out{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) misfit(field);
  return out;
}

bool boolean(const json::Field& field, const Cell& cell) {
  if (auto* n = std::get_if<std::int64_t>(&cell)) return *n != 0;
  auto* text = std::get_if<std::string>(&cell);
  if (!text) misfit(field);
  if (*text == "t" || *text == "true" || *text == "1") return true;
  if (*text == "f" || *text == "false" || *text == "0") return false;
  misfit(field);
}

std::int64_t integer(const json::Field& field, const Cell& cell) {
  if (auto* n = std::get_if<std::int64_t>(&cell)) return *n;
  if (auto* d = std::get_if<double>(&cell)) return static_cast<std::int64_t>(*d);
  auto* text = std::get_if<std::string>(&cell);
  if (!text) misfit(field);
  if (*text == "t" || *text == "f") return *text == "t";
  return number<std::int64_t>(field, *text);
}

double real(const json::Field& field, const Cell& cell) {
  if (auto* d = std::get_if<double>(&cell)) return *d;
  if (auto* n = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*n);
  auto* text = std::get_if<std::string>(&cell);
  if (!text) misfit(field);
  return number<double>(field, *text);
}

std::string text_of(const json::Field& field, Cell&& cell) {
  if (auto* text = std::get_if<std::string>(&cell)) return std::move(*text);
  if (auto* n = std::get_if<std::int64_t>(&cell)) return std::to_string(*n);
  misfit(field);
}

json::Value json_of(const json::Field& field, Cell&& cell) {
  if (auto* value = std::get_if<json::Value>(&cell)) return std::move(*value);
  if (auto* n = std::get_if<std::int64_t>(&cell)) return *n;
  if (auto* d = std::get_if<double>(&cell)) return *d;
  misfit(field);
}

/// JSON text into a list, a map or a DTO.
void described(const json::Shape& shape, void* out, const std::string& text, const json::Field& field) {
  try {
    json::parse_into(shape, out, text, field.name);
  } catch (const Problem& p) {
    throw Problem(Problem::Kind::internal, "A stored record cannot be read.")
        .because(std::string(field.name) + ": " + (p.detail().empty() ? p.detail_json() : p.detail()));
  }
}

/// SQL's NULL leaves an optional empty and everything else at its default.
void put(const json::Field& field, char* row, Cell&& cell) {
  const json::Shape& shape = core(*field.shape);
  void* out = row + field.offset;
  if (std::holds_alternative<std::monostate>(cell)) {
    if (field.shape->clear && field.shape->kind == Kind::optional) field.shape->clear(out);
    return;
  }
  if (field.shape->kind == Kind::optional) out = field.shape->grow(out);
  switch (shape.kind) {
    case Kind::boolean:
      *static_cast<bool*>(out) = boolean(field, cell);
      return;
    case Kind::integer:
      *static_cast<std::int64_t*>(out) = integer(field, cell);
      return;
    case Kind::number:
      *static_cast<double*>(out) = real(field, cell);
      return;
    case Kind::string:
      *static_cast<std::string*>(out) = text_of(field, std::move(cell));
      return;
    case Kind::any:
      *static_cast<json::Value*>(out) = json_of(field, std::move(cell));
      return;
    case Kind::enumeration:
      for (const json::Enumerator& e : shape.enumerators)
        if (auto* text = std::get_if<std::string>(&cell); text && e.name == *text)
          return shape.set(out, e.value);
      misfit(field);
    case Kind::array:
    case Kind::object:
    case Kind::map:
      described(shape, out, text_of(field, std::move(cell)), field);
      return;
    case Kind::rest:
    case Kind::optional:
      misfit(field);
  }
}

bool word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool writes(std::string_view word) {
  static constexpr std::array<std::string_view, 9> kWords{
      "insert", "update", "delete", "merge", "into", "share", "nextval", "setval", "set_config"};
  std::array<char, 16> lower{};
  if (word.size() >= lower.size()) return word.starts_with("pg_") || word.starts_with("PG_");
  std::ranges::transform(word, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  std::string_view low(lower.data(), word.size());
  return low.starts_with("pg_") || low.starts_with("lo_") ||
         std::ranges::find(kWords, low) != kWords.end();
}

}  // namespace

bool holds_json(const json::Shape& shape) {
  return core(shape).kind == Kind::any;
}

json::Value column_json(std::string_view text, std::string_view statement) {
  if (auto value = json::try_parse(text)) return std::move(*value);
  // Rows that Open WebUI wrote may hold what we would not take from the wire.
  boost::system::error_code error;
  boost::json::parse_options lenient;
  lenient.max_depth = 256;
  lenient.allow_invalid_utf8 = true;
  json::Value value = boost::json::parse(boost::json::string_view(text), error, {}, lenient);
  if (error)
    throw Problem(Problem::Kind::internal, "A stored record cannot be read.")
        .because(std::string(statement) + ": a column holds no JSON: " + error.message());
  return value;
}

void fill(Reply reply, const json::Shape& list, void* rows) {
  std::size_t width = reply.columns.size();
  for (std::size_t at = 0; width != 0 && at < reply.cells.size(); at += width) {
    char* row = static_cast<char*>(list.grow(rows));
    for (std::size_t i = 0; i != width; ++i)
      put(*reply.columns[i], row, std::move(reply.cells[at + i]));
  }
}

bool only_reads(std::string_view text) {
  bool first = true;
  for (std::size_t i = 0; i < text.size();) {
    if (!word_character(text[i])) {
      if (first && text[i] == '-') return false;  // A comment may hide anything.
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && word_character(text[end])) ++end;
    std::string_view word = text.substr(i, end - i);
    if (first && word != "SELECT" && word != "WITH" && word != "VALUES" && word != "select")
      return false;
    if (writes(word)) return false;
    first = false;
    i = end;
  }
  return !first;
}

void refuse_nul(const Args& args) {
  auto bad = [](const std::string& s) { return s.find('\0') != std::string::npos; };
  for (const Datum& datum : args.data()) {
    auto* text = std::get_if<std::string>(&datum);
    auto* list = std::get_if<Strings>(&datum);
    if ((text && bad(*text)) || (list && std::ranges::any_of(*list, bad)))
      throw Problem(Problem::Kind::invalid, "Text must not contain the character U+0000.");
  }
}

}  // namespace antiphon::store

#include "store/postgres_result.h"

#include <array>
#include <charconv>

namespace antiphon::store {
namespace {

template <class Number>
std::string digits(Number n) {
  std::array<char, 40> buffer{};
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), n);
  return std::string(buffer.data(), end);
}

/// An array literal: {"a","b \" c"}.
std::string literal(const Strings& list) {
  std::string out = "{";
  for (const std::string& item : list) {
    out.append(out.size() > 1 ? ",\"" : "\"");
    for (char c : item) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out + "}";
}

std::string literal(const Integers& list) {
  std::string out = "{";
  for (std::int64_t item : list) out.append(out.size() > 1 ? "," : "").append(digits(item));
  return out + "}";
}

}  // namespace

PgArguments::PgArguments(const Args& args) {
  made_.reserve(args.data().size());  // values_ points into it.
  values_.reserve(args.data().size());
  for (const Datum& datum : args.data()) {
    if (std::holds_alternative<std::monostate>(datum)) {
      values_.push_back(nullptr);
      continue;
    }
    if (auto* text = std::get_if<std::string>(&datum)) {
      values_.push_back(text->c_str());
      continue;
    }
    if (auto* n = std::get_if<std::int64_t>(&datum)) made_.push_back(digits(*n));
    if (auto* d = std::get_if<double>(&datum)) made_.push_back(digits(*d));
    if (auto* s = std::get_if<Strings>(&datum)) made_.push_back(literal(*s));
    if (auto* i = std::get_if<Integers>(&datum)) made_.push_back(literal(*i));
    values_.push_back(made_.back().c_str());
  }
}

Reply reply_of(const PGresult* result, const Call& call) {
  Reply reply;
  std::string_view changed = PQcmdTuples(const_cast<PGresult*>(result));
  std::from_chars(changed.data(), changed.data() + changed.size(), reply.changed);
  int rows = PQntuples(result), width = PQnfields(result);
  if (!call.row || rows == 0) return reply;
  for (int c = 0; c != width; ++c)
    reply.columns.push_back(field_for(*call.row, PQfname(result, c), call.sql.name));
  reply.cells.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
  for (int r = 0; r != rows; ++r) {
    for (int c = 0; c != width; ++c) {
      if (PQgetisnull(result, r, c)) {
        reply.cells.emplace_back();
        continue;
      }
      std::string_view text(PQgetvalue(result, r, c),
                            static_cast<std::size_t>(PQgetlength(result, r, c)));
      const json::Field& field = *reply.columns[static_cast<std::size_t>(c)];
      if (holds_json(*field.shape))
        reply.cells.emplace_back(column_json(text, call.sql.name));
      else
        reply.cells.emplace_back(std::string(text));
    }
  }
  return reply;
}

std::string_view sqlstate(const PGresult* result) {
  const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  return state ? state : "";
}

bool is_collision(std::string_view state) {
  return state == "40001" || state == "40P01";
}

Problem problem_of(const PGresult* result, std::string_view statement) {
  using enum Problem::Kind;
  std::string_view state = sqlstate(result);
  auto field = [&](int which) {
    const char* text = PQresultErrorField(result, which);
    return std::string(text ? text : "");
  };
  auto problem = [&](Problem::Kind kind, std::string detail) {
    std::string words = field(PG_DIAG_MESSAGE_PRIMARY);
    if (words.empty()) words = PQresultErrorMessage(result);
    return Problem(kind, std::move(detail))
        .because(std::string(statement) + ": " + words + " (" + std::string(state) + ")");
  };
  if (state == "23505" || state == "23P01") return problem(conflict, "There is such a record already.");
  if (state == "23503")
    return problem(conflict, "A record that this one depends on, or that depends on it, forbids this.");
  if (state == "22021" || state == "22P05")
    return problem(invalid, "The text holds characters that cannot be stored.");
  if (state == "57014") return problem(unavailable, "The database took too long.");
  if (state == "53100")
    return problem(unavailable, "The disk that holds the database is full. Nothing was saved.");
  if (state == "55P03" || is_collision(state))
    return problem(unavailable, "The database is busy. Try again in a moment.").retry_after(1);
  if (state == "25006")
    return problem(unavailable, "The database takes no changes at the moment.").retry_after(1);
  if (state == "42501")
    return problem(unavailable,
                   "The role in DATABASE_URL lacks a right. Make it the owner of the database: ALTER "
                   "DATABASE … OWNER TO …");
  if (state == "54000" || state == "54001" || state == "54011")
    return problem(too_large, "The record is larger than the database takes.");
  std::string_view kind = state.substr(0, 2);
  if (kind == "08" || kind == "53" || kind == "57" || kind == "58")
    return problem(unavailable, "The database cannot be reached at the moment.").retry_after(1);
  return problem(internal, "Database error");
}

}  // namespace antiphon::store

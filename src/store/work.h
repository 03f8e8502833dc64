#pragma once

#include <variant>

#include "base/async.h"
#include "store/db.h"

/// What travels between the waiting coroutine and the thread that speaks to the database. All of
/// it owns its values: a coroutine that goes away while a statement runs leaves nothing dangling.
namespace antiphon::store {

/// A statement to run. `row` says what its rows are to become; null when nobody wants them.
struct Call {
  Sql sql;
  Args args = Args();
  const json::Shape* row = nullptr;

  std::string_view text(Dialect dialect) const {
    return dialect == Dialect::postgres && !sql.postgres.empty() ? sql.postgres : sql.text;
  }
};

/// One value of a row.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string, json::Value>;

/// What came of a Call: the rows, cell after cell.
struct Reply {
  std::int64_t changed = 0;
  std::vector<const json::Field*> columns;
  std::vector<Cell> cells;
};

/// A Completion that passes what it is given on to `done`, converted.
template <class From, class To>
Completion<From> converting(Completion<To> done, To (*convert)(From)) {
  auto state = std::make_shared<typename Completion<From>::State>();
  // The state calls this while it is alive itself; holding it here as well would be a circle.
  state->resume = [own = state.get(), done = std::move(done), convert] {
    if (auto* error = std::get_if<2>(&own->result)) return done.fail(*error);
    done(convert(std::move(std::get<1>(own->result))));
  };
  return Completion<From>(state);
}

/// The field of `row` that takes the column; throws std::logic_error when there is none.
const json::Field* field_for(const json::Shape& row, std::string_view column,
                             std::string_view statement);

/// True when a field of this shape takes a JSON value, which the database's thread parses.
bool holds_json(const json::Shape& shape);

/// The JSON of a column; throws a Problem (internal) that names the statement when it is none.
json::Value column_json(std::string_view text, std::string_view statement);

/// Appends the rows to `rows`, an array of `list`.
void fill(Reply reply, const json::Shape& list, void* rows);

/// True when the text, looked at without parsing, can only read: a SELECT, WITH or VALUES without a
/// word that writes, locks or notifies. False is always safe.
bool only_reads(std::string_view text);

/// Refuses text that PostgreSQL cannot store (U+0000), on both engines alike.
void refuse_nul(const Args& args);

}  // namespace antiphon::store

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/db.h"

namespace antiphon::store {

/// A DATABASE_URL, taken apart.
struct Url {
  Dialect dialect = Dialect::sqlite;
  std::string path;  ///< SQLite: a file or ":memory:".
  /// PostgreSQL: libpq's keywords and their values, in the order to give them.
  std::vector<std::pair<std::string, std::string>> keywords;
  bool prepared_statements = true;

  /// The keyword's value, or "".
  std::string_view keyword(std::string_view name) const;
};

/// Takes the spellings that Open WebUI takes: sqlite:///relative, sqlite:////absolute,
/// sqlite://:memory:, postgres://, postgresql://, each with a driver after a plus sign. Parameters
/// that only Python's drivers know are left out. Throws a Problem that names the cure and never
/// repeats the password.
Url parse_url(std::string_view text);

}  // namespace antiphon::store

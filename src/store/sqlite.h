#pragma once

#include <chrono>

#include "store/db.h"

namespace antiphon::store {

/// How long SQLite may be kept busy. The defaults are those of PostgreSQL's connections.
struct SqlitePatience {
  std::chrono::milliseconds statement{10'000};
  std::chrono::milliseconds transaction{10'000};  ///< An interactive one, while it has the writer.
  std::chrono::milliseconds lock{5'000};          ///< For another program that writes to the file.
};

/// `path` is a file or ":memory:".
std::unique_ptr<Db> open_sqlite(const std::string& path, const Options& options,
                                SqlitePatience patience = {});

}  // namespace antiphon::store

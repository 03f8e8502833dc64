#pragma once

#include "store/db.h"

namespace antiphon::store {

/// `path` is a file or ":memory:".
std::unique_ptr<Db> open_sqlite(const std::string& path, const Options& options);

}  // namespace antiphon::store

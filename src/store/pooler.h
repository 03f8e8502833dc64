#pragma once

#include <string>

namespace antiphon::store {

/// What stands between us and PostgreSQL.
struct Pooling {
  bool by_transaction = false;  ///< A connection's next statement may reach another server connection.
  bool forgets_prepared = false;  ///< And the URL does not say that nothing may be prepared.
};

/// Finds out with two connections of its own, in some round trips. False for SQLite. Blocks for at most
/// a few seconds; throws a Problem where the server cannot be reached.
Pooling probe_pooling(const std::string& url);

/// The one value that one statement yields on a connection of its own; "" for no row. Blocks likewise.
std::string ask_once(const std::string& url, const std::string& sql);

}  // namespace antiphon::store

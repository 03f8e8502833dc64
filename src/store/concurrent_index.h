#pragma once

#include <string>
#include <string_view>

#include "store/db.h"

/// Indexes of PostgreSQL that are built while others write, outside any transaction: so a kill can
/// leave one half made, which is INVALID and only costs writes.
namespace antiphon::store {

/// "chat_by_note" of "CREATE INDEX CONCURRENTLY chat_by_note ON chat (note)"; empty when it is no such
/// statement.
std::string index_of(std::string_view statement);

/// The same statement for a database that nobody uses yet.
std::string without_concurrently(std::string statement);

/// Whether the index is there and whole.
Task<bool> index_stands(Connection& db, std::string_view index);

/// Builds it, however many processes do so at once: what a killed one left is dropped, and one that is
/// being built is waited for. For as long as it takes.
Task<> build_index(Db& db, std::string statement);

}  // namespace antiphon::store

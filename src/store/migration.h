#pragma once

#include <span>
#include <string>
#include <string_view>

#include "store/db.h"

namespace antiphon::store {

/// A file of src/**/migrations, embedded by cmake/Antiphon.cmake. tools/check_migrations.py refuses
/// what its kind may not do.
struct Migration {
  std::string_view name;  ///< "20260301_1200_chat_last_read_at"; sorts by time of writing.
  std::string_view text;
};

extern const std::span<const Migration> migrations;

/// What a migration's first line says it does to replicas of the version before:
///   -- expand                    they do not mind
///   -- expand concurrently       an index, built while others write
///   -- backfill                  they do not mind; fills what an expansion added
///   -- contract from 0.3.0 after 20260301_1200_chat_last_read_at
///                                versions before 0.3.0 would break. It waits until all replicas are
///                                that new, and until the named migration is a day old.
struct Header {
  std::string_view kind = "unknown";  ///< The first word.
  bool concurrently = false;
  std::string_view from;   ///< Of a contract: the oldest version that may serve afterwards.
  std::string_view after;  ///< Of a contract.
  /// Contracts of before the rule have no conditions, and are applied in their turn.
  bool waits() const { return !after.empty(); }
};

Header header_of(const Migration& migration);

/// The part of a migration meant for one dialect: everything outside `--@…` sections, and the
/// sections of that dialect.
std::string sql_for(Dialect dialect, std::string_view text);

}  // namespace antiphon::store

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/version.h"
#include "json/dto.h"
#include "store/migration.h"

/// What a database says of its schema, and what follows for a version. The statements' home; migrate.h
/// is what others call.
namespace antiphon::store {

/// A row of antiphon_migration.
struct AppliedMigration {
  std::string name;
  std::string kind;
  std::int64_t applied_at = 0;  ///< Unix seconds.
};
ANTIPHON_DTO(AppliedMigration, name, kind, applied_at)

/// What to bring a database to, and by whom.
struct Upgrade {
  std::span<const Migration> all = migrations;
  std::string_view version = kAntiphonVersion;
  /// How old the expansion must be that a contract step follows: until then one may go back.
  std::chrono::seconds contract_after = std::chrono::hours(24);
};

using Applied = std::vector<AppliedMigration>;

const AppliedMigration* find_in(const Applied& applied, std::string_view name);

/// Nothing when no process has made the table yet. Throws a Problem when the database is another
/// program's.
Task<Applied> applied_in(Connection& db);

/// Throws a Problem that names the version to run when this one would break the database's data, or be
/// broken by it. `copies` are those of Db::copies(): the one to go back to is named.
Task<> refuse_incompatible(Connection& db, const Applied& applied, const Upgrade& upgrade,
                           const std::vector<std::string>& copies = {});

/// Says in the log that the schema is newer than this version, which is no fault.
void tell_ahead(const Applied& applied, const Upgrade& upgrade);

/// Whether a contract step may run now: nothing, or why it waits.
Task<std::optional<std::string>> why_waits(Connection& db, const Applied& applied,
                                           const Upgrade& upgrade, const Migration& contract);

/// The oldest version that may serve; empty is any.
Task<std::string> min_compatible(Connection& db, const Applied& applied);
/// From here on older versions refuse to start, and stop when they run.
Task<> raise_min_compatible(Connection& db, const Applied& applied, std::string_view version);

}  // namespace antiphon::store

#include "store/schema_state.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/log.h"
#include "base/problem.h"
#include "store/now.h"

namespace antiphon::store {

ANTIPHON_DTO_DEFINE(AppliedMigration)

struct Answer {
  bool yes = false;
  std::string text;
};
ANTIPHON_DTO(Answer, yes, text)
ANTIPHON_DTO_DEFINE(Answer)

namespace {

/// Adds cluster.min_compatible.
constexpr std::string_view kAddsMinCompatible = "20261127_1010_cluster_versions";

constexpr Sql kApplied{"migrate.applied",
                       "SELECT name, kind, applied_at FROM antiphon_migration ORDER BY name"};
constexpr Sql kTable{"migrate.table", R"(
    SELECT count(*) > 0 AS yes
      FROM sqlite_schema
     WHERE name = 'antiphon_migration')",
                     "SELECT to_regclass('antiphon_migration') IS NOT NULL AS yes"};

/// What Open WebUI's has, and ours only beside `antiphon_migration`.
constexpr Sql kForeign{"migrate.foreign", R"(
    SELECT count(*) > 0 AS yes
      FROM sqlite_schema
     WHERE name IN ('user', 'alembic_version'))",
                       R"(
    SELECT coalesce(to_regclass('"user"'), to_regclass('alembic_version')) IS NOT NULL AS yes)"};

constexpr Sql kMinCompatible{"migrate.min_compatible",
                             "SELECT coalesce(min_compatible, '') AS text FROM cluster WHERE id = 1"};
constexpr Sql kRaise{"migrate.raise", "UPDATE cluster SET min_compatible = $1 WHERE id = 1"};
constexpr Sql kAgo{"migrate.ago", R"(
    SELECT applied_at <= CAST(strftime('%s', 'now') AS INTEGER) - $2 AS yes
      FROM antiphon_migration
     WHERE name = $1)",
                   R"(
    SELECT applied_at <= CAST(extract(epoch FROM clock_timestamp()) AS BIGINT) - $2 AS yes
      FROM antiphon_migration
     WHERE name = $1)"};

/// The replicas whose lease runs (runs/). SQLite has one process, and this is it.
constexpr Sql kHasNodes{"migrate.has_nodes", "SELECT FALSE AS yes",
                        "SELECT to_regclass('node') IS NOT NULL AS yes"};
constexpr Sql kLive{"migrate.live", "SELECT '' AS text WHERE FALSE", R"(
    SELECT DISTINCT version AS text
      FROM node
     WHERE lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"()"};

bool knows(std::span<const Migration> all, std::string_view name) {
  return std::ranges::find(all, name, &Migration::name) != all.end();
}

bool harmless(const AppliedMigration& a) {
  return a.kind == "expand" || a.kind == "backfill";
}

/// The newest copy that was made before the schema changed; its name holds when
/// (SqliteFile::backup_path).
std::string copy_to_restore(const std::vector<std::string>& copies, std::int64_t changed_at) {
  static constexpr std::string_view kMark = ".backup-";
  std::array<char, 32> stamp{};
  std::time_t at = changed_at;
  std::tm utc{};
  gmtime_r(&at, &utc);
  std::string_view limit(stamp.data(),
                         std::strftime(stamp.data(), stamp.size(), "%Y%m%d-%H%M%S", &utc));
  std::string best;
  for (const std::string& copy : copies) {
    std::size_t mark = copy.rfind(kMark);
    if (mark != copy.npos && copy.substr(mark + kMark.size(), limit.size()) <= limit) best = copy;
  }
  return best;
}

Problem incompatible(std::string detail, std::string_view migration, const std::string& copy) {
  detail += copy.empty() ? ", or restore a backup from before it."
                         : ", or restore the copy from before it: " + copy;
  return Problem(Problem::Kind::unavailable, std::move(detail))
      .because("unknown migration " + std::string(migration));
}

}  // namespace

const AppliedMigration* find_in(const Applied& applied, std::string_view name) {
  auto found = std::ranges::find(applied, name, &AppliedMigration::name);
  return found == applied.end() ? nullptr : &*found;
}

Task<Applied> applied_in(Connection& db) {
  // In this order: another process may be making both, in one transaction.
  auto foreign = co_await db.first<Answer>(kForeign);
  auto table = co_await db.first<Answer>(kTable);
  if (table && table->yes) co_return co_await db.all<AppliedMigration>(kApplied);
  if (foreign && foreign->yes)
    throw Problem(
        Problem::Kind::unavailable,
        "The database belongs to Open WebUI or another program. Antiphon needs one of its own: "
        "change DATABASE_URL.");
  co_return Applied{};
}

Task<std::string> min_compatible(Connection& db, const Applied& applied) {
  if (!find_in(applied, kAddsMinCompatible)) co_return std::string();
  auto row = co_await db.first<Answer>(kMinCompatible);
  co_return row ? row->text : std::string();
}

Task<> raise_min_compatible(Connection& db, const Applied& applied, std::string_view version) {
  std::string now = co_await min_compatible(db, applied);
  if (!version.empty() && find_in(applied, kAddsMinCompatible) && compare_versions(now, version) < 0)
    co_await db.run(kRaise, version);
}

Task<> refuse_incompatible(Connection& db, const Applied& applied, const Upgrade& upgrade,
                           const std::vector<std::string>& copies) {
  const AppliedMigration* broke = nullptr;
  for (const AppliedMigration& a : applied)
    if (!knows(upgrade.all, a.name) && !harmless(a)) broke = &a;
  std::string needed = co_await min_compatible(db, applied);
  if (compare_versions(upgrade.version, needed) < 0)
    throw incompatible("The database needs version " + needed + " or later, and this is " +
                           std::string(upgrade.version) + ": what older versions read " +
                           (broke ? "went with migration " + broke->name : "is about to go") +
                           ". Start version " + needed + " or later",
                       broke ? broke->name : "",
                       copy_to_restore(copies, broke ? broke->applied_at : 0));
  if (broke && needed.empty())
    throw incompatible("The database was upgraded by a newer version (migration " + broke->name +
                           "), which this version would damage. Start that version",
                       broke->name, copy_to_restore(copies, broke->applied_at));
}

void tell_ahead(const Applied& applied, const Upgrade& upgrade) {
  std::int64_t unknown = 0;
  std::string newest;
  for (const AppliedMigration& a : applied) {
    if (knows(upgrade.all, a.name)) continue;
    ++unknown;
    newest = a.name;
  }
  if (unknown)
    log::info("The database is ahead of this version, compatibly",
              {{"version", upgrade.version}, {"migrations", unknown}, {"newest", newest}});
}

Task<std::optional<std::string>> why_waits(Connection& db, const Applied& applied,
                                           const Upgrade& upgrade, const Migration& contract) {
  Header header = header_of(contract);
  if (!find_in(applied, header.after)) co_return "until " + std::string(header.after) + " is applied";
  auto aged = co_await db.first<Answer>(kAgo, header.after, upgrade.contract_after.count());
  if (!aged || !aged->yes)
    co_return "until " + std::string(header.after) + " is " +
        std::to_string(std::chrono::duration_cast<std::chrono::hours>(upgrade.contract_after).count()) +
        " h old (ANTIPHON_CONTRACT_AFTER_HOURS)";
  auto nodes = co_await db.first<Answer>(kHasNodes);
  if (!nodes || !nodes->yes) co_return std::nullopt;
  for (const Answer& node : co_await db.all<Answer>(kLive))
    if (compare_versions(node.text, header.from) < 0)
      co_return "until no replica of version " + node.text + " serves";
  co_return std::nullopt;
}

}  // namespace antiphon::store

#include "store/migrate.h"

#include <algorithm>

#include "base/async.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/dto.h"

namespace antiphon::store {

struct AppliedMigration {
  std::string name;
  std::string kind;
};
ANTIPHON_DTO(AppliedMigration, name, kind)
ANTIPHON_DTO_DEFINE(AppliedMigration)

struct Found {
  bool yes = false;
};
ANTIPHON_DTO(Found, yes)
ANTIPHON_DTO_DEFINE(Found)

std::string sql_for(Dialect dialect, std::string_view text) {
  std::string_view own = dialect == Dialect::sqlite ? "sqlite" : "postgres";
  std::string out;
  bool ours = true;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("--@"))
      ours = line == "--@end" || line.substr(3) == own;
    else if (ours)
      out.append(line).append("\n");
  }
  return out;
}

namespace {

constexpr std::string_view kCreate = R"(
    CREATE TABLE IF NOT EXISTS antiphon_migration (
      name       TEXT   PRIMARY KEY,
      kind       TEXT   NOT NULL,
      applied_at BIGINT NOT NULL
    ))";
constexpr Sql kApplied{"migrate.applied", "SELECT name, kind FROM antiphon_migration ORDER BY name"};
constexpr Sql kNote{"migrate.note",
                    "INSERT INTO antiphon_migration (name, kind, applied_at) VALUES ($1, $2, $3)"};
constexpr Sql kLock{"migrate.lock", "SELECT pg_try_advisory_xact_lock(4711, 1) AS yes"};
constexpr Sql kTable{"migrate.table", R"(
    SELECT count(*) > 0 AS yes
      FROM sqlite_schema
     WHERE name = 'antiphon_migration')",
                     "SELECT to_regclass('antiphon_migration') IS NOT NULL AS yes"};
constexpr Sql kHoldsData{"migrate.holds_data", R"(
    SELECT count(*) > 0 AS yes
      FROM sqlite_schema
     WHERE type = 'table')"};

/// PostgreSQL 15 lets nobody but the owner, unless told otherwise.
constexpr Sql kMayCreate{"migrate.may_create", R"(
    SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS yes)"};

/// What Open WebUI's has, and ours only beside `antiphon_migration`.
constexpr Sql kForeign{"migrate.foreign", R"(
    SELECT count(*) > 0 AS yes
      FROM sqlite_schema
     WHERE name IN ('user', 'alembic_version'))",
                       R"(
    SELECT coalesce(to_regclass('"user"'), to_regclass('alembic_version')) IS NOT NULL AS yes)"};

std::string_view kind_of(const Migration& migration) {
  std::string_view line = migration.text.substr(0, migration.text.find('\n'));
  for (std::string_view kind : {"expand", "backfill", "contract"})
    if (line.starts_with("--") && line.find(kind) != std::string_view::npos) return kind;
  return "unknown";
}

const Migration* first_missing(const std::vector<AppliedMigration>& applied,
                               std::span<const Migration> all) {
  for (const Migration& m : all)
    if (std::ranges::find(applied, m.name, &AppliedMigration::name) == applied.end()) return &m;
  return nullptr;
}

void refuse_newer(const std::vector<AppliedMigration>& applied, std::span<const Migration> all) {
  for (const AppliedMigration& a : applied) {
    if (std::ranges::find(all, a.name, &Migration::name) != all.end()) continue;
    if (a.kind == "expand" || a.kind == "backfill") {
      log::info("The database is ahead of this version, compatibly", {{"migration", a.name}});
      continue;
    }
    throw Problem(Problem::Kind::unavailable,
                  "The database was upgraded by a newer version (migration " + a.name +
                      "), which this version would damage. Start that version, or restore a backup "
                      "from before it.")
        .because("unknown migration " + a.name);
  }
}

Task<std::vector<AppliedMigration>> applied_in(Connection& db) {
  // In this order: another process may be making both, in one transaction.
  auto foreign = co_await db.first<Found>(kForeign);
  auto table = co_await db.first<Found>(kTable);
  if (table && table->yes) co_return co_await db.all<AppliedMigration>(kApplied);
  if (foreign && foreign->yes)
    throw Problem(
        Problem::Kind::unavailable,
        "The database belongs to Open WebUI or another program. Antiphon needs one of its own: "
        "change DATABASE_URL.");
  co_return std::vector<AppliedMigration>{};
}

/// What became of one attempt to go one migration on.
struct Step {
  bool locked_out = false;          ///< Another process migrates.
  const Migration* done = nullptr;  ///< Null when nothing was left to do.
};

Task<Step> step(Connection& db, std::span<const Migration> all) {
  if (db.dialect() == Dialect::postgres) {
    auto lock = co_await db.first<Found>(kLock);
    if (!lock || !lock->yes) co_return Step{.locked_out = true};
    // A migration of much data takes as long as it takes.
    co_await db.script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s'");
  }
  co_await db.script(std::string(kCreate));
  auto applied = co_await db.all<AppliedMigration>(kApplied);
  refuse_newer(applied, all);
  const Migration* next = first_missing(applied, all);
  if (!next) co_return Step{};
  try {
    co_await db.script(sql_for(db.dialect(), next->text));
  } catch (const Problem& p) {
    throw Problem(p.kind(), "The database could not be upgraded: migration " + std::string(next->name) +
                                " failed and left nothing behind. " + p.detail())
        .because(std::string(next->name) + ": " + p.cause());
  }
  co_await db.run(kNote, next->name, kind_of(*next), unix_seconds());
  co_return Step{.done = next};
}

Task<> back_up(Db& db, std::span<const Migration> all) {
  if (db.dialect() != Dialect::sqlite) co_return;
  const Migration* next = first_missing(co_await applied_in(db), all);
  if (!next) co_return;
  auto data = co_await db.first<Found>(kHoldsData);
  if (!data || !data->yes) co_return;
  auto copy = co_await db.backup("before-" + std::string(next->name));
  if (copy) log::info("Copied the database before upgrading it", {{"copy", *copy}});
}

}  // namespace

Task<std::vector<std::string>> migrate(Db& db, std::span<const Migration> all) {
  using Clock = std::chrono::steady_clock;
  refuse_newer(co_await applied_in(db), all);
  co_await back_up(db, all);
  std::vector<std::string> names;
  auto deadline = Clock::now() + std::chrono::minutes(10);
  auto told = Clock::now();
  for (;;) {
    Step result;
    co_await db.transact([&](Connection& c) -> Task<> { result = co_await step(c, all); });
    if (result.done) {
      log::info("Upgraded the database", {{"migration", result.done->name}});
      names.emplace_back(result.done->name);
      deadline = Clock::now() + std::chrono::minutes(10);
      continue;
    }
    if (!result.locked_out) co_return names;
    if (Clock::now() > deadline)
      throw Problem(
          Problem::Kind::unavailable,
          "Another process has been upgrading the database for ten minutes. Look at its log.");
    if (Clock::now() - told > std::chrono::seconds(5)) {
      log::info("Waiting for another process to upgrade the database");
      told = Clock::now();
    }
    co_await sleep_for(std::chrono::milliseconds(100));
  }
}

Task<std::vector<std::string>> missing_migrations(Db& db, std::span<const Migration> all) {
  auto applied = co_await applied_in(db);
  refuse_newer(applied, all);
  std::vector<std::string> out;
  for (const Migration& m : all)
    if (std::ranges::find(applied, m.name, &AppliedMigration::name) == applied.end())
      out.emplace_back(m.name);
  if (out.empty() || db.dialect() != Dialect::postgres) co_return out;
  auto may = co_await db.first<Found>(kMayCreate);
  if (!may || !may->yes)
    throw Problem(Problem::Kind::unavailable,
                  "The role in DATABASE_URL may not make tables. Make it the owner of the database: "
                  "ALTER DATABASE … OWNER TO …");
  co_return out;
}

Task<> wait_for_schema(Db& db, std::span<const Migration> all, std::chrono::nanoseconds patience) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (bool told = false;; told = true) {
    auto applied = co_await applied_in(db);
    refuse_newer(applied, all);
    const Migration* missing = first_missing(applied, all);
    if (!missing) co_return;
    if (!told) log::info("Waiting until the database has been upgraded", {{"lacks", missing->name}});
    if (std::chrono::steady_clock::now() > deadline)
      throw Problem(Problem::Kind::unavailable,
                    "AP-012 The database lacks migration " + std::string(missing->name) +
                        ". Start one process with ENABLE_DB_MIGRATIONS=True.");
    co_await sleep_for(std::chrono::milliseconds(500));
  }
}

}  // namespace antiphon::store

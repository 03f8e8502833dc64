#include "store/migrate.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/async.h"
#include "base/log.h"
#include "base/problem.h"
#include "json/dto.h"
#include "store/concurrent_index.h"

namespace antiphon::store {

struct Found {
  bool yes = false;
};
ANTIPHON_DTO(Found, yes)
ANTIPHON_DTO_DEFINE(Found)

struct LockHolder {
  std::string name;
};
ANTIPHON_DTO(LockHolder, name)
ANTIPHON_DTO_DEFINE(LockHolder)

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::minutes(10);

constexpr std::string_view kCreate = R"(
    CREATE TABLE IF NOT EXISTS antiphon_migration (
      name       TEXT   PRIMARY KEY,
      kind       TEXT   NOT NULL,
      applied_at BIGINT NOT NULL
    ))";
constexpr Sql kNote{"migrate.note", R"(
    INSERT INTO antiphon_migration (name, kind, applied_at)
    VALUES ($1, $2, CAST(strftime('%s', 'now') AS INTEGER)))",
                    R"(
    INSERT INTO antiphon_migration (name, kind, applied_at)
    VALUES ($1, $2, CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)))"};

/// Of the transaction, not of the session: a pooler that deals out connections by the transaction
/// (PgBouncer) knows the first, and would leave the other with whoever has the connection next.
constexpr Sql kLock{"migrate.lock", "", "SELECT pg_try_advisory_xact_lock(4711, 1) AS yes"};
constexpr Sql kSignLock{"migrate.sign_lock", "",
                        "SELECT set_config('application_name', $1, TRUE) <> '' AS yes"};
constexpr Sql kHolder{"migrate.lock_holder", "", R"(
    SELECT coalesce(a.application_name, '') AS name
      FROM pg_locks l
      JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.classid = 4711 AND l.objid = 1 AND l.granted
       AND a.datname = current_database())"};
constexpr Sql kHoldsData{"migrate.holds_data", R"(
    SELECT count(*) > 0 AS yes
      FROM sqlite_schema
     WHERE type = 'table')"};

/// PostgreSQL 15 lets nobody but the owner, unless told otherwise.
constexpr Sql kMayCreate{"migrate.may_create", R"(
    SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS yes)"};

/// What pg_stat_activity shows of the one that migrates; 63 bytes at most.
std::string this_process(const Upgrade& upgrade) {
  std::array<char, 32> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return "antiphon " + std::string(upgrade.version) + " on " + host.data() + ", process " +
         std::to_string(getpid());
}

/// The first that is not there and waits for nothing.
const Migration* first_missing(const Applied& applied, std::span<const Migration> all) {
  for (const Migration& m : all)
    if (!find_in(applied, m.name) && !header_of(m).waits()) return &m;
  return nullptr;
}

/// What became of one attempt to go one step on.
struct Step {
  bool locked_out = false;             ///< Another process migrates.
  bool again = false;                  ///< Something was prepared; the next attempt goes on.
  std::vector<std::string_view> done;  ///< Empty when nothing was left to do.
  const Migration* build = nullptr;    ///< An index that is to be built first, outside.
};

Task<> apply(Connection& db, const Migration& m, std::string sql) {
  try {
    if (!sql.empty()) co_await db.script(std::move(sql));
  } catch (const Problem& p) {
    throw Problem(p.kind(), "The database could not be upgraded: migration " + std::string(m.name) +
                                " failed and left nothing behind. " + p.detail())
        .because(std::string(m.name) + ": " + p.cause());
  }
  co_await db.run(kNote, m.name, header_of(m).kind);
}

/// Nobody has used the database, so nothing can be in anybody's way.
Task<Step> create_all(Connection& db, const Upgrade& upgrade) {
  Step out;
  std::string oldest;
  for (const Migration& m : upgrade.all) {
    Header header = header_of(m);
    std::string sql = sql_for(db.dialect(), m.text);
    if (header.concurrently) sql = without_concurrently(std::move(sql));
    co_await apply(db, m, std::move(sql));
    if (compare_versions(oldest, header.from) < 0) oldest = header.from;
    out.done.push_back(m.name);
  }
  co_await raise_min_compatible(db, co_await applied_in(db), oldest);
  co_return out;
}

/// First the word goes out that older versions may not start any more; the step itself is another
/// transaction, which looks again whether one is there. A replica registers before it reads that word
/// the last time, so one of the two sees the other.
Task<Step> contract(Connection& db, const Applied& applied, const Upgrade& upgrade,
                    const Migration& m) {
  Header header = header_of(m);
  if (compare_versions(co_await min_compatible(db, applied), header.from) < 0) {
    co_await raise_min_compatible(db, applied, header.from);
    co_return Step{.again = true};
  }
  co_await apply(db, m, sql_for(db.dialect(), m.text));
  co_return Step{.done = {m.name}};
}

Task<Step> step(Connection& db, const Upgrade& upgrade) {
  if (db.dialect() == Dialect::postgres) {
    auto lock = co_await db.first<Found>(kLock);
    if (!lock || !lock->yes) co_return Step{.locked_out = true};
    (void)co_await db.first<Found>(kSignLock, this_process(upgrade));
    // A migration of much data takes as long as it takes. Whoever waits for a table's lock makes all
    // who come after him wait too.
    co_await db.script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2s'");
  }
  co_await db.script(std::string(kCreate));
  Applied applied = co_await applied_in(db);
  if (applied.empty()) co_return co_await create_all(db, upgrade);
  co_await refuse_incompatible(db, applied, upgrade);
  if (const Migration* next = first_missing(applied, upgrade.all)) {
    std::string sql = sql_for(db.dialect(), next->text);
    if (header_of(*next).concurrently && db.dialect() == Dialect::postgres) {
      if (!co_await index_stands(db, index_of(sql))) co_return Step{.build = next};
      sql.clear();
    }
    co_await apply(db, *next, std::move(sql));
    co_return Step{.done = {next->name}};
  }
  for (const Migration& m : upgrade.all)
    if (header_of(m).waits() && !find_in(applied, m.name) &&
        !co_await why_waits(db, applied, upgrade, m))
      co_return co_await contract(db, applied, upgrade, m);
  co_return Step{};
}

/// Nothing when it could not have the lock of a table.
Task<std::optional<Step>> attempt(Db& db, const Upgrade& upgrade) {
  try {
    Step result;
    co_await db.transact([&](Connection& c) -> Task<> { result = co_await step(c, upgrade); });
    co_return result;
  } catch (const Problem& p) {
    if (p.cause().find("(55P03)") == std::string::npos) throw;
    log::info("A table is in use; the upgrade lets the others go first", {{"cause", p.cause()}});
  }
  co_return std::nullopt;
}

/// The first that the coming migrate() applies: its name is the copy's.
Task<const Migration*> first_due(Db& db, const Applied& applied, const Upgrade& upgrade) {
  if (const Migration* m = first_missing(applied, upgrade.all)) co_return m;
  for (const Migration& m : upgrade.all)
    if (!find_in(applied, m.name) && !co_await why_waits(db, applied, upgrade, m)) co_return &m;
  co_return nullptr;
}

Task<> back_up(Db& db, const Applied& applied, const Upgrade& upgrade) {
  if (db.dialect() != Dialect::sqlite) co_return;
  const Migration* next = co_await first_due(db, applied, upgrade);
  if (!next) co_return;
  auto data = co_await db.first<Found>(kHoldsData);
  if (!data || !data->yes) co_return;
  auto copy = co_await db.backup("before-" + std::string(next->name));
  if (copy) log::info("Copied the database before upgrading it", {{"copy", *copy}});
}

std::string minutes_since(Clock::time_point begin) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin).count();
  auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return two(seconds / 60) + ":" + two(seconds % 60);
}

Task<> tell_waiting(Db& db, Clock::time_point begin) {
  auto holder = co_await db.first<LockHolder>(kHolder);
  log::info("Waiting for another process to upgrade the database",
            {{"process", holder ? holder->name : "has just ended"}, {"waited", minutes_since(begin)}});
}

}  // namespace

Task<std::vector<std::string>> migrate(Db& db, std::span<const Migration> all) {
  co_return co_await migrate(db, Upgrade{.all = all});
}

Task<std::vector<std::string>> migrate(Db& db, Upgrade upgrade) {
  {
    Applied applied = co_await applied_in(db);
    co_await refuse_incompatible(db, applied, upgrade, db.copies());
    tell_ahead(applied, upgrade);
    co_await back_up(db, applied, upgrade);
  }
  std::vector<std::string> names;
  auto begin = Clock::now();
  auto told = begin;
  for (;;) {
    std::optional<Step> result = co_await attempt(db, upgrade);
    if (result && result->build) {
      co_await build_index(db, sql_for(db.dialect(), result->build->text));
      result->again = true;
    }
    for (std::string_view name : result ? result->done : std::vector<std::string_view>{}) {
      log::info("Upgraded the database", {{"migration", name}});
      names.emplace_back(name);
    }
    if (result && (result->again || !result->done.empty())) {
      begin = Clock::now();
      continue;
    }
    if (result && !result->locked_out) co_return names;
    if (Clock::now() - begin > kPatience)
      throw Problem(
          Problem::Kind::unavailable,
          result ? "Another process has been upgrading the database for ten minutes. Look at its log."
                 : "The database could not be upgraded: its tables have been in use for ten "
                   "minutes. Look for long transactions in pg_stat_activity.");
    if (result && Clock::now() - told > std::chrono::seconds(5)) {
      co_await tell_waiting(db, begin);
      told = Clock::now();
    }
    co_await sleep_for(result ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1000));
  }
}

Task<std::vector<std::string>> missing_migrations(Db& db, std::span<const Migration> all) {
  auto applied = co_await applied_in(db);
  co_await refuse_incompatible(db, applied, {.all = all}, db.copies());
  std::vector<std::string> out;
  for (const Migration& m : all)
    if (!find_in(applied, m.name) && (applied.empty() || !header_of(m).waits()))
      out.emplace_back(m.name);
  if (out.empty() || db.dialect() != Dialect::postgres) co_return out;
  auto may = co_await db.first<Found>(kMayCreate);
  if (!may || !may->yes)
    throw Problem(Problem::Kind::unavailable,
                  "The role in DATABASE_URL may not make tables. Make it the owner of the database: "
                  "ALTER DATABASE … OWNER TO …");
  co_return out;
}

Task<std::vector<std::string>> waiting_contracts(Db& db, Upgrade upgrade) {
  auto applied = co_await applied_in(db);
  std::vector<std::string> out;
  for (const Migration& m : upgrade.all) {
    if (!header_of(m).waits() || find_in(applied, m.name)) continue;
    auto why = co_await why_waits(db, applied, upgrade, m);
    out.push_back(std::string(m.name) + " waits " + why.value_or("for the next start"));
  }
  co_return out;
}

Task<> wait_for_schema(Db& db, std::span<const Migration> all, std::chrono::nanoseconds patience) {
  auto deadline = Clock::now() + patience;
  for (bool told = false;; told = true) {
    auto applied = co_await applied_in(db);
    co_await refuse_incompatible(db, applied, {.all = all}, db.copies());
    const Migration* missing = first_missing(applied, all);
    if (!missing) co_return tell_ahead(applied, {.all = all});
    if (!told) log::info("Waiting until the database has been upgraded", {{"lacks", missing->name}});
    if (Clock::now() > deadline)
      throw Problem(Problem::Kind::unavailable,
                    "AP-012 The database lacks migration " + std::string(missing->name) +
                        ". Start one process with ENABLE_DB_MIGRATIONS=True.");
    co_await sleep_for(std::chrono::milliseconds(500));
  }
}

}  // namespace antiphon::store

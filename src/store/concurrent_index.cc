#include "store/concurrent_index.h"

#include "base/async.h"
#include "base/log.h"
#include "base/problem.h"
#include "json/dto.h"

namespace antiphon::store {

struct IndexState {
  bool whole = false;
  std::int64_t id = 0;
};
ANTIPHON_DTO(IndexState, whole, id)
ANTIPHON_DTO_DEFINE(IndexState)

namespace {

constexpr std::string_view kWord = "CONCURRENTLY ";
constexpr Sql kState{"migrate.index_state", "", R"(
    SELECT indisvalid AND indisready AS whole, indexrelid::bigint AS id
      FROM pg_index
     WHERE indexrelid = to_regclass(quote_ident($1::text)))"};
/// Whether one is being built in this database, by whomever: two on one table would wait for one
/// another until PostgreSQL ends one. A builder's server process outlives a builder that is killed.
constexpr Sql kBuilding{"migrate.index_building", "", R"(
    SELECT TRUE AS whole
      FROM pg_stat_progress_create_index
     WHERE datname = current_database()
     LIMIT 1)"};
constexpr int kAttempts = 5;

/// Drops what a killed process left. In this order: one that is being built is in the catalogue later
/// than its builder is in the list, and whole before he has left it.
Task<> clear_away(Connection& db, const std::string& index) {
  auto before = co_await db.first<IndexState>(kState, index);
  if (!before || before->whole || co_await db.first<IndexState>(kBuilding)) co_return;
  auto after = co_await db.first<IndexState>(kState, index);
  if (!after || after->whole || after->id != before->id) co_return;
  log::warn("Dropping an index that was left half made", {{"index", index}});
  co_await db.script("DROP INDEX CONCURRENTLY IF EXISTS \"" + index + "\"");
}

/// Nobody was building one. False when it may be tried again, because another process was as quick.
/// `last`: throws instead.
Task<bool> try_to_build(Connection& db, const std::string& index, const std::string& statement,
                        bool last) {
  if (co_await index_stands(db, index)) co_return true;
  try {
    co_await clear_away(db, index);
    co_await db.script(statement);
    co_return true;
  } catch (const Problem& p) {
    if (last) throw;
    log::info("An index is tried again", {{"index", index}, {"cause", p.cause()}});
  }
  co_return false;
}

}  // namespace

std::string index_of(std::string_view statement) {
  std::size_t at = statement.find(kWord);
  if (at == statement.npos) return {};
  statement.remove_prefix(at + kWord.size());
  return std::string(statement.substr(0, statement.find(' ')));
}

std::string without_concurrently(std::string statement) {
  std::size_t at = statement.find(kWord);
  if (at != statement.npos) statement.erase(at, kWord.size());
  return statement;
}

Task<bool> index_stands(Connection& db, std::string_view index) {
  auto state = co_await db.first<IndexState>(kState, index);
  co_return state && state->whole;
}

Task<> build_index(Db& db, std::string statement) {
  std::string index = index_of(statement);
  bool told = false;
  for (int failures = 0;;) {
    bool built = false;
    bool waits = false;
    co_await db.alone([&](Connection& c) -> Task<> {
      waits = (co_await c.first<IndexState>(kBuilding)).has_value();
      if (!waits) built = co_await try_to_build(c, index, statement, failures + 1 == kAttempts);
    });
    if (built) co_return;
    if (!waits) ++failures;
    if (waits && !told) log::info("Waiting until an index has been built", {{"index", index}});
    told = told || waits;
    co_await sleep_for(std::chrono::milliseconds(500));
  }
}

}  // namespace antiphon::store

#include "store/announced.h"

#include <algorithm>

#include "json/dto.h"
#include "store/now.h"

namespace antiphon::store {

/// A row of `announced` beside what all rows say of the deployment.
struct AnnouncedRow {
  std::string min_compatible;
  std::string live;    ///< Versions, a space between.
  std::int64_t nodes;  ///< How many replicas serve.
  std::string version;
  std::string api;
  std::int64_t due;  ///< In so many milliseconds.
};
ANTIPHON_DTO(AnnouncedRow, min_compatible, live, nodes, version, api, due)
ANTIPHON_DTO_DEFINE(AnnouncedRow)

namespace {

// SQLite never asks.
constexpr Sql kRead{"announced.read", "", R"(
    SELECT coalesce(c.min_compatible, '') AS min_compatible,
           coalesce((SELECT string_agg(DISTINCT version, ' ')
                       FROM node
                      WHERE lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"(), '') AS live,
           (SELECT count(*) FROM node WHERE lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"() AS nodes,
           coalesce(a.version, '') AS version,
           coalesce(a.api, '') AS api,
           coalesce(a.since - )" ANTIPHON_MILLIS_POSTGRES R"(, 0) AS due
      FROM cluster c
      LEFT JOIN (SELECT since, version, api FROM announced ORDER BY since DESC LIMIT 2) a ON TRUE
     WHERE c.id = 1
     ORDER BY a.since DESC)"};
/// One after the other: the second finds what the first wrote.
constexpr Sql kHold{"announced.hold", "", "SELECT id FROM cluster WHERE id = 1 FOR UPDATE"};
/// At once where nothing has been announced yet.
constexpr Sql kChange{"announced.change", "",
                      R"(
    INSERT INTO announced (since, version, api)
    SELECT greatest()" ANTIPHON_MILLIS_POSTGRES
                      R"( + CASE WHEN EXISTS (SELECT 1 FROM announced) THEN $3::bigint ELSE 0 END,
                    (SELECT max(since) + 1 FROM announced)),
           $1::text, $2::text
     WHERE NOT EXISTS (SELECT 1
                         FROM (SELECT version, api FROM announced ORDER BY since DESC LIMIT 1) last
                        WHERE version = $1 AND api = $2))"};
constexpr Sql kForget{"announced.forget", "", R"(
    DELETE FROM announced
     WHERE since NOT IN (SELECT since FROM announced ORDER BY since DESC LIMIT 2))"};

bool is_oldest(std::string_view version, std::string_view live) {
  while (!live.empty()) {
    std::string_view one = live.substr(0, live.find(' '));
    if (compare_versions(one, version) < 0) return false;
    live.remove_prefix(std::min(live.size(), one.size() + 1));
  }
  return true;
}

}  // namespace

constexpr Sql Announced::kCurrent{"", "",
                                  R"(
    SELECT hashtext(concat(c.min_compatible,
                           (SELECT string_agg(DISTINCT version, ' ') FROM node WHERE lease_until >= )" ANTIPHON_MILLIS_POSTGRES
                                  R"(),
                           (SELECT string_agg(concat(since, version, api), ' ' ORDER BY since) FROM announced)))
      FROM cluster c
     WHERE c.id = 1)"};

Announced::Announced(Db& db, Version own, std::chrono::milliseconds lead)
    : db_(db), own_(std::move(own)), lead_(lead), known_{own_, own_, Clock::now()} {}

Version Announced::now() const {
  std::scoped_lock lock(mutex_);
  return Clock::now() < known_.change ? known_.before : known_.after;
}

Task<> Announced::refresh() {
  if (db_.dialect() == Dialect::sqlite) co_return;
  auto rows = co_await db_.all<AnnouncedRow>(kRead);
  if (rows.empty()) co_return;
  const AnnouncedRow& last = rows.front();
  bool old = compare_versions(own_.version, last.min_compatible) < 0;
  too_old_for_ = old ? last.min_compatible : std::string();
  Version newest{last.version, last.api};
  if (!old && newest != own_ && is_oldest(own_.version, last.live)) {
    std::vector<Bound> change;
    change.emplace_back(kHold);
    // Alone there is nobody to wait for.
    std::int64_t lead = last.nodes > 1 ? lead_.count() : 0;
    change.emplace_back(kChange, own_.version, own_.api, lead);
    change.emplace_back(kForget);
    co_await db_.batch(std::move(change));
    rows = co_await db_.all<AnnouncedRow>(kRead);
  }
  if (rows.empty() || rows.front().version.empty()) co_return;
  auto version_of = [](const AnnouncedRow& row) { return Version{row.version, row.api}; };
  const AnnouncedRow& next = rows.front();
  std::scoped_lock lock(mutex_);
  known_ = {version_of(rows.back()), version_of(next),
            Clock::now() + std::chrono::milliseconds(next.due)};
}

}  // namespace antiphon::store

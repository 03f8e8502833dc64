#include "cluster/seals.h"

#include "base/log.h"
#include "base/scope.h"
#include "json/dto.h"
#include "json/text.h"

namespace antiphon::cluster {

struct SettingRow {
  std::string key;
  std::string value;
};
ANTIPHON_DTO(SettingRow, key, value)
ANTIPHON_DTO_DEFINE(SettingRow)

namespace {

using store::Sql;

constexpr Sql kSettings{"cluster.sealed_settings",
                        "SELECT key, value FROM config WHERE value LIKE '{\"$sealed\":%' ORDER BY key"};
constexpr Sql kReplace{"cluster.seal_setting",
                       "UPDATE config SET value = $2 WHERE key = $1 AND value = $3"};
constexpr Sql kDrop{"cluster.drop_setting", "DELETE FROM config WHERE key = $1 AND value = $2"};
constexpr Sql kRaise{"cluster.raise_settings",
                     "UPDATE config_version SET version = version + 1 WHERE id = 1"};

Task<std::vector<SealedRow>> setting_rows(store::Connection& db) {
  std::vector<SealedRow> out;
  for (SettingRow& row : co_await db.all<SettingRow>(kSettings)) {
    auto value = json::try_parse(row.value);
    std::string sealed(value ? json::text_at(*value, config::kSealedMember) : std::string_view());
    out.push_back({std::move(row.key), std::move(sealed), std::move(row.value)});
  }
  co_return out;
}

/// The settings' version stays: what they say has not changed.
Task<bool> replace_setting(store::Connection& db, SealedRow was, std::string sealed) {
  json::Object value{{config::kSealedMember, std::move(sealed)}};
  std::string text = json::serialize(json::Value(std::move(value)));
  co_return co_await db.run(kReplace, was.place, text, was.stored) == 1;
}

constexpr std::size_t kNamed = 5;

}  // namespace

SealedKind sealed_settings() {
  return {.name = "setting", .rows = setting_rows, .replace = replace_setting};
}

std::vector<SealedKind> sealed_kinds() {
  return {sealed_settings()};
}

Task<std::vector<Unopened>> unopened(store::Connection& db, const config::AesSealer& sealer) {
  std::vector<Unopened> out;
  for (const SealedKind& kind : sealed_kinds()) {
    Unopened lost{.kind = kind.name, .places = {}};
    for (SealedRow& row : co_await kind.rows(db))
      if (!sealer.open(row.place, row.sealed)) lost.places.push_back(std::move(row.place));
    if (!lost.places.empty()) out.push_back(std::move(lost));
  }
  co_return out;
}

std::string complaint(const std::vector<Unopened>& lost) {
  std::string out;
  for (const Unopened& kind : lost) {
    bool one = kind.places.size() == 1;
    out.append(out.empty() ? "" : " and ").append(std::to_string(kind.places.size())).append(" ");
    out.append(kind.kind).append(one ? " (" : "s (");
    for (std::size_t i = 0; i < kind.places.size() && i < kNamed; ++i)
      out.append(i ? ", " : "").append(kind.places[i]);
    out.append(kind.places.size() > kNamed ? ", …)" : ")");
    out.append(one ? " was" : " were");
  }
  return out + " sealed with a key that this node does not have";
}

Task<std::size_t> seal_again(store::Connection& db, const config::AesSealer& sealer,
                             const Scope& scope) {
  std::size_t all = 0;
  for (const SealedKind& kind : sealed_kinds()) {
    std::vector<SealedRow> old;
    for (SealedRow& row : co_await kind.rows(db))
      if (!sealer.sealed_now(row.place, row.sealed)) old.push_back(std::move(row));
    std::size_t done = 0;
    for (SealedRow& row : old) {
      if (scope.closing()) co_return all + done;
      std::optional<std::string> plain = sealer.open(row.place, row.sealed);
      if (!plain) continue;
      std::string sealed = sealer.seal(row.place, *plain);
      // Somebody else may have saved it meanwhile: his is newer.
      if (co_await kind.replace(db, std::move(row), std::move(sealed))) ++done;
      constexpr std::size_t kTell = 100;
      if (done % kTell == 0 && done)
        log::info(
            "Sealing again with the key in use",
            {{"kind", kind.name}, {"done", std::uint64_t{done}}, {"of", std::uint64_t{old.size()}}});
    }
    if (done)
      log::info("All is sealed with the key in use",
                {{"kind", kind.name}, {"sealed_again", std::uint64_t{done}}});
    all += done;
  }
  co_return all;
}

Task<std::size_t> drop_unopened(store::Db& db, const config::AesSealer& sealer) {
  std::size_t dropped = 0;
  co_await db.transact([&](store::Connection& tx) -> Task<> {
    dropped = 0;
    for (SealedRow& row : co_await setting_rows(tx))
      if (!sealer.open(row.place, row.sealed))
        dropped += static_cast<std::size_t>(co_await tx.run(kDrop, row.place, row.stored));
    if (dropped) co_await tx.run(kRaise);
  });
  co_return dropped;
}

}  // namespace antiphon::cluster

#include "config/store.h"

#include <boost/json.hpp>
#include <charconv>
#include <mutex>
#include <set>
#include <stdexcept>

#include "base/async.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/scope.h"
#include "base/time.h"
#include "json/dto.h"
#include "json/text.h"

namespace antiphon::config {

struct Row {
  std::string key;
  std::string value;
};
ANTIPHON_DTO(Row, key, value)
ANTIPHON_DTO_DEFINE(Row)

struct VersionRow {
  std::int64_t version;
};
ANTIPHON_DTO(VersionRow, version)
ANTIPHON_DTO_DEFINE(VersionRow)

namespace {

using Rows = std::map<std::string, std::string>;
using store::Sql;

std::vector<std::string> resets_of(const std::vector<Change>& changes) {
  std::vector<std::string> keys;
  for (const Change& change : changes)
    if (change.reset) keys.push_back(change.key);
  return keys;
}

constexpr Sql kRows{"config_rows", "SELECT key, value FROM config"};
constexpr Sql kVersion{"config_version", "SELECT version FROM config_version WHERE id = 1"};
constexpr Sql kRaise{"config_raise", "UPDATE config_version SET version = version + 1 WHERE id = 1"};
constexpr Sql kRaiseFrom{
    "config_raise_from",
    "UPDATE config_version SET version = version + 1 WHERE id = 1 AND version = $1"};
constexpr Sql kPut{
    "config_put",
    "INSERT INTO config (key, value, updated_at) VALUES ($1, $2, $3) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"};
constexpr Sql kDrop{"config_drop", "DELETE FROM config WHERE key = $1"};

Problem out_of_date() {
  return Problem(Problem::Kind::conflict,
                 "Somebody else has changed the settings; reload and try again")
      .answering(412);
}

}  // namespace

struct Store::Impl {
  store::Db& db;
  Registry& registry;
  const Sealer* sealer;
  bool persistent;
  std::vector<std::function<void(const std::vector<std::string>&)>> listeners;  ///< Fixed once serving.
  std::function<void()> written = {};                                           ///< Likewise.

  mutable std::mutex mutex;
  Rows applied;              ///< Guarded by mutex: the rows as they stand in the values.
  std::int64_t version = 0;  ///< Guarded by mutex.

  std::optional<json::Value> unsealed(const std::string& key, const std::string& text) const;
  std::shared_ptr<const void> value_of(const AnySetting& setting, const Rows& rows) const;
  void publish(const std::vector<std::string>& keys, const Rows& rows);
  void apply(Rows rows, std::int64_t at);
  void tell(const std::vector<std::string>& keys) const;
  void tell_written() const {
    if (written) written();
  }
  std::string row_text(const AnySetting& setting, const json::Value& value) const;
  Rows validated(const std::vector<Change>& changes) const;
  Task<Rows> read_rows();
  Task<> write(const Rows& put, const std::vector<std::string>& drop,
               std::optional<std::int64_t> expected);
  static Task<> write_within(store::Connection& tx, const Rows& put,
                             const std::vector<std::string>& drop,
                             std::optional<std::int64_t> expected);
  void apply_here(const Rows& put, const std::vector<std::string>& drop);
};

std::optional<json::Value> Store::Impl::unsealed(const std::string& key,
                                                 const std::string& text) const {
  std::optional<json::Value> value = json::try_parse(text);
  if (!value) return std::nullopt;
  std::string_view sealed = json::text_at(*value, kSealedMember);
  if (sealed.empty()) return value;
  std::optional<std::string> plain = sealer ? sealer->open(key, sealed) : std::nullopt;
  return plain ? json::try_parse(*plain) : std::nullopt;
}

/// What the database says, else the environment, else the default.
std::shared_ptr<const void> Store::Impl::value_of(const AnySetting& setting, const Rows& rows) const {
  std::string key(setting.about().key);
  auto row = rows.find(key);
  if (row == rows.end()) return registry.base(setting);
  try {
    std::optional<json::Value> value = unsealed(key, row->second);
    if (value) return setting.from_json(*value);
    log::error("A setting's row cannot be read; was the secret key changed? Set it again",
               {{"key", key}});
  } catch (const std::invalid_argument& e) {
    log::error("A setting's row does not fit", {{"key", key}, {"error", e.what()}});
  }
  return registry.base(setting);
}

void Store::Impl::publish(const std::vector<std::string>& keys, const Rows& rows) {
  std::map<Group*, std::vector<std::pair<const AnySetting*, std::shared_ptr<const void>>>> changes;
  for (const std::string& key : keys)
    if (AnySetting* s = registry.by_key(key)) changes[&s->group()].emplace_back(s, value_of(*s, rows));
  for (auto& [group, values] : changes) group->publish(values);
}

void Store::Impl::apply(Rows rows, std::int64_t at) {
  std::vector<std::string> changed;
  {
    std::scoped_lock lock(mutex);
    if (at < version) return;
    version = at;
    for (const auto& [key, text] : rows)
      if (auto old = applied.find(key); old == applied.end() || old->second != text)
        changed.push_back(key);
    for (const auto& [key, text] : applied)
      if (!rows.contains(key)) changed.push_back(key);
    publish(changed, rows);
    applied = std::move(rows);
  }
  if (!changed.empty()) tell(changed);
}

void Store::Impl::tell(const std::vector<std::string>& keys) const {
  for (const auto& listener : listeners) listener(keys);
}

std::string Store::Impl::row_text(const AnySetting& setting, const json::Value& value) const {
  std::string text = json::serialize(value);
  if (!setting.about().secret) return text;
  if (!sealer)
    throw Problem(Problem::Kind::internal, "Secrets cannot be stored")
        .because("there is no sealing key");
  return json::serialize(json::Value{{kSealedMember, sealer->seal(setting.about().key, text)}});
}

/// The rows to write. Throws when a change does not fit, saying all that is wrong.
Rows Store::Impl::validated(const std::vector<Change>& changes) const {
  Rows rows;
  std::string wrong;
  std::map<Group*, Values> worlds;
  auto complain = [&](const std::string& what) { wrong += (wrong.empty() ? "" : "; ") + what; };
  for (const Change& change : changes) {
    const AnySetting* s = registry.by_key(change.key);
    if (!s) {
      complain(change.key + " is not a setting");
      continue;
    }
    try {
      std::shared_ptr<const void> value = change.reset ? registry.base(*s) : s->from_json(change.value);
      Values& world = worlds.try_emplace(&s->group(), *s->group().moment()).first->second;
      world[s->index()] = value;
      if (!change.reset) rows[change.key] = row_text(*s, s->to_json(value.get()));
    } catch (const std::invalid_argument& e) {
      complain(std::string(s->name()) + ": " + e.what());
    }
  }
  for (const auto& [group, world] : worlds) {
    try {
      group->check(world);
    } catch (const std::invalid_argument& e) {
      complain(e.what());
    }
  }
  if (!wrong.empty()) throw Problem(Problem::Kind::invalid, std::move(wrong));
  return rows;
}

Task<Rows> Store::Impl::read_rows() {
  Rows rows;
  for (Row& row : co_await db.all<Row>(kRows)) rows[std::move(row.key)] = std::move(row.value);
  co_return rows;
}

Task<> Store::Impl::write(const Rows& put, const std::vector<std::string>& drop,
                          std::optional<std::int64_t> expected) {
  co_await db.transact([&](store::Connection& tx) { return write_within(tx, put, drop, expected); });
}

Task<> Store::Impl::write_within(store::Connection& tx, const Rows& put,
                                 const std::vector<std::string>& drop,
                                 std::optional<std::int64_t> expected) {
  std::int64_t now = unix_seconds();
  std::int64_t raised = expected ? co_await tx.run(kRaiseFrom, *expected) : co_await tx.run(kRaise);
  if (raised != 1) throw out_of_date();
  for (const auto& [key, text] : put) co_await tx.run(kPut, key, text, now);
  for (const std::string& key : drop) co_await tx.run(kDrop, key);
}

/// Without the database: until the process ends.
void Store::Impl::apply_here(const Rows& put, const std::vector<std::string>& drop) {
  Rows rows;
  std::int64_t next;
  {
    std::scoped_lock lock(mutex);
    rows = applied;
    next = version + 1;
  }
  for (const auto& [key, text] : put) rows[key] = text;
  for (const std::string& key : drop) rows.erase(key);
  apply(std::move(rows), next);
}

constexpr store::Sql Store::kCurrent = kVersion;

Store::Store(store::Db& db, Registry& registry, const Sealer* sealer, bool persistent)
    : impl_(new Impl{.db = db, .registry = registry, .sealer = sealer, .persistent = persistent}) {}
Store::~Store() = default;

Task<> Store::load() {
  co_await refresh();
}

Task<> Store::set_within(store::Connection& tx, std::vector<Change> changes) {
  if (!impl_->persistent) co_return;
  co_await Impl::write_within(tx, impl_->validated(changes), resets_of(changes), {});
}

Task<> Store::refresh() {
  if (!impl_->persistent) co_return;
  std::optional<VersionRow> row = co_await impl_->db.first<VersionRow>(kVersion);
  std::int64_t version = row ? row->version : 0;
  if (version == this->version()) co_return;
  // The rows may be newer than the version read before them; then the next look finds it risen.
  Rows rows = co_await impl_->read_rows();
  impl_->apply(std::move(rows), version);
}

Task<std::int64_t> Store::set(std::vector<Change> changes,
                              std::optional<std::int64_t> expected_version) {
  Rows put = impl_->validated(changes);
  std::vector<std::string> drop = resets_of(changes);
  if (!impl_->persistent) {
    if (expected_version && *expected_version != version()) throw out_of_date();
    impl_->apply_here(put, drop);
    co_return version();
  }
  co_await impl_->write(put, drop, expected_version);
  impl_->tell_written();
  co_await refresh();
  co_return version();
}

std::int64_t Store::version() const {
  std::scoped_lock lock(impl_->mutex);
  return impl_->version;
}

std::string Store::etag() const {
  return "\"" + std::to_string(version()) + "\"";
}

void Store::on_change(std::function<void(const std::vector<std::string>& keys)> callback) {
  impl_->listeners.push_back(std::move(callback));
}

void Store::on_written(std::function<void()> callback) {
  impl_->written = std::move(callback);
}

Task<json::Value> Store::export_rows() {
  json::Object out;
  Rows rows;
  if (impl_->persistent) {
    rows = co_await impl_->read_rows();
  } else {
    std::scoped_lock lock(impl_->mutex);
    rows = impl_->applied;
  }
  for (const auto& [key, text] : rows)
    if (std::optional<json::Value> value = impl_->unsealed(key, text)) out[key] = std::move(*value);
  co_return out;
}

Task<> Store::import_rows(const json::Value& rows) {
  const json::Object* object = rows.if_object();
  if (!object) throw Problem(Problem::Kind::invalid, "Expected an object of settings");
  std::vector<Change> ours;
  Rows others;
  for (const auto& [key, value] : *object) {
    std::string name(key.data(), key.size());
    if (impl_->registry.by_key(name))
      ours.push_back({name, value});
    else
      others[name] = json::serialize(value);
  }
  Rows put = impl_->validated(ours);
  if (!impl_->persistent) co_return impl_->apply_here(put, {});
  put.merge(others);
  co_await impl_->write(put, {}, {});
  impl_->tell_written();
  co_await refresh();
}

Registry& Store::registry() const {
  return impl_->registry;
}
bool Store::persistent() const {
  return impl_->persistent;
}

std::optional<std::int64_t> version_of(std::string_view if_match) {
  if (if_match.empty() || if_match == "*") return std::nullopt;
  std::string_view digits = if_match;
  if (digits.starts_with("W/")) digits.remove_prefix(2);
  if (digits.size() > 2 && digits.front() == '"' && digits.back() == '"')
    digits = digits.substr(1, digits.size() - 2);
  std::int64_t version = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw Problem(Problem::Kind::invalid, "If-Match is not an ETag of the settings");
  return version;
}

}  // namespace antiphon::config

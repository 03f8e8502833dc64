#include "auth/principals.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "auth/permissions.h"
#include "auth/principals_sql.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/text.h"
#include "store/db.h"

namespace antiphon::auth {

ANTIPHON_DTO_DEFINE(Person)
namespace {

constexpr std::int64_t kFreshForMs = 5'000;
constexpr std::int64_t kPresenceEvery = 60;  ///< Seconds.
constexpr int kTidyEvery = 60;               ///< Rounds of follow().

std::int64_t steady_ms() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Change change_of(const sql::ChangeRow& row) {
  Change out{.user = {row.user_id}, .jti = row.jti, .exp = row.exp};
  if (row.kind == "session") out.kind = Change::Kind::session;
  if (row.kind == "user") out.kind = Change::Kind::user;
  return out;
}

std::string_view name_of(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::session:
      return "session";
    case Change::Kind::user:
      return "user";
    case Change::Kind::refresh:
    case Change::Kind::anything:
      return "refresh";
  }
  return "";
}

/// Records a change and yields its number. The row lock on `cluster` makes numbers commit in order,
/// so a reader that has seen one has seen all before it.
Task<std::int64_t> record(store::Connection& tx, const Change& change) {
  co_await tx.run(sql::kNextVersion);
  co_await tx.run(sql::kRecord, name_of(change.kind), change.user, change.jti, change.exp,
                  unix_seconds());
  if (change.kind == Change::Kind::session)
    co_await tx.run(sql::kRevoke, change.jti, change.user, change.exp);
  co_return (co_await tx.first<NumberRow>(sql::kVersion)).value().number;
}

std::vector<std::string> scopes_in(const std::string& text) {
  std::vector<std::string> out;
  std::optional<json::Value> value = json::try_parse(text);
  if (!value || !value->is_array()) return out;
  for (const json::Value& scope : value->as_array())
    if (scope.is_string()) out.emplace_back(json::view(scope.as_string()));
  return out;
}

}  // namespace

Principals::Principals(store::Db& db) : db_(db) {}

Task<> Principals::load() {
  auto row = co_await db_.first<NumberRow>(sql::kVersion);
  if (!row) throw Problem(Problem::Kind::internal, "The cluster row is missing. Run antiphon migrate.");
  co_await reload(row->number);
  now_fresh();
}

Task<> Principals::reload(std::int64_t version) {
  // Read after the version was: what is revoked in between is met again, which does no harm.
  auto rows = co_await db_.all<sql::RevokedRow>(sql::kRevoked, unix_seconds());
  std::unique_lock lock(mutex_);
  revoked_.clear();
  for (sql::RevokedRow& row : rows) revoked_.emplace(std::move(row.jti), row.exp);
  cache_.clear();
  key_owners_.clear();
  own_.clear();
  ++generation_;
  version_ = version;
}

bool Principals::fresh() const {
  return steady_ms() - fresh_at_ms_.load(std::memory_order_relaxed) <= kFreshForMs;
}
void Principals::now_fresh() {
  fresh_at_ms_.store(steady_ms(), std::memory_order_relaxed);
}

Task<std::shared_ptr<const Principal>> Principals::find(const UserId& id) {
  if (!fresh()) co_await catch_up();
  std::uint64_t generation = 0;
  {
    std::shared_lock lock(mutex_);
    if (auto it = cache_.find(id.value); it != cache_.end()) co_return it->second;
    generation = generation_;
  }
  std::shared_ptr<const Principal> read_now = co_await read(id);
  if (!read_now) co_return nullptr;
  std::unique_lock lock(mutex_);
  // Something was forgotten while we read: what we read may be older than that.
  if (generation != generation_) co_return read_now;
  if (cache_.size() >= kMaxCached) cache_.clear(), key_owners_.clear();
  cache_.insert_or_assign(id.value, read_now);
  for (const KnownKey& key : read_now->keys) key_owners_.insert_or_assign(key.hash, id.value);
  co_return read_now;
}

Task<std::shared_ptr<const Principal>> Principals::find_by_key(std::string hash) {
  std::optional<std::string> owner;
  {
    std::shared_lock lock(mutex_);
    if (auto it = key_owners_.find(hash); it != key_owners_.end()) owner = it->second;
  }
  if (!owner) {
    auto row = co_await db_.first<TextRow>(sql::kKeyOwner, hash);
    if (!row) co_return nullptr;
    owner = std::move(row->text);
    // Another replica may have made it since its owner was read.
    apply({.kind = Change::Kind::refresh, .user = {*owner}});
  }
  co_return co_await find({*owner});
}

Task<std::shared_ptr<const Principal>> Principals::read(const UserId& id) {
  auto row = co_await db_.first<sql::PrincipalRow>(sql::kPrincipal, id);
  if (!row) co_return nullptr;
  auto out = std::make_shared<Principal>();
  out->id = id;
  out->name = std::move(row->name);
  out->email = std::move(row->email);
  out->role = role_of(row->role);
  out->active = row->active;
  out->session_stamp = row->session_stamp.value_or("");
  out->seen_at = row->last_active_at;
  for (const sql::GroupRow& group : co_await db_.all<sql::GroupRow>(sql::kGroups, id)) {
    out->groups.insert(group.id);
    if (!group.permissions) continue;
    std::optional<json::Value> tree = json::try_parse(*group.permissions);
    if (tree) collect_allowed(*tree, out->allowed);
  }
  for (sql::KeyRow& key : co_await db_.all<sql::KeyRow>(sql::kKeys, id))
    out->keys.push_back({.id = std::move(key.id),
                         .hash = std::move(key.key),
                         .scopes = scopes_in(key.scopes),
                         .expires_at = key.expires_at.value_or(0)});
  co_return out;
}

bool Principals::revoked(const std::string& jti) const {
  std::shared_lock lock(mutex_);
  return revoked_.contains(jti);
}

Task<> Principals::commit(std::function<Task<std::vector<Change>>(store::Connection&)> work) {
  std::vector<Change> changes;
  std::vector<std::int64_t> versions;
  std::exception_ptr failure;
  try {
    co_await db_.transact([&](store::Connection& tx) -> Task<> {
      versions.clear();
      changes = co_await work(tx);
      for (const Change& change : changes) versions.push_back(co_await record(tx, change));
    });
  } catch (const Problem&) {
    failure = std::current_exception();
  }
  if (failure) {
    // Whether it was committed may be unknown, so what is remembered of these is read again.
    for (const Change& change : changes) apply({.kind = Change::Kind::refresh, .user = change.user});
    std::rethrow_exception(failure);
  }
  {
    std::unique_lock lock(mutex_);
    own_.insert(versions.begin(), versions.end());
  }
  for (const Change& change : changes) apply(change);
  for (const Change& change : changes) tell(change);
  if (committed_ && !changes.empty()) committed_();
}

void Principals::apply(const Change& change) {
  std::unique_lock lock(mutex_);
  ++generation_;
  if (change.kind == Change::Kind::session) {
    revoked_.insert_or_assign(change.jti, change.exp);
    return;
  }
  if (!change.user.value.empty()) {
    cache_.erase(change.user.value);
    return;
  }
  cache_.clear();
  key_owners_.clear();
}

void Principals::tell(const Change& change) const {
  for (const auto& watcher : watchers_) watcher(change);
}

constexpr store::Sql Principals::kCurrent = sql::kVersion;

bool Principals::knows(std::int64_t current) {
  {
    std::shared_lock lock(mutex_);
    if (current != version_) return false;
  }
  now_fresh();
  return true;
}

Task<> Principals::catch_up() {
  std::int64_t from = 0;
  {
    std::shared_lock lock(mutex_);
    from = version_;
  }
  auto rows = co_await db_.all<sql::ChangeRow>(sql::kChangesAfter, from);
  if (rows.empty()) throw Problem(Problem::Kind::internal, "The cluster row is missing.");
  bool lost = rows.front().current < from ||
              (rows.front().current > from && rows.front().version.value_or(0) != from + 1);
  if (lost) {
    co_await reload(rows.front().current);
    now_fresh();
    tell({.kind = Change::Kind::anything});
    co_return;
  }
  for (const sql::ChangeRow& row : rows) {
    if (!row.version) break;
    Change change = change_of(row);
    apply(change);
    bool ours = false;
    {
      std::unique_lock lock(mutex_);
      ours = own_.erase(*row.version) > 0 || *row.version <= version_;
      version_ = std::max(version_, *row.version);
    }
    if (!ours) tell(change);
  }
  // A full page: there is more.
  if (rows.size() < sql::kPage) now_fresh();
}

void Principals::follow(Scope& scope, Executor where, std::function<Task<>()> hourly) {
  scope.start(where, "auth.follow", [this, &scope, hourly = std::move(hourly)]() -> Task<> {
    for (int round = 0; co_await scope.rest(std::chrono::seconds(kPresenceEvery)); ++round) {
      // A failure is no end: it is tried again.
      try {
        co_await flush_presence();
        if (round % kTidyEvery != kTidyEvery - 1) continue;
        co_await tidy();
        if (hourly) co_await hourly();
      } catch (const Problem& problem) {
        log::warn("identities could not be read", {{"error", problem.detail()}});
      }
    }
    co_await flush_presence();
  });
}

void Principals::seen(const Principal& who, const std::string& key_id) {
  std::int64_t now = unix_seconds(), last = who.seen_at.load(std::memory_order_relaxed);
  // Only one of the requests that come at once notes it.
  bool due = now - last >= kPresenceEvery && who.seen_at.compare_exchange_strong(last, now);
  if (!due && key_id.empty()) return;
  std::scoped_lock lock(presence_mutex_);
  if (due && present_.size() < kMaxCached) present_.insert(who.id.value);
  if (!key_id.empty() && keys_used_.size() < kMaxCached) keys_used_.insert(key_id);
}

Task<> Principals::flush_presence() {
  std::set<std::string> users, keys;
  {
    std::scoped_lock lock(presence_mutex_);
    users.swap(present_);
    keys.swap(keys_used_);
  }
  store::Strings user_ids(users.begin(), users.end()), key_ids(keys.begin(), keys.end());
  if (!user_ids.empty()) co_await db_.run(sql::kPresent, unix_seconds(), user_ids);
  if (!key_ids.empty()) co_await db_.run(sql::kKeysUsed, unix_seconds(), key_ids);
}

Task<> Principals::tidy() {
  std::int64_t now = unix_seconds();
  co_await db_.run(sql::kForgetRevoked, now - 120);
  co_await db_.run(sql::kForgetChanges, now - 3'600);
  std::unique_lock lock(mutex_);
  std::erase_if(revoked_, [&](const auto& entry) { return entry.second < now - 120; });
}

Task<std::optional<Person>> person(Principals& principals, std::string user_id) {
  auto who = co_await principals.find({std::move(user_id)});
  if (!who) co_return std::nullopt;
  co_return Person{who->id.value, who->name, std::string(name_of(who->role)), who->email};
}

}  // namespace antiphon::auth

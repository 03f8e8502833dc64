#include "realtime/records.h"

#include "base/encode.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/dto.h"
#include "json/json.h"
#include "store/now.h"

namespace antiphon::realtime {
namespace {

/// Rows of living sockets are renewed once a minute, so that is how much earlier they might expire.
constexpr std::int64_t kRenewSlack = 75;

constexpr store::Sql kPut{"realtime_session.put", R"(
    INSERT INTO realtime_session (pid_hash, sid, user_id, token_id, rooms, start_pos, node, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (pid_hash) DO UPDATE
       SET sid = excluded.sid, user_id = excluded.user_id, token_id = excluded.token_id,
           rooms = excluded.rooms, start_pos = excluded.start_pos, node = excluded.node,
           expires_at = excluded.expires_at)"};
constexpr store::Sql kRemove{"realtime_session.remove",
                             "DELETE FROM realtime_session WHERE pid_hash = $1"};
constexpr store::Sql kLost{"realtime_session.lost", R"(
    UPDATE realtime_session SET node = '', expires_at = $2 WHERE pid_hash = $1 AND node = $3)"};
constexpr store::Sql kRenew{"realtime_session.renew",
                            "UPDATE realtime_session SET expires_at = $2 WHERE node = $1"};
constexpr store::Sql kSweep{"realtime_session.sweep",
                            "DELETE FROM realtime_session WHERE expires_at < $1"};
constexpr store::Sql kFind{"realtime_session.find", R"(
    SELECT pid_hash, sid, user_id, token_id, rooms, start_pos
      FROM realtime_session
     WHERE pid_hash = $1 AND expires_at >= $2)"};

/// On SQLite there is one process.
constexpr store::Sql kElsewhere{"realtime_session.users_elsewhere", "", R"(
    SELECT DISTINCT s.user_id AS id
      FROM realtime_session s
      JOIN node n ON n.node_id = s.node
     WHERE s.node <> $1 AND n.lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"(
     LIMIT 100000)"};
constexpr std::chrono::seconds kAskAgain{1};

struct UserRow {
  std::string id;
};
ANTIPHON_DTO(UserRow, id)
ANTIPHON_DTO_DEFINE(UserRow)

}  // namespace

ANTIPHON_DTO(SessionRow, pid_hash, sid, user_id, token_id, rooms, start_pos)
ANTIPHON_DTO_DEFINE(SessionRow)

Records::Records(store::Db* db, std::int64_t window_seconds, std::string node)
    : db_(db), window_(window_seconds), node_(node.empty() ? random_hex(8) : std::move(node)) {}

std::string Records::hash(std::string_view pid) {
  return hex(sha256(pid));
}

void Records::put(SessionRow row) {
  if (!db_) return;
  std::scoped_lock lock(mutex_);
  if (changes_.size() >= kMaxChanges) return;
  Change& change = changes_[row.pid_hash];
  change = Change{.row = std::move(row)};
}

void Records::remove(std::string_view pid) {
  if (!db_) return;
  std::scoped_lock lock(mutex_);
  changes_[hash(pid)] = Change{.removed = true};
}

void Records::lost(std::string_view pid) {
  if (!db_) return;
  std::scoped_lock lock(mutex_);
  changes_[hash(pid)].lost = true;
}

std::vector<store::Bound> Records::take(std::map<std::string, Change>& taken) {
  std::vector<store::Bound> statements;
  std::scoped_lock lock(mutex_);
  while (!changes_.empty() && taken.size() < kMaxBatch) {
    auto node = changes_.extract(changes_.begin());
    const Change& change = node.mapped();
    if (change.removed) statements.emplace_back(kRemove, node.key());
    if (change.row) {
      const SessionRow& row = *change.row;
      statements.emplace_back(kPut, row.pid_hash, row.sid, row.user_id, row.token_id, row.rooms,
                              row.start_pos, node_, unix_seconds() + window_ + kRenewSlack);
    }
    if (change.lost) statements.emplace_back(kLost, node.key(), unix_seconds() + window_, node_);
    taken.insert(std::move(node));
  }
  return statements;
}

Task<> Records::flush() {
  for (;;) {
    std::map<std::string, Change> taken;
    auto statements = take(taken);
    if (statements.empty()) co_return;
    try {
      co_await db_->batch(std::move(statements));
    } catch (...) {
      // Kept for the next time, where nothing newer is known.
      std::scoped_lock lock(mutex_);
      changes_.merge(taken);
      throw;
    }
  }
}

Task<std::shared_ptr<const std::set<std::string>>> Records::users_elsewhere() {
  {
    std::scoped_lock lock(mutex_);
    auto now = std::chrono::steady_clock::now();
    bool alone = !db_ || db_->dialect() == store::Dialect::sqlite;
    if (alone || now - asked_at_ < kAskAgain) co_return elsewhere_;
    asked_at_ = now;  // Whoever asks meanwhile gets what is known.
  }
  auto found = std::make_shared<std::set<std::string>>();
  try {
    for (UserRow& row : co_await db_->all<UserRow>(kElsewhere, node_)) found->insert(std::move(row.id));
  } catch (const Problem& p) {
    log::info("Who is at other replicas is not known", {{"cause", p.cause()}});
    std::scoped_lock lock(mutex_);
    co_return elsewhere_;
  }
  std::scoped_lock lock(mutex_);
  elsewhere_ = std::move(found);
  co_return elsewhere_;
}

Task<> Records::renew_and_sweep() {
  if (!db_) co_return;
  co_await db_->run(kRenew, node_, unix_seconds() + window_ + kRenewSlack);
  co_await db_->run(kSweep, unix_seconds());
}

Task<> Records::leave() {
  if (!db_ || !co_await db_->alive())
    co_return;  // Sessions that are not written come back as new ones.
  co_await flush();
  co_await db_->run(kRenew, node_, unix_seconds() + window_);
}

Task<std::optional<SessionRow>> Records::find(std::string pid) const {
  if (!db_) co_return std::nullopt;
  co_return co_await db_->first<SessionRow>(kFind, hash(pid), unix_seconds());
}

}  // namespace antiphon::realtime

#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "store/db.h"

namespace antiphon::realtime {

/// What must be known of a session to go on with it in another process, or after a restart.
struct SessionRow {
  std::string pid_hash;
  std::string sid;
  std::string user_id;
  std::string token_id;
  std::string rooms;  ///< JSON array.
  std::string start_pos;
};

/// The table of sessions, written lazily: at most once a second, many in one transaction. Until it
/// is written a session is this process's only. Any thread.
class Records {
 public:
  /// `db` may be null: then nothing is kept. A row lives `window_seconds` longer than its socket.
  /// `node`: this process in the table of nodes.
  Records(store::Db* db, std::int64_t window_seconds, std::string node);

  static std::string hash(std::string_view pid);
  void put(SessionRow row);
  void remove(std::string_view pid);
  /// Writes what has changed. At most kMaxBatch rows a transaction.
  Task<> flush();
  /// Once a minute: keeps the rows of living sockets from expiring, and forgets what has expired.
  Task<> renew_and_sweep();
  /// At a graceful end: clients have the whole window from now on to come back.
  Task<> leave();
  Task<std::optional<SessionRow>> find(std::string pid) const;
  /// Ids of the users with a socket at another process that lives, as of a second or two ago; at most
  /// 100 000. Asks the database once a second at most. When that is away, what was known last.
  Task<std::shared_ptr<const std::set<std::string>>> users_elsewhere();
  /// The socket is gone: its window begins.
  void lost(std::string_view pid);

 private:
  static constexpr std::size_t kMaxBatch = 500;
  static constexpr std::size_t kMaxChanges = 50'000;  ///< Unwritten ones, while the database is away.
  struct Change {
    std::optional<SessionRow> row;  ///< Write it.
    bool removed = false;
    bool lost = false;
  };
  std::vector<store::Bound> take(std::map<std::string, Change>& taken);

  store::Db* db_;
  const std::int64_t window_;
  const std::string node_;
  std::mutex mutex_;
  std::map<std::string, Change> changes_;  ///< Guarded by mutex_; by pid_hash, so one per session.
  std::shared_ptr<const std::set<std::string>> elsewhere_ =
      std::make_shared<const std::set<std::string>>();   ///< Guarded by mutex_.
  std::chrono::steady_clock::time_point asked_at_ = {};  ///< Guarded by mutex_.
};

}  // namespace antiphon::realtime

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/scope.h"
#include "base/signal.h"
#include "base/task.h"
#include "http/caller.h"
#include "json/dto.h"
#include "store/db.h"

namespace antiphon::auth {

/// An API key, as far as identifying needs it.
struct KnownKey {
  std::string id;
  std::string hash;  ///< SHA-256, in hexadecimal.
  std::vector<std::string> scopes;
  std::int64_t expires_at = 0;  ///< Unix seconds; 0 is never.
};

/// A user as every request needs to know him. Immutable.
struct Principal {
  UserId id;
  std::string name;
  std::string email;
  Role role = Role::pending;
  bool active = false;
  std::string session_stamp;
  std::set<std::string, std::less<>> groups;   ///< His groups and the ones above them.
  std::set<std::string, std::less<>> allowed;  ///< "chat.delete"…: what those groups allow.
  std::vector<KnownKey> keys;
  mutable std::atomic<std::int64_t> seen_at = 0;  ///< When his presence was last noted.
};

/// A user as lists name him.
struct Person {
  std::string id, name, role, email;
};
ANTIPHON_DTO(Person, id, name, role, email)

/// What happened to identities, for whoever holds one for long: caches and sockets.
struct Change {
  enum class Kind {
    session,   ///< One session ended: `jti`.
    user,      ///< All sessions of `user` ended or have other rights now.
    refresh,   ///< `user`, or everybody when it is empty, is to be read again; no session ended.
    anything,  ///< We were cut off for too long: verify everything that is held.
  };
  Kind kind = Kind::refresh;
  UserId user = {};
  std::string jti = {};
  std::int64_t exp = 0;  ///< When that session would have ended.
};

/// Who is who, in memory: a request is identified without a trip to the database. Changes made here
/// count at once, those of other replicas within a second. After five seconds without the database
/// it is asked at every request, and without an answer the request fails (replicas.md D.9).
/// Any thread.
class Principals {
 public:
  static constexpr std::size_t kMaxCached = 50'000;  ///< More, and the cache starts over.

  explicit Principals(store::Db& db);

  /// Reads what is revoked. Before the first request.
  Task<> load();

  /// Writes presence, until the scope closes. `hourly` runs then too.
  void follow(Scope& scope, Executor where, std::function<Task<>()> hourly = nullptr);

  /// Null when there is no such user. Throws 503 when the database is needed and away.
  Task<std::shared_ptr<const Principal>> find(const UserId& id);
  /// The user whose key has this hash; null when there is none. May ask the database.
  Task<std::shared_ptr<const Principal>> find_by_key(std::string hash);

  bool revoked(const std::string& jti) const;

  /// Runs `work` in a transaction; the changes it yields are recorded in the same transaction, and
  /// count in this process when this returns. Then watchers are told.
  Task<> commit(std::function<Task<std::vector<Change>>(store::Connection&)> work);

  /// Called after every change, here and on other replicas, on any thread. Before follow() only.
  void watch(std::function<void(const Change&)> watcher) { watchers_.push_back(std::move(watcher)); }

  /// Called after changes made here were committed, on any thread. Before follow() only.
  void on_committed(std::function<void()> tell) { committed_ = std::move(tell); }

  /// Notes that the user, and the API key if one was used, are in use; written once a minute.
  void seen(const Principal& who, const std::string& key_id);
  /// Writes what seen() has noted.
  Task<> flush_presence();

  /// Reads what other replicas changed since the last time.
  Task<> catch_up();
  /// Yields the version of the database, for whoever asks several things at once; then knows() says
  /// whether there is anything to catch up with.
  static const store::Sql kCurrent;
  bool knows(std::int64_t current);

  /// For tests: as if the database had not been heard of for too long.
  void pretend_stale() { fresh_at_ms_ = 0; }

 private:
  Task<std::shared_ptr<const Principal>> read(const UserId& id);
  Task<> reload(std::int64_t version);
  Task<> tidy();
  bool fresh() const;
  void now_fresh();
  void apply(const Change& change);
  void tell(const Change& change) const;

  store::Db& db_;
  std::vector<std::function<void(const Change&)>> watchers_;
  std::function<void()> committed_;
  std::atomic<std::int64_t> fresh_at_ms_ = 0;  ///< Steady clock.

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Principal>> cache_;  ///< Guarded by mutex_.
  std::unordered_map<std::string, std::string> key_owners_;  ///< By hash. Guarded by mutex_.
  std::unordered_map<std::string, std::int64_t> revoked_;    ///< jti → end. Guarded by mutex_.
  std::uint64_t generation_ = 0;  ///< Grows when something is forgotten. Guarded by mutex_.
  std::int64_t version_ = 0;      ///< The last change we know of. Guarded by mutex_.
  std::set<std::int64_t> own_;    ///< Changes made here that catch_up() will meet. Guarded by mutex_.

  std::mutex presence_mutex_;
  std::set<std::string> present_;    ///< Guarded by presence_mutex_; at most kMaxCached.
  std::set<std::string> keys_used_;  ///< Guarded by presence_mutex_; at most kMaxCached.
};

/// Nothing when there is no such user.
Task<std::optional<Person>> person(Principals& principals, std::string user_id);

}  // namespace antiphon::auth

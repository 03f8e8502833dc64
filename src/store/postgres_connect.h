#pragma once

#include <libpq-fe.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "store/postgres_result.h"
#include "store/url.h"

namespace antiphon::store {

struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using PgConnection = std::unique_ptr<PGconn, FinishConnection>;

/// How long a statement, and its wait for a lock, may take unless a transaction says otherwise.
inline constexpr const char* kSessionLimits = "SET statement_timeout = '10s'; SET lock_timeout = '3s'";

/// Connects. Blocks for at most two seconds a host. Throws a Problem whose detail names the cure and
/// whose cause has the server's words.
PgConnection connect_plainly(const Url& url);
/// The same, with the session set up and in pipeline mode.
PgConnection connect(const Url& url);

/// Makes connections again, on a thread of its own, because name look-up blocks. One after the
/// other, pausing from 0.1 to 2 seconds while they fail.
class PostgresConnector {
 public:
  /// Takes the connection, or learns why there is none. True when it is satisfied. Called from the
  /// connector's thread.
  using Taker = std::function<bool(PgConnection, const std::string& why)>;

  explicit PostgresConnector(Url url);
  ~PostgresConnector() { close(); }

  /// Any thread. There are at most as many as connections.
  void request(Taker taker);
  /// Blocks until an attempt under way has ended.
  void close();

 private:
  void loop();
  bool pause(std::chrono::milliseconds time);

  Url url_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Taker> wanted_;  ///< Guarded by mutex_.
  bool closing_ = false;      ///< Guarded by mutex_.
  std::thread thread_;
};

}  // namespace antiphon::store

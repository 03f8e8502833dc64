#pragma once

#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/task.h"
#include "json/shape.h"
#include "json/types.h"

namespace antiphon {
class Loops;
}

namespace antiphon::store {

/// A statement with a name. The name labels the metric, the slow-statement log and the prepared
/// statement, so it is unique. `$1` works on both engines; keep to the SQL both understand. Where
/// PostgreSQL truly differs, `postgres` holds its text and both stand side by side.
/// Both views must outlive the process's use of them: string literals.
struct Sql {
  std::string_view name;
  std::string_view text;
  std::string_view postgres = {};
};

using Strings = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;

/// A list becomes one argument: `= ANY($1)` or unnest($1::text[]) on PostgreSQL, and JSON text for
/// json_each($1) on SQLite.
using Datum = std::variant<std::monostate, std::int64_t, double, std::string, Strings, Integers>;

/// What a statement is run with. Owns its values, so nothing dangles across a suspension.
class Args {
 public:
  template <class... A>
  explicit Args(const A&... values) {
    data_.reserve(sizeof...(A));
    (data_.push_back(datum(values)), ...);
  }
  std::span<const Datum> data() const { return data_; }

 private:
  // NOLINTBEGIN(bugprone-narrowing-conversions): it takes the variant's choice for a conversion to int.
  static Datum datum(const Datum& d) { return d; }
  static Datum datum(const std::string& s) { return s; }
  static Datum datum(std::string_view s) { return std::string(s); }
  static Datum datum(const char* s) { return std::string(s); }
  static Datum datum(std::int64_t n) { return n; }
  static Datum datum(int n) { return std::int64_t{n}; }
  static Datum datum(bool b) { return std::int64_t{b}; }
  static Datum datum(double d) { return d; }
  // NOLINTEND(bugprone-narrowing-conversions)
  static Datum datum(const Strings& s) { return s; }
  static Datum datum(const Integers& n) { return n; }
  static Datum datum(std::nullptr_t) { return Datum{}; }
  /// JSON goes into TEXT columns, on both engines.
  static Datum datum(const json::Value& value);
  template <class E>
  static Datum datum(const Id<E>& id) {
    return id.value;
  }
  template <class T>
  static Datum datum(const std::optional<T>& o) {
    return o ? datum(*o) : Datum{};
  }
  template <std::int64_t Min, std::int64_t Max>
  static Datum datum(const json::Text<Min, Max>& text) {
    return text.value;
  }
  std::vector<Datum> data_;
};

/// A statement and its arguments, for Db::batch.
struct Bound {
  template <class... A>
  Bound(Sql statement, const A&... values) : sql(statement), args(values...) {}
  Sql sql;
  Args args;
};

enum class Dialect { sqlite, postgres };

/// Where statements run: the database, each on its own, or one transaction.
/// Columns go to the fields of T by name; a column without a field is a std::logic_error.
///
/// Errors are Problems: `conflict` when a unique or foreign key forbids it; `unavailable` when the
/// database cannot be reached or the connection broke (a write's outcome is then unknown: read
/// before repeating it); `internal` otherwise. Reads are retried on a fresh connection.
class Connection {
 public:
  virtual ~Connection() = default;

  template <class T, class... A>
  Task<std::vector<T>> all(Sql sql, const A&... args) {
    return all_as<T>(sql, Args(args...));
  }
  template <class T, class... A>
  Task<std::optional<T>> first(Sql sql, const A&... args) {
    return first_as<T>(sql, Args(args...));
  }
  /// How many rows changed. Returns after the commit is durable.
  template <class... A>
  Task<std::int64_t> run(Sql sql, const A&... args) {
    return execute(sql, Args(args...), nullptr, nullptr);
  }

  /// As run(), for a statement made elsewhere.
  Task<std::int64_t> run_bound(Bound bound) {
    return execute(bound.sql, std::move(bound.args), nullptr, nullptr);
  }

  /// Many statements, without arguments. For migrations and tests.
  virtual Task<> script(std::string sql) = 0;
  virtual Dialect dialect() const = 0;

 protected:
  /// Appends the rows to `rows`, an array of `shape`, when there is one.
  virtual Task<std::int64_t> execute(Sql, Args, const json::Shape* shape, void* rows) = 0;

 private:
  template <class T>
  Task<std::vector<T>> all_as(Sql sql, Args args) {
    std::vector<T> rows;
    co_await execute(sql, std::move(args), &json::shape<std::vector<T>>(), &rows);
    co_return rows;
  }
  template <class T>
  Task<std::optional<T>> first_as(Sql sql, Args args) {
    std::vector<T> rows = co_await all_as<T>(sql, std::move(args));
    if (rows.empty()) co_return std::nullopt;
    co_return std::move(rows.front());
  }
};

/// What /metrics shows of the database. Counted since the start.
struct Statistics {
  std::int64_t statements = 0;
  std::int64_t errors = 0;      ///< Statements that failed, whatever the reason.
  std::int64_t slow = 0;        ///< Statements above 250 ms; their names are in the log.
  std::int64_t commits = 0;     ///< Transactions made durable.
  std::int64_t jobs = 0;        ///< Writes those transactions held: jobs / commits share one fsync.
  std::int64_t waiting = 0;     ///< Statements not yet answered, now.
  std::int64_t reconnects = 0;  ///< Connections made again after a loss.
};

/// The database. Any thread; a coroutine resumes on its own executor.
class Db : public Connection {
 public:
  /// Commits when `work` returns, rolls back when it throws; returns after the commit is durable.
  /// Writers wait for one another (SQLite: one at a time), so never await anything but the given
  /// connection inside. PostgreSQL: READ COMMITTED; lock rows yourself where it matters; what ends in
  /// a deadlock is run again, four times in all. So `work` sets what it captures from its beginning,
  /// whatever an earlier run left there, and consumes nothing.
  virtual Task<> transact(std::function<Task<>(Connection&)> work) = 0;

  /// Gives `work` a connection to itself without a transaction, and without limits of time: each of its
  /// statements commits by itself. For what PostgreSQL does in no transaction, while it builds indexes.
  /// SQLite has nothing of the kind and gives the database itself.
  virtual Task<> alone(std::function<Task<>(Connection&)> work) = 0;

  /// Runs all, in order, in one transaction and one round trip: everything or nothing. Yields the
  /// rows each changed. The cheapest durable write; concurrent batches share commits.
  virtual Task<std::vector<std::int64_t>> batch(std::vector<Bound> statements) = 0;

  /// Answers within a second whether the database takes a query now. For /ready.
  virtual Task<bool> alive() = 0;

  virtual Statistics stats() const = 0;

  /// Copies the database next to itself and yields the copy's path; keeps the newest three.
  /// PostgreSQL, and databases in memory, are not ours to copy: yields nothing.
  virtual Task<std::optional<std::string>> backup(std::string label) = 0;
  /// The paths of the copies that backup() made and that are still there, the oldest first.
  virtual std::vector<std::string> copies() const = 0;

  /// A copy of the database as it stands now, to be read to its end: whatever is written meanwhile, and
  /// without holding up who writes. The file has no name any more, so it goes when it is closed.
  /// Nothing for PostgreSQL, and databases in memory. Throws Problem: `unavailable` while another copy
  /// is being made, or where the disk has no room for it.
  virtual Task<std::optional<std::ifstream>> snapshot() = 0;

  /// What an operator wants to know: engine, version, path or host, never a password.
  virtual std::string description() const = 0;

  /// Finishes what is under way and closes; later calls throw `unavailable`.
  virtual Task<> close() = 0;
};

struct Options {
  /// Open WebUI's DATABASE_URL: "sqlite:///path", "sqlite:////abs/path", "sqlite://:memory:" or
  /// "postgresql://…" (also postgres://, postgresql+psycopg2:// and the like).
  std::string url;
  int connections = 3;  ///< PostgreSQL, 2 to 4 (D.12: at most 5 a replica).
  int readers = 2;      ///< SQLite reader connections.
  /// False for transaction poolers before PgBouncer 1.21. The URL's prepared_statement_cache_size=0,
  /// statement_cache_size=0 and prepare_threshold=none say the same.
  bool prepared_statements = true;
  /// Lets SQLite live on NFS, SMB, FUSE and the like, whose locks and fsync cannot be relied on.
  bool network_file_system = false;
};

/// Opens, checks the version and that it may write. Throws a Problem whose detail names the cure.
/// Blocks for as long as that takes: call it before serving. The loops must run before the first
/// statement is awaited, and outlive the Db.
std::unique_ptr<Db> open(Options options, Loops& loops);

}  // namespace antiphon::store

#pragma once

#include <sqlite3.h>

#include <chrono>
#include <list>
#include <unordered_map>

#include "base/problem.h"
#include "store/counters.h"
#include "store/sqlite.h"
#include "store/work.h"

namespace antiphon::store {

/// One SQLite connection with its prepared statements. One thread at a time.
class SqliteHandle {
 public:
  enum class Mode { read_only, read_write };

  /// Throws a Problem whose detail names the cure.
  SqliteHandle(const std::string& path, Mode mode, SqlitePatience patience, Counters& counters);
  ~SqliteHandle();
  SqliteHandle(const SqliteHandle&) = delete;
  SqliteHandle& operator=(const SqliteHandle&) = delete;

  /// Runs one statement to its end, for as long as `patience` allows. Throws a Problem.
  Reply run(const Call& call);
  /// From now on whatever meets another program's lock waits as long as if it had done so since then.
  void wait_since(std::chrono::steady_clock::time_point asked);
  /// Runs statements without arguments, for as long as they take. Throws a Problem.
  void script(const std::string& sql, std::string_view name = "script");
  /// Ends the statement under way, which then throws. The only call other threads may make.
  void interrupt() { sqlite3_interrupt(db_); }
  /// Writes a whole copy of the database to a file that is not there, or is empty. As script().
  void copy_into(const std::string& path);
  /// True when the statement cannot change the database.
  bool reads_only(const Sql& sql);
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  /// True when the last failure was one of fsync: what the disk holds is not known any more.
  bool lost_a_sync() const;

 private:
  static constexpr std::size_t kStatements = 256;
  using Clock = std::chrono::steady_clock;

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  struct Prepared {
    std::string text;
    std::unique_ptr<sqlite3_stmt, Finalize> statement;
    std::vector<std::size_t> arguments;  ///< Which argument each parameter takes, counted from 0.
    const json::Shape* row = nullptr;    ///< What `columns` was made for.
    int reprepared = 0;
    std::vector<const json::Field*> columns;
  };

  void configure(Mode mode);
  Prepared& prepare(const Sql& sql);
  void bind(const Prepared& prepared, const Call& call);
  Reply step(Prepared& prepared, const Call& call);
  void match_columns(Prepared& prepared, const Call& call);
  Cell cell(sqlite3_stmt* statement, int column, const json::Field& field, std::string_view name);
  Problem failed(std::string_view name) const;
  static int over_time(void* self);

  sqlite3* db_ = nullptr;
  const SqlitePatience patience_;
  Counters& counters_;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::list<Prepared> statements_;  ///< The most recently used first.
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_text_;
};

}  // namespace antiphon::store

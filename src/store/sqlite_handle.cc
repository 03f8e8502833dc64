#include "store/sqlite_handle.h"

#include <algorithm>
#include <stdexcept>

#include "base/problem.h"
#include "json/text.h"

namespace antiphon::store {

SqliteHandle::SqliteHandle(const std::string& path, Mode mode, SqlitePatience patience,
                           Counters& counters)
    : patience_(patience), counters_(counters) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int opened = sqlite3_open_v2(path.c_str(), &db_, flags, nullptr);
  try {
    if (opened != SQLITE_OK) throw failed("open");
    configure(mode);
  } catch (...) {
    sqlite3_close(db_);
    throw;
  }
}

SqliteHandle::~SqliteHandle() {
  by_text_.clear();
  statements_.clear();
  sqlite3_close(db_);
}

void SqliteHandle::configure(Mode mode) {
  // regressions.md 2.3: what a statement may cost, and what a crafted database may do.
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, 256 << 20);
  sqlite3_limit(db_, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
  sqlite3_limit(db_, SQLITE_LIMIT_EXPR_DEPTH, 100);
  sqlite3_limit(db_, SQLITE_LIMIT_VARIABLE_NUMBER, 32766);
  sqlite3_limit(db_, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // SQLite 3.40 does not yet count its own FTS5 as innocuous, so with an untrusted schema the triggers
  // that keep the search index could not. Only the writer runs them (docs/adr/0002-store.md).
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, mode == Mode::read_write, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  // A double-quoted word is a column, as in PostgreSQL, and a typing error is an error.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  wait_since(Clock::now());
  sqlite3_progress_handler(db_, 1000, &SqliteHandle::over_time, this);
  script("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;", "open");
  if (mode == Mode::read_only) return;
  script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;",
         "open");
}

void SqliteHandle::wait_since(Clock::time_point asked) {
  using std::chrono::milliseconds;
  auto left = patience_.lock - std::chrono::duration_cast<milliseconds>(Clock::now() - asked);
  sqlite3_busy_timeout(db_, static_cast<int>(std::max(left, milliseconds(0)).count()));
}

int SqliteHandle::over_time(void* self) {
  return Clock::now() > static_cast<SqliteHandle*>(self)->deadline_;
}

bool SqliteHandle::lost_a_sync() const {
  int code = sqlite3_extended_errcode(db_);
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

Problem SqliteHandle::failed(std::string_view name) const {
  using enum Problem::Kind;
  int code = db_ ? sqlite3_extended_errcode(db_) : SQLITE_NOMEM;
  auto problem = [&](Problem::Kind kind, std::string detail) {
    return Problem(kind, std::move(detail))
        .because(std::string(name) + ": " + (db_ ? sqlite3_errmsg(db_) : "out of memory") + " (" +
                 std::to_string(code) + ")");
  };
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return problem(conflict, "There is such a record already.");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_TRIGGER:  // Ours say what a foreign key would.
      return problem(conflict,
                     "A record that this one depends on, or that depends on it, forbids this.");
    default:
      break;
  }
  switch (code & 0xff) {
    case SQLITE_FULL:
      return problem(unavailable, "The disk that holds the database is full. Nothing was saved.");
    case SQLITE_INTERRUPT:
      return problem(unavailable, "The database took too long.");
    case SQLITE_BUSY:  // Not one of us: there is one writer, and the file has one owner.
      return problem(unavailable, "Another program keeps the database locked. Try again in a moment.")
          .retry_after(1);
    case SQLITE_LOCKED:
      return problem(unavailable, "The database is busy. Try again in a moment.").retry_after(1);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return problem(unavailable, "The database is damaged. Restore a backup of it.");
    case SQLITE_CANTOPEN:  // Often the log beside it; SQLite forgets what the system said.
      return problem(unavailable,
                     "A file of the database cannot be opened. Nothing was saved. Check the rights of "
                     "its folder, and that its disk has room for files.");
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_PERM:
      return problem(unavailable, "The database cannot be read or written. Nothing was saved.");
    case SQLITE_TOOBIG:
      return problem(too_large, "The record is larger than the database takes.");
    default:
      break;
  }
  return problem(internal, "Database error");
}

SqliteHandle::Prepared& SqliteHandle::prepare(const Sql& sql) {
  if (auto known = by_text_.find(sql.text); known != by_text_.end()) {
    statements_.splice(statements_.begin(), statements_, known->second);
    return statements_.front();
  }
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  int code = sqlite3_prepare_v3(db_, sql.text.data(), static_cast<int>(sql.text.size()),
                                SQLITE_PREPARE_PERSISTENT, &raw, &rest);
  Prepared fresh{.text = std::string(sql.text),
                 .statement = std::unique_ptr<sqlite3_stmt, Finalize>(raw)};
  if (code != SQLITE_OK) throw failed(sql.name);
  if (!raw) throw std::logic_error(std::string(sql.name) + ": an empty statement");
  // `$1::text` is one parameter's name to SQLite: the digits count, so a cast does no harm.
  for (int i = 1; i <= sqlite3_bind_parameter_count(raw); ++i) {
    const char* name = sqlite3_bind_parameter_name(raw, i);
    fresh.arguments.push_back(name ? std::strtoul(name + 1, nullptr, 10) - 1 : std::size_t(i) - 1);
  }
  while (statements_.size() >= kStatements) {
    by_text_.erase(statements_.back().text);
    statements_.pop_back();
  }
  statements_.push_front(std::move(fresh));
  by_text_.emplace(statements_.front().text, statements_.begin());
  return statements_.front();
}

bool SqliteHandle::reads_only(const Sql& sql) {
  return sqlite3_stmt_readonly(prepare(sql).statement.get()) != 0;
}

Reply SqliteHandle::run(const Call& call) {
  auto began = Clock::now();
  deadline_ = began + patience_.statement;
  try {
    Reply reply = step(prepare(call.sql), call);
    counters_.finished(call.sql.name, Clock::now() - began, false);
    deadline_ = Clock::time_point::max();
    return reply;
  } catch (...) {
    counters_.finished(call.sql.name, Clock::now() - began, true);
    deadline_ = Clock::time_point::max();
    throw;
  }
}

Reply SqliteHandle::step(Prepared& prepared, const Call& call) {
  sqlite3_stmt* statement = prepared.statement.get();
  struct Reset {
    sqlite3_stmt* statement;
    ~Reset() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  } reset{statement};
  bind(prepared, call);
  int changes_before = sqlite3_total_changes(db_);
  Reply reply;
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW && call.row) match_columns(prepared, call);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    if (!call.row) continue;
    for (std::size_t i = 0; i != prepared.columns.size(); ++i)
      reply.cells.push_back(cell(statement, static_cast<int>(i), *prepared.columns[i], call.sql.name));
  }
  if (code != SQLITE_DONE) throw failed(call.sql.name);
  if (!reply.cells.empty()) reply.columns = prepared.columns;
  // sqlite3_changes keeps an earlier statement's figure when this one changes nothing.
  if (sqlite3_total_changes(db_) != changes_before) reply.changed = sqlite3_changes(db_);
  return reply;
}

namespace {

/// Lists become JSON text, for json_each.
struct Bind {
  sqlite3_stmt* statement;
  int at;
  int operator()(std::monostate) const { return sqlite3_bind_null(statement, at); }
  int operator()(std::int64_t n) const { return sqlite3_bind_int64(statement, at, n); }
  int operator()(double d) const { return sqlite3_bind_double(statement, at, d); }
  int operator()(const std::string& s) const {
    return sqlite3_bind_text64(statement, at, s.data(), s.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  template <class List>
  int operator()(const List& list) const {
    json::Array array;
    for (const auto& item : list) array.emplace_back(item);
    std::string text = json::serialize(json::Value(std::move(array)));
    return sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
};

}  // namespace

void SqliteHandle::bind(const Prepared& prepared, const Call& call) {
  auto args = call.args.data();
  for (std::size_t i = 0; i != prepared.arguments.size(); ++i) {
    if (prepared.arguments[i] >= args.size())
      throw std::logic_error(std::string(call.sql.name) + ": fewer arguments than parameters");
    int code = std::visit(Bind{prepared.statement.get(), static_cast<int>(i) + 1},
                          args[prepared.arguments[i]]);
    if (code != SQLITE_OK) throw failed(call.sql.name);
  }
}

void SqliteHandle::match_columns(Prepared& prepared, const Call& call) {
  sqlite3_stmt* statement = prepared.statement.get();
  // A changed schema re-prepares the statement under us, and `*` may then mean other columns.
  int reprepared = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
  if (prepared.row == call.row && prepared.reprepared == reprepared) return;
  prepared.columns.clear();
  prepared.row = nullptr;
  for (int i = 0; i != sqlite3_column_count(statement); ++i)
    prepared.columns.push_back(field_for(*call.row, sqlite3_column_name(statement, i), call.sql.name));
  prepared.row = call.row;
  prepared.reprepared = reprepared;
}

Cell SqliteHandle::cell(sqlite3_stmt* statement, int column, const json::Field& field,
                        std::string_view name) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    default:
      break;
  }
  auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  std::string_view text(bytes ? bytes : "",
                        static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
  if (holds_json(*field.shape)) return column_json(text, name);
  return std::string(text);
}

void SqliteHandle::copy_into(const std::string& path) {
  std::string quoted;
  for (char c : path) quoted.append(c == '\'' ? 2 : 1, c);
  script("VACUUM INTO '" + quoted + "'", "copy");
}

void SqliteHandle::script(const std::string& sql, std::string_view name) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) throw failed(name);
}

}  // namespace antiphon::store

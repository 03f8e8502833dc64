#include "store/sqlite.h"

#include <filesystem>

#include "base/problem.h"
#include "store/deadline.h"
#include "store/sqlite_file.h"
#include "store/sqlite_readers.h"
#include "store/sqlite_snapshot.h"

namespace antiphon::store {
namespace {

using Kind = SqliteSession::Kind;

/// One interactive transaction, as the coroutine sees it.
class Transaction final : public Connection {
 public:
  explicit Transaction(std::shared_ptr<SqliteSession> session) : session_(std::move(session)) {}
  ~Transaction() override {
    if (!over_) session_->ask({.kind = Kind::abandon});
  }
  Dialect dialect() const override { return Dialect::sqlite; }
  Task<> script(std::string sql) override { (void)co_await ask({.kind = Kind::script, .script = sql}); }
  Task<> commit() {
    over_ = true;
    (void)co_await ask({.kind = Kind::commit});
  }

 private:
  Task<std::int64_t> execute(Sql sql, Args args, const json::Shape* list, void* rows) override {
    refuse_nul(args);
    Call call{sql, std::move(args), list ? list->element : nullptr};
    Reply reply = co_await ask({.kind = Kind::call, .call = std::move(call)});
    std::int64_t changed = reply.changed;
    if (list) fill(std::move(reply), *list, rows);
    co_return changed;
  }
  Task<Reply> ask(SqliteSession::Request request) {
    co_return co_await await_result<Reply>([&](Completion<Reply> done) {
      request.done = done;
      session_->ask(std::move(request));
    });
  }

  std::shared_ptr<SqliteSession> session_;
  bool over_ = false;
};

class SqliteDb final : public Db {
 public:
  SqliteDb(const std::string& path, const Options& options, SqlitePatience patience)
      : file_(path == ":memory:" ? nullptr
                                 : std::make_unique<SqliteFile>(path, options.network_file_system)),
        writer_(path, patience, counters_) {
    // Another connection to ":memory:" would be another database.
    if (file_) {
      snapshots_ = std::make_unique<SqliteSnapshots>(path, patience, counters_);
      readers_ = std::make_unique<SqliteReaders>(path, std::max(1, options.readers), patience, writer_,
                                                 counters_);
    }
  }

  Dialect dialect() const override { return Dialect::sqlite; }

  Task<> script(std::string sql) override {
    (void)co_await write({.script = std::move(sql), .done = none()});
  }

  Task<> transact(std::function<Task<>(Connection&)> work) override {
    auto session = std::make_shared<SqliteSession>();
    Transaction transaction(session);
    (void)co_await write({.session = session, .done = none()});
    co_await work(transaction);
    co_await transaction.commit();
  }

  Task<> alone(std::function<Task<>(Connection&)> work) override { co_await work(*this); }

  Task<std::vector<std::int64_t>> batch(std::vector<Bound> statements) override {
    SqliteWriter::Job job{.done = none()};
    for (Bound& bound : statements) {
      refuse_nul(bound.args);
      job.calls.push_back({bound.sql, std::move(bound.args)});
    }
    std::vector<std::int64_t> changed;
    if (job.calls.empty()) co_return changed;
    for (const Reply& reply : co_await write(std::move(job))) changed.push_back(reply.changed);
    co_return changed;
  }

  Task<bool> alive() override {
    return within(std::chrono::seconds(1), [this](Completion<bool> done) {
      auto yes = [](Reply) { return true; };
      submit({{"store.alive", "SELECT 1"}, Args()}, converting<Reply, bool>(std::move(done), yes));
    });
  }

  Statistics stats() const override { return counters_.read(); }

  Task<std::optional<std::string>> backup(std::string label) override {
    if (!file_) co_return std::nullopt;
    std::string path = file_->backup_path(label, kBackups);
    auto copy = [path](SqliteHandle& handle) { copy_to(handle, path); };
    (void)co_await write({.alone = copy, .done = none()});
    co_return path;
  }

  std::vector<std::string> copies() const override {
    return file_ ? file_->backups() : std::vector<std::string>();
  }

  Task<std::optional<std::ifstream>> snapshot() override {
    if (!snapshots_) co_return std::nullopt;
    co_return co_await await_result<std::ifstream>(
        [this](Completion<std::ifstream> done) { snapshots_->take(std::move(done)); });
  }

  std::string description() const override {
    return std::string("SQLite ") + sqlite3_libversion() + ", " + (file_ ? file_->path() : "in memory");
  }

  Task<> close() override {
    std::thread closer;
    co_await suspend([&](std::function<void()> resume) {
      closer = std::thread([this, resume = std::move(resume)] {
        if (snapshots_) snapshots_->close();
        if (readers_) readers_->close();
        writer_.close();
        resume();
      });
    });
    closer.join();
  }

 private:
  static constexpr std::size_t kBackups = 3;
  using Replies = SqliteWriter::Replies;

  /// Replaced by write(): a Job cannot do without.
  static Completion<Replies> none() { return Completion<Replies>(nullptr); }

  Task<std::int64_t> execute(Sql sql, Args args, const json::Shape* list, void* rows) override {
    refuse_nul(args);
    Call call{sql, std::move(args), list ? list->element : nullptr};
    Reply reply = co_await await_result<Reply>(
        [&](Completion<Reply> done) { submit(std::move(call), std::move(done)); });
    std::int64_t changed = reply.changed;
    if (list) fill(std::move(reply), *list, rows);
    co_return changed;
  }

  void submit(Call call, Completion<Reply> done) {
    if (readers_ && only_reads(call.sql.text))
      return readers_->submit({std::move(call), std::move(done)});
    writer_.submit(one_call(std::move(call), std::move(done)));
  }

  Task<Replies> write(SqliteWriter::Job job) {
    co_return co_await await_result<Replies>([&](Completion<Replies> done) {
      job.done = std::move(done);
      writer_.submit(std::move(job));
    });
  }

  static void copy_to(SqliteHandle& handle, const std::string& path) {
    std::string half = path + ".part";
    std::error_code ignored;
    std::filesystem::remove(half, ignored);
    handle.copy_into(half);
    sync_file(half);
    std::filesystem::permissions(
        half, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::rename(half, path);
    sync_file(path);
  }

  Counters counters_;
  std::unique_ptr<SqliteFile> file_;  ///< Null in memory. Gives the lock back last.
  SqliteWriter writer_;
  std::unique_ptr<SqliteReaders> readers_;
  std::unique_ptr<SqliteSnapshots> snapshots_;
};

}  // namespace

std::unique_ptr<Db> open_sqlite(const std::string& path, const Options& options,
                                SqlitePatience patience) {
  return std::make_unique<SqliteDb>(path, options, patience);
}

}  // namespace antiphon::store

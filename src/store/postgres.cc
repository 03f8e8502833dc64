#include "store/postgres.h"

#include <cstring>

#include "base/ids.h"
#include "store/deadline.h"
#include "store/postgres_pool.h"

namespace antiphon::store {
namespace {

std::int64_t deliver(PgResult result, Call call, const json::Shape* list, void* rows) {
  Reply reply = reply_of(result.get(), call);
  std::int64_t changed = reply.changed;
  if (list) fill(std::move(reply), *list, rows);
  return changed;
}

/// One interactive transaction, as the coroutine sees it. BEGIN travels with the first statement.
class Transaction final : public Connection {
 public:
  explicit Transaction(std::shared_ptr<PgWire> wire, Counters& counters)
      : wire_(std::move(wire)), counters_(counters) {}
  ~Transaction() override { wire_->end_lease(begun_ && !over_); }

  Dialect dialect() const override { return Dialect::postgres; }

  /// The server ended it so that others could go on: nothing of it took effect, and nothing was wrong
  /// with it.
  bool collided() const { return collided_; }

  Task<> script(std::string sql) override {
    if (!begun_) {
      std::vector<Call> none;
      co_await ask(std::move(none), PgCommand::Kind::writes);
    }
    auto command =
        std::make_shared<PgCommand>(PgCommand{.kind = PgCommand::Kind::script, .leased = true});
    command->script = std::move(sql);
    co_await send(std::move(command));
  }

  Task<> commit() {
    if (failure_) std::rethrow_exception(failure_);
    if (!begun_) co_return;
    over_ = true;
    co_await send(std::make_shared<PgCommand>(PgCommand{.leased = true, .then_commit = true}));
  }

 private:
  Task<std::int64_t> execute(Sql sql, Args args, const json::Shape* list, void* rows) override {
    refuse_nul(args);
    Call call{sql, std::move(args), list ? list->element : nullptr};
    std::vector<Call> calls;
    calls.push_back(call);
    PgAnswer answer = co_await ask(std::move(calls), PgCommand::Kind::writes);
    co_return deliver(std::move(answer.back()), std::move(call), list, rows);
  }

  Task<PgAnswer> ask(std::vector<Call> calls, PgCommand::Kind kind) {
    auto command = std::make_shared<PgCommand>(PgCommand{.kind = kind, .leased = true});
    if (!begun_) command->calls.push_back({kBegin});
    begun_ = true;
    for (Call& call : calls) command->calls.push_back(std::move(call));
    co_return co_await send(std::move(command));
  }

  /// After a failure nothing but the end is left.
  Task<PgAnswer> send(PgCommandPtr command) {
    if (failure_) std::rethrow_exception(failure_);
    try {
      co_return co_await await_result<PgAnswer>([&](Completion<PgAnswer> done) {
        command->done = std::move(done);
        ++counters_.waiting;
        wire_->submit(command);
      });
    } catch (...) {
      failure_ = std::current_exception();
      collided_ = is_collision(sqlstate(command->failure.get()));
      throw;
    }
  }

  std::shared_ptr<PgWire> wire_;
  Counters& counters_;
  std::exception_ptr failure_;
  bool begun_ = false;
  bool over_ = false;
  bool collided_ = false;
};

/// A connection to oneself, without a transaction.
class Alone final : public Connection {
 public:
  Alone(std::shared_ptr<PgWire> wire, Counters& counters)
      : wire_(std::move(wire)), counters_(counters) {}
  ~Alone() override { wire_->end_lease(false); }

  Dialect dialect() const override { return Dialect::postgres; }

  Task<> script(std::string sql) override {
    auto command =
        std::make_shared<PgCommand>(PgCommand{.kind = PgCommand::Kind::script, .leased = true});
    command->script = std::move(sql);
    (void)co_await send(std::move(command));
  }

 private:
  Task<std::int64_t> execute(Sql sql, Args args, const json::Shape* list, void* rows) override {
    refuse_nul(args);
    Call call{sql, std::move(args), list ? list->element : nullptr};
    auto command =
        std::make_shared<PgCommand>(PgCommand{.kind = PgCommand::Kind::writes, .leased = true});
    command->calls.push_back(call);
    PgAnswer answer = co_await send(std::move(command));
    co_return deliver(std::move(answer.back()), std::move(call), list, rows);
  }

  Task<PgAnswer> send(PgCommandPtr command) {
    co_return co_await await_result<PgAnswer>([&](Completion<PgAnswer> done) {
      command->done = std::move(done);
      ++counters_.waiting;
      wire_->submit(command);
    });
  }

  std::shared_ptr<PgWire> wire_;
  Counters& counters_;
};

/// Those that collided must not meet again: 5 to 15, 10 to 30, 20 to 60 ms.
std::chrono::microseconds pause_before(int attempt) {
  std::uint16_t chance = 0;
  std::memcpy(&chance, random_bytes(sizeof chance).data(), sizeof chance);
  return std::chrono::microseconds((5000 + chance % 10'000) << (attempt - 2));
}

class PostgresDb final : public Db {
 public:
  PostgresDb(const Url& url, const Options& options, Loops& loops)
      : pool_(PgPool::make(url, options, loops)) {}

  Dialect dialect() const override { return Dialect::postgres; }

  Task<> script(std::string sql) override {
    auto command = std::make_shared<PgCommand>(PgCommand{.kind = PgCommand::Kind::script});
    command->script = std::move(sql);
    (void)co_await send(std::move(command));
  }

  Task<> transact(std::function<Task<>(Connection&)> work) override {
    for (int attempt = 1; !co_await attempted(work, attempt == kAttempts);)
      co_await sleep_for(pause_before(++attempt));
  }

  Task<> alone(std::function<Task<>(Connection&)> work) override {
    Alone connection(co_await pool_->lease(), pool_->counters());
    co_await connection.script(kNoLimits);
    std::exception_ptr failure;
    try {
      co_await work(connection);
    } catch (...) {
      failure = std::current_exception();
    }
    co_await connection.script(kSessionLimits);
    if (failure) std::rethrow_exception(failure);
  }

  Task<std::vector<std::int64_t>> batch(std::vector<Bound> statements) override {
    auto command = std::make_shared<PgCommand>(PgCommand{.then_commit = true});
    command->calls.push_back({kBegin});
    for (Bound& bound : statements) {
      refuse_nul(bound.args);
      command->calls.push_back({bound.sql, std::move(bound.args)});
    }
    std::vector<std::int64_t> changed;
    if (statements.empty()) co_return changed;
    PgAnswer answer = co_await send(std::move(command));
    // The first is of BEGIN and the last of COMMIT.
    for (std::size_t i = 1; i + 1 < answer.size(); ++i)
      changed.push_back(reply_of(answer[i].get(), Call{}).changed);
    co_return changed;
  }

  Task<bool> alive() override {
    Executor here = co_await current_executor();
    co_return co_await within(std::chrono::seconds(1), [&](Completion<bool> done) {
      auto yes = [](PgAnswer) { return true; };
      auto command = std::make_shared<PgCommand>(PgCommand{.kind = PgCommand::Kind::reads});
      command->calls.push_back({{"store.alive", "SELECT 1"}});
      command->done = converting<PgAnswer, bool>(std::move(done), yes);
      pool_->submit(std::move(command), here);
    });
  }

  Statistics stats() const override { return pool_->counters().read(); }
  Task<std::optional<std::string>> backup(std::string) override { co_return std::nullopt; }
  std::vector<std::string> copies() const override { return {}; }
  Task<std::optional<std::ifstream>> snapshot() override { co_return std::nullopt; }
  std::string description() const override { return pool_->server(); }
  Task<> close() override { co_await pool_->close(); }

 private:
  static constexpr int kAttempts = 4;
  static constexpr const char* kNoLimits = "SET statement_timeout = 0; SET lock_timeout = 0";

  /// False when it collided and may be run again. Whatever `work` made of the collision, all it did is
  /// undone.
  Task<bool> attempted(std::function<Task<>(Connection&)> work, bool last) {
    Transaction transaction(co_await pool_->lease(), pool_->counters());
    try {
      co_await work(transaction);
      co_await transaction.commit();
      co_return true;
    } catch (...) {
      if (last || !transaction.collided()) throw;
    }
    co_return false;
  }

  Task<std::int64_t> execute(Sql sql, Args args, const json::Shape* list, void* rows) override {
    refuse_nul(args);
    Call call{sql, std::move(args), list ? list->element : nullptr};
    bool reads = only_reads(call.text(Dialect::postgres));
    auto command = std::make_shared<PgCommand>(
        PgCommand{.kind = reads ? PgCommand::Kind::reads : PgCommand::Kind::writes});
    command->calls.push_back(call);
    PgAnswer answer = co_await send(std::move(command));
    co_return deliver(std::move(answer.back()), std::move(call), list, rows);
  }

  Task<PgAnswer> send(PgCommandPtr command) {
    Executor here = co_await current_executor();
    co_return co_await await_result<PgAnswer>([&](Completion<PgAnswer> done) {
      command->done = std::move(done);
      pool_->submit(std::move(command), here);
    });
  }

  std::shared_ptr<PgPool> pool_;
};

}  // namespace

std::unique_ptr<Db> open_postgres(const Url& url, const Options& options, Loops& loops) {
  return std::make_unique<PostgresDb>(url, options, loops);
}

}  // namespace antiphon::store

#include <atomic>

#include "base/async.h"
#include "base/scope.h"
#include "store/test_store.h"

namespace antiphon::store {
namespace {

struct Entry {
  std::int64_t id = 0;
  std::string author;
  std::int64_t turn = 0;
};
ANTIPHON_DTO(Entry, id, author, turn)
ANTIPHON_DTO_DEFINE(Entry)

struct Sum {
  std::int64_t total = 0;
};
ANTIPHON_DTO(Sum, total)
ANTIPHON_DTO_DEFINE(Sum)

constexpr Sql kAdd{"entry.add", "INSERT INTO entry (author, turn) VALUES ($1, $2)"};
constexpr Sql kOf{"entry.of", "SELECT id, author, turn FROM entry WHERE author = $1 ORDER BY id"};
constexpr Sql kCount{"entry.count", "SELECT count(*) AS total FROM entry"};
constexpr Sql kRead{"account.read", "SELECT total FROM account WHERE id = $1"};
constexpr Sql kWrite{"account.write", "UPDATE account SET total = $2 WHERE id = $1"};
constexpr Sql kAddTo{"account.add", "UPDATE account SET total = total + $2 WHERE id = $1"};
constexpr Sql kBroken{"entry.broken", "SELECT id, author, turn FROM entry WHERE id = 1 / $1"};

void make_tables(Store& store, Engine engine) {
  store.script(
      engine == Engine::postgres
          ? "CREATE TABLE entry (id BIGSERIAL PRIMARY KEY, author TEXT, turn BIGINT)"
          : "CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, author TEXT, turn BIGINT)");
  store.script("CREATE TABLE account (id TEXT PRIMARY KEY, total BIGINT)");
  store.script("INSERT INTO account VALUES ('a', 0), ('b', 0)");
}

class ConcurrencyTest : public testing::TestWithParam<Engine> {
 protected:
  ConcurrencyTest() { make_tables(store_, GetParam()); }

  /// Runs `work(i)` for i = 0 … count-1, spread over the loops, and waits for all.
  template <class Work>
  void everywhere(int count, Work work) {
    Scope scope;
    for (int i = 0; i != count; ++i)
      scope.start(store_.loops.next(), "worker", [work, i]() -> Task<> { co_await work(i); });
    EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(60)); }));
  }
  std::int64_t total(const char* id) {
    return run([&] { return store_->first<Sum>(kRead, id); })->total;
  }

  Store store_{GetParam(), 4};
};

TEST_P(ConcurrencyTest, KeepsEveryWriteOfFourLoopsInItsAuthorsOrder) {
  constexpr int kAuthors = 32, kTurns = 50;

  everywhere(kAuthors, [&](int author) -> Task<> {
    for (int turn = 0; turn != kTurns; ++turn)
      co_await store_->run(kAdd, "author" + std::to_string(author), turn);
  });

  for (int author = 0; author != kAuthors; ++author) {
    auto entries = run([&] { return store_->all<Entry>(kOf, "author" + std::to_string(author)); });
    ASSERT_EQ(entries.size(), std::size_t{kTurns});
    for (int turn = 0; turn != kTurns; ++turn)
      EXPECT_EQ(entries[static_cast<std::size_t>(turn)].turn, turn);
  }
}

TEST_P(ConcurrencyTest, SharesCommits) {
  if (GetParam() == Engine::postgres) GTEST_SKIP() << "PostgreSQL shares fsyncs itself";
  Statistics before = store_->stats();

  everywhere(64, [&](int author) -> Task<> {
    for (int turn = 0; turn != 20; ++turn) co_await store_->run(kAdd, std::to_string(author), turn);
  });

  Statistics after = store_->stats();
  EXPECT_EQ(after.jobs - before.jobs, 64 * 20);
  EXPECT_GT(after.jobs - before.jobs, 2 * (after.commits - before.commits));
  EXPECT_EQ(after.waiting, 0);
}

TEST_P(ConcurrencyTest, LosesNoUpdateInTransactionsThatLockTheirRow) {
  constexpr Sql kLock{"account.lock", "SELECT total FROM account WHERE id = $1",
                      "SELECT total FROM account WHERE id = $1 FOR UPDATE"};

  everywhere(16, [&](int) -> Task<> {
    for (int i = 0; i != 10; ++i)
      co_await store_->transact([&](Connection& c) -> Task<> {
        auto account = co_await c.first<Sum>(kLock, "a");
        co_await c.run(kWrite, "a", account->total + 1);
      });
  });

  EXPECT_EQ(total("a"), 160);
}

TEST_P(ConcurrencyTest, SparesTheNeighboursOfAWriteThatFails) {
  std::atomic<int> failed = 0;

  everywhere(40, [&](int i) -> Task<> {
    std::vector<Bound> transfer;
    transfer.emplace_back(kAddTo, "a", -1);
    transfer.emplace_back(kAddTo, "b", 1);
    if (i % 4 == 0) transfer.emplace_back(Sql{"account.again", "INSERT INTO account VALUES ('a', 0)"});
    try {
      co_await store_->batch(std::move(transfer));
    } catch (const Problem& p) {
      EXPECT_EQ(p.kind(), Problem::Kind::conflict) << p.cause();
      ++failed;
    }
  });

  EXPECT_EQ(failed, 10);
  EXPECT_EQ(total("a"), -30);
  EXPECT_EQ(total("b"), 30);
}

TEST_P(ConcurrencyTest, SparesTheNeighboursOfAReadThatFails) {
  run([&] { return store_->run(kAdd, "x", 1); });
  std::atomic<int> failed = 0, read = 0;

  everywhere(200, [&](int i) -> Task<> {
    for (int n = 0; n != 5; ++n) {
      try {
        // SQLite divides by zero to NULL, so there the mistake is another.
        if (i % 10 == 0 && GetParam() == Engine::postgres) {
          co_await store_->all<Entry>(kBroken, 0);
        } else if (i % 10 == 0) {
          co_await store_->all<Entry>(Sql{"entry.typo", "SELECT no_such_column FROM entry"});
        } else {
          EXPECT_EQ((co_await store_->all<Entry>(kOf, "x")).size(), 1U);
          ++read;
        }
      } catch (const Problem& p) {
        EXPECT_EQ(p.kind(), Problem::Kind::internal) << p.cause();
        ++failed;
      }
    }
  });

  EXPECT_EQ(failed, 100);
  EXPECT_EQ(read, 900);
}

TEST_P(ConcurrencyTest, ReadsWhileTransactionsRun) {
  std::atomic<bool> over = false;
  std::atomic<int> reads = 0;

  everywhere(9, [&](int i) -> Task<> {
    if (i < 8) {
      while (reads == 0) co_await sleep_for(std::chrono::milliseconds(1));
      for (int n = 0; n != 20; ++n)
        co_await store_->transact([&](Connection& c) -> Task<> {
          co_await c.run(kAddTo, "a", -1);
          co_await c.run(kAddTo, "b", 1);
        });
      over = true;
    } else {
      constexpr Sql kSum{"account.sum", "SELECT sum(total) AS total FROM account"};
      while (!over) {
        auto sum = co_await store_->first<Sum>(kSum);
        EXPECT_EQ(sum->total, 0);
        ++reads;
      }
    }
  });

  EXPECT_EQ(total("a"), -160);
}

TEST_P(ConcurrencyTest, RollsBackTransactionsThatAreThrownOutOf) {
  everywhere(12, [&](int i) -> Task<> {
    try {
      co_await store_->transact([&](Connection& c) -> Task<> {
        co_await c.run(kAddTo, "a", 1);
        if (i % 2 == 0) throw not_found("thing");
      });
    } catch (const Problem& p) {
      EXPECT_EQ(p.kind(), Problem::Kind::not_found);
    }
  });

  EXPECT_EQ(total("a"), 6);
}

TEST_P(ConcurrencyTest, FinishesWhatRunsBeforeItCloses) {
  std::atomic<int> kept = 0, refused = 0;
  Scope scope;
  for (int i = 0; i != 50; ++i)
    scope.start(store_.loops.next(), "writer", [&, i]() -> Task<> {
      try {
        for (int n = 0; n != 1000; ++n) {
          co_await store_->run(kAdd, std::to_string(i), n);
          ++kept;
        }
      } catch (const Problem& p) {
        EXPECT_EQ(p.kind(), Problem::Kind::unavailable);
        ++refused;
      }
    });
  run([] { return sleep_for(std::chrono::milliseconds(50)); });

  run([&] { return store_->close(); });
  EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(60)); }));

  EXPECT_EQ(refused, 50);
  if (GetParam() == Engine::memory) return;
  store_.reopen();
  EXPECT_EQ(run([&] { return store_->first<Sum>(kCount); })->total, kept);
}

INSTANTIATE_TEST_SUITE_P(Engines, ConcurrencyTest, testing::ValuesIn(engines()),
                         [](const auto& info) { return engine_name(info.param); });

}  // namespace
}  // namespace antiphon::store

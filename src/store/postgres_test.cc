#include <atomic>

#include "base/async.h"
#include "base/scope.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::store {
namespace {

struct Value {
  std::int64_t n = 0;
};
ANTIPHON_DTO(Value, n)
ANTIPHON_DTO_DEFINE(Value)

struct Text {
  std::string value;
};
ANTIPHON_DTO(Text, value)
ANTIPHON_DTO_DEFINE(Text)

constexpr Sql kEcho{"pg.echo", "SELECT $1::bigint AS n"};
constexpr Sql kAdd{"pg.add", "INSERT INTO t (n) VALUES ($1)"};
constexpr Sql kCount{"pg.count", "SELECT count(*) AS n FROM t"};
constexpr Sql kOthers{"pg.kill", R"(
    SELECT count(pg_terminate_backend(pid)) AS n
      FROM pg_stat_activity
     WHERE usename = current_user AND application_name = $1 AND pid <> pg_backend_pid())"};
constexpr Sql kConnected{"pg.connected", R"(
    SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = $1)"};

class PostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    if (postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
  }
  /// A database whose connections can be told from others' by name.
  std::unique_ptr<Db> open_named(const Place& place, Loops& loops, const std::string& name,
                                 Options options = {}) {
    options.url = place.url() + "&application_name=" + name;
    return open(options, loops);
  }
  std::int64_t kill(Db& from, const std::string& name) {
    return run([&] { return from.first<Value>(kOthers, name); })->n;
  }
  template <class Work>
  void everywhere(Loops& loops, int count, Work work) {
    Scope scope;
    for (int i = 0; i != count; ++i)
      scope.start(loops.next(), "worker", [work, i]() -> Task<> { co_await work(i); });
    EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(60)); }));
  }
};

TEST_F(PostgresTest, RecoversFromConnectionsThatAreKilledUnderLoad) {
  Store admin(Engine::postgres);
  admin.script("CREATE TABLE t (n BIGINT)");
  Loops loops(3);
  loops.start();
  constexpr int kConnections = 3;
  auto db = open_named(admin.place, loops, "victim", {.connections = kConnections});
  std::atomic<int> acknowledged = 0, unknown = 0, read = 0;
  std::atomic<bool> over = false;
  Scope scope;
  for (int i = 0; i != 12; ++i)
    scope.start(loops.next(), "worker", [&, i]() -> Task<> {
      while (!over) {
        try {
          if (i % 2 == 0) {
            co_await db->run(kAdd, i);
            ++acknowledged;
          } else {
            EXPECT_EQ((co_await db->first<Value>(kEcho, i))->n, i);
            ++read;
          }
        } catch (const Problem& p) {
          EXPECT_EQ(p.kind(), Problem::Kind::unavailable) << p.cause();
          if (i % 2 == 0) ++unknown;
        }
      }
    });
  // Waits for what happens and for no time, which would tell how fast the machine is.
  auto go_on = [&] {
    int reads = read, writes = acknowledged;
    eventually([&] { return read > reads + 20 && acknowledged > writes + 20; });
    EXPECT_GT(read, reads + 20);
    EXPECT_GT(acknowledged, writes + 20);
  };
  auto connected = [&] { return run([&] { return admin->first<Value>(kConnected, "victim"); })->n; };
  for (int i = 0; i != 5; ++i) {
    go_on();
    eventually([&] { return connected() == kConnections; });
    EXPECT_EQ(connected(), kConnections);
    auto lost = db->stats().reconnects;
    EXPECT_GT(kill(*admin.db, "victim"), 1);
    eventually([&] { return db->stats().reconnects > lost; });
  }
  go_on();
  over = true;
  EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(20)); }));

  auto rows = run([&] { return admin->first<Value>(kCount); })->n;
  EXPECT_GE(rows, acknowledged);
  EXPECT_LE(rows, acknowledged + unknown);
  EXPECT_EQ(db->stats().waiting, 0);
  run([&] { return db->close(); });
}

TEST_F(PostgresTest, RetriesAReadWhoseConnectionBroke) {
  Store admin(Engine::postgres);
  Loops loops(1);
  loops.start();
  auto db = open_named(admin.place, loops, "reader", {.connections = 1});
  run([&] { return db->first<Value>(kEcho, 1); });

  admin.script("CREATE TABLE t (n BIGINT)");
  constexpr Sql kLocks{"pg.waiting", R"(
      SELECT count(*) AS n
        FROM pg_stat_activity
       WHERE application_name = $1 AND wait_event_type = 'Lock')"};
  Scope scope;
  std::int64_t got = -1, killed = 0;
  run([&] {
    return admin->transact([&](Connection& c) -> Task<> {
      co_await c.script("LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
      scope.start(loops.at(0), "reader",
                  [&]() -> Task<> { got = (co_await db->first<Value>(kCount))->n; });
      while ((co_await admin->first<Value>(kLocks, "reader"))->n == 0)
        co_await sleep_for(std::chrono::milliseconds(5));
      killed = (co_await admin->first<Value>(kOthers, "reader"))->n;
    });
  });

  EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(20)); }));
  EXPECT_EQ(killed, 1);
  EXPECT_EQ(got, 0);
  run([&] { return db->close(); });
}

TEST_F(PostgresTest, FailsATransactionWhoseConnectionBroke) {
  Store admin(Engine::postgres);
  admin.script("CREATE TABLE t (n BIGINT)");
  Loops loops(1);
  loops.start();
  auto db = open_named(admin.place, loops, "writer");
  auto doomed = [&] {
    return db->transact([&](Connection& c) -> Task<> {
      co_await c.run(kAdd, 1);
      (void)co_await admin->first<Value>(kOthers, "writer");
      co_await c.run(kAdd, 2);
    });
  };

  EXPECT_EQ(problem_of(doomed).kind(), Problem::Kind::unavailable);
  EXPECT_EQ(run([&] { return admin->first<Value>(kCount); })->n, 0);
  run([&] { return db->transact([](Connection& c) -> Task<> { co_await c.run(kAdd, 3); }); });
  EXPECT_EQ(run([&] { return admin->first<Value>(kCount); })->n, 1);
  run([&] { return db->close(); });
}

TEST_F(PostgresTest, RunsATransactionAgainThatADeadlockEnded) {
  Store store(Engine::postgres, 2);
  store.script("CREATE TABLE t (n BIGINT PRIMARY KEY, times BIGINT NOT NULL)");
  store.script("INSERT INTO t VALUES (1, 0), (2, 0)");
  constexpr Sql bump{"pg.bump", "UPDATE t SET times = times + 1 WHERE n = $1"};
  constexpr Sql twice{"pg.twice", "SELECT count(*) AS n FROM t WHERE times = 2"};
  std::atomic<int> holding = 0, ran = 0;

  everywhere(store.loops, 2, [&](int i) -> Task<> {
    co_await store->transact([&, i](Connection& c) -> Task<> {
      ++ran;
      co_await c.run(bump, 1 + i);
      ++holding;
      while (holding < 2) co_await sleep_for(std::chrono::milliseconds(1));
      co_await c.run(bump, 2 - i);
    });
  });

  EXPECT_EQ(ran, 3) << "one of the two, once more";
  EXPECT_EQ(run([&] { return store->first<Value>(twice); })->n, 2);
}

TEST_F(PostgresTest, GivesUpATransactionThatCollidesEachTime) {
  Store store(Engine::postgres);
  int ran = 0;
  bool swallow = false;
  auto collides = [&] {
    return store->transact([&](Connection& c) -> Task<> {
      ++ran;
      try {
        co_await c.script("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$");
      } catch (const Problem&) {
        if (!swallow) throw;
      }
    });
  };

  EXPECT_EQ(problem_of(collides).kind(), Problem::Kind::unavailable);
  EXPECT_EQ(ran, 4);
  swallow = true;
  EXPECT_EQ(problem_of(collides).kind(), Problem::Kind::unavailable) << "nothing was committed";
  EXPECT_EQ(ran, 8);
}

TEST_F(PostgresTest, RunsATransactionThatFailsOtherwiseOnce) {
  Store store(Engine::postgres);
  int ran = 0;
  auto fails = [&] {
    return store->transact([&](Connection& c) -> Task<> {
      ++ran;
      co_await c.script("SELECT 1 / 0");
    });
  };

  EXPECT_EQ(problem_of(fails).kind(), Problem::Kind::internal);
  EXPECT_EQ(ran, 1);
}

TEST_F(PostgresTest, TellsOfACommitThatFails) {
  Store store(Engine::postgres);
  store.script("CREATE TABLE t (n BIGINT PRIMARY KEY)");
  store.script("CREATE TABLE child (n BIGINT REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
  constexpr Sql child{"pg.child", "INSERT INTO child (n) VALUES ($1)"};

  auto single = [&] { return store->run(child, 5); };
  auto batched = [&] {
    std::vector<Bound> two;
    two.emplace_back(kAdd, 1);
    two.emplace_back(child, 5);
    return store->batch(std::move(two));
  };
  auto transacted = [&] {
    return store->transact([&](Connection& c) -> Task<> { co_await c.run(child, 5); });
  };

  EXPECT_EQ(problem_of(single).kind(), Problem::Kind::conflict);
  EXPECT_EQ(problem_of(batched).kind(), Problem::Kind::conflict);
  EXPECT_EQ(problem_of(transacted).kind(), Problem::Kind::conflict);
  EXPECT_EQ(run([&] { return store->first<Value>(kCount); })->n, 0);
  EXPECT_EQ(run([&] { return store->run(kAdd, 5); }), 1);
}

TEST_F(PostgresTest, WorksWithoutPreparedStatements) {
  Store store(Engine::postgres, 1, {.prepared_statements = false});

  for (int i = 0; i != 3; ++i) EXPECT_EQ(run([&] { return store->first<Value>(kEcho, i); })->n, i);
  constexpr Sql kPrepared{"pg.prepared", "SELECT count(*) AS n FROM pg_prepared_statements"};
  EXPECT_EQ(run([&] { return store->first<Value>(kPrepared); })->n, 0);
}

TEST_F(PostgresTest, PreparesAgainWhatTheServerForgot) {
  Store store(Engine::postgres, 1, {.connections = 1});
  run([&] { return store->first<Value>(kEcho, 1); });

  store.script("DEALLOCATE ALL");

  EXPECT_EQ(run([&] { return store->first<Value>(kEcho, 2); })->n, 2);
  EXPECT_EQ(run([&] { return store->first<Value>(kEcho, 3); })->n, 3);
}

TEST_F(PostgresTest, HasTheTimeoutsOfTheRules) {
  Store store(Engine::postgres);
  auto setting = [&](const char* name) {
    constexpr Sql kShow{"pg.show", "SELECT current_setting($1) AS value"};
    return run([&] { return store->first<Text>(kShow, name); })->value;
  };

  EXPECT_EQ(setting("statement_timeout"), "10s");
  EXPECT_EQ(setting("lock_timeout"), "3s");
  EXPECT_EQ(setting("idle_in_transaction_session_timeout"), "30s");
}

TEST_F(PostgresTest, ServesOthersWhileATransactionIdles) {
  Store store(Engine::postgres, 2, {.connections = 2});
  store.script("CREATE TABLE t (n BIGINT)");

  run([&] {
    return store->transact([&](Connection& c) -> Task<> {
      co_await c.run(kAdd, 1);
      for (int i = 0; i != 20; ++i) {
        auto outside = co_await store->first<Value>(kCount);
        EXPECT_EQ(outside->n, 0) << "what is not committed is not seen";
      }
      auto inside = co_await c.first<Value>(kCount);
      EXPECT_EQ(inside->n, 1);
    });
  });
}

TEST_F(PostgresTest, RefusesAServerItCannotReachAndDoesNotRepeatThePassword) {
  Loops loops(1);
  try {
    open({.url = "postgresql://someone:hunter2@127.0.0.1:1/x"}, loops);
    FAIL();
  } catch (const Problem& p) {
    EXPECT_EQ(p.kind(), Problem::Kind::unavailable);
    EXPECT_NE(p.detail().find("DATABASE_URL"), std::string::npos);
    EXPECT_EQ((p.detail() + p.cause()).find("hunter2"), std::string::npos);
  }
}

TEST_F(PostgresTest, MigratesOnceWhenEightStartTogether) {
  Place place(Engine::postgres);
  const Migration all[] = {{"1", "-- expand\nCREATE TABLE a (x INT);"},
                           {"2", "-- expand\nCREATE TABLE b (x INT);"},
                           {"3", "-- expand\nINSERT INTO a VALUES (1);"}};
  Loops loops(2);
  loops.start();
  std::vector<std::unique_ptr<Db>> starters;
  for (int i = 0; i != 8; ++i) starters.push_back(open({.url = place.url(), .connections = 2}, loops));
  std::atomic<int> applied = 0, failed = 0;

  everywhere(loops, 8, [&](int i) -> Task<> {
    try {
      applied +=
          static_cast<int>((co_await migrate(*starters[static_cast<std::size_t>(i)], all)).size());
    } catch (const Problem& p) {
      ADD_FAILURE() << p.detail() << p.cause();
      ++failed;
    }
  });

  EXPECT_EQ(applied, 3);
  EXPECT_EQ(failed, 0);
  constexpr Sql kA{"pg.a", "SELECT count(*) AS n FROM a"};
  EXPECT_EQ(run([&] { return starters.front()->first<Value>(kA); })->n, 1);
  for (auto& db : starters) run([&] { return db->close(); });
}

/// The loops work already while the pool is being made.
TEST(PostgresPool, AConnectionThatBreaksAtOnceIsMadeAgain) {
  Place place(Engine::postgres);
  Store other(Engine::postgres);
  std::atomic<bool> stop = false;
  std::string url = place.url() + "&application_name=breaks_at_once";
  std::thread breaker([&] {
    while (!stop)
      other.script(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
          "'breaks_at_once'");
  });
  Loops loops(2);
  loops.start();
  int broken = 0;
  for (int i = 0; i != 100; ++i) try {
      auto db = open({.url = url, .connections = 4}, loops);
      run([&] { return db->close(); });
    } catch (const Problem&) {
      ++broken;  // Before it was there.
    }
  RecordProperty("broken", broken);
  stop = true;
  breaker.join();
  auto db = open({.url = url, .connections = 1}, loops);
  EXPECT_TRUE(run([&] { return db->alive(); }));
  run([&] { return db->close(); });
}

}  // namespace
}  // namespace antiphon::store

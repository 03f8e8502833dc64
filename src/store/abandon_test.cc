#include <atomic>

#include "base/async.h"
#include "base/signal.h"
#include "store/test_store.h"

/// Coroutines that go away in the middle: their loop ends, as when a process is told to stop.
namespace antiphon::store {
namespace {

struct Line {
  std::int64_t n = 0;
};
ANTIPHON_DTO(Line, n)
ANTIPHON_DTO_DEFINE(Line)

constexpr Sql kAdd{"line.add", "INSERT INTO line (n) VALUES ($1)"};
constexpr Sql kCount{"line.count", "SELECT count(*) AS n FROM line"};
constexpr Sql kOne{"line.one", "SELECT 1 AS n"};

class AbandonTest : public testing::TestWithParam<Engine> {
 protected:
  AbandonTest() { store_.script("CREATE TABLE line (n BIGINT)"); }
  std::int64_t count() {
    return run([&] { return store_->first<Line>(kCount); })->n;
  }
  Store store_{GetParam()};
};

TEST_P(AbandonTest, RollsBackATransactionWhoseCoroutineIsDestroyed) {
  for (int i = 0; i != 5; ++i) {
    Signal begun;
    Loops doomed(1);
    doomed.start();
    spawn_detached(doomed.at(0), [&]() -> Task<> {
      co_await store_->transact([&](Connection& c) -> Task<> {
        co_await c.run(kAdd, 1);
        begun.notify();
        co_await sleep_for(std::chrono::hours(1));
      });
    });
    EXPECT_TRUE(run([&] { return begun.wait(std::chrono::seconds(10)); }));
    doomed.stop();
  }

  EXPECT_EQ(count(), 0);
  EXPECT_EQ(run([&] { return store_->run(kAdd, 1); }), 1);
  EXPECT_EQ(count(), 1);
}

TEST_P(AbandonTest, DropsAnswersThatNobodyAwaitsAnyMore) {
  Loops stopped(1);
  Signal busy;
  std::atomic<int> turns = 0;
  for (int i = 0; i != 200; ++i)
    spawn_detached(stopped.at(0), [&]() -> Task<> {
      for (;;) {
        co_await store_->run(kAdd, 1);
        co_await store_->all<Line>(kOne);
        if (++turns == 300) busy.notify();
      }
    });
  stopped.start();
  EXPECT_TRUE(run([&] { return busy.wait(std::chrono::seconds(60)); }));
  stopped.stop();

  for (int i = 0; i != 20; ++i) EXPECT_EQ(run([&] { return store_->first<Line>(kOne); })->n, 1);
  EXPECT_GE(count(), 300);
  store_.close();  // As main does: the loops go last, with the coroutines that are left.
}

TEST_P(AbandonTest, ClosesSoonAlthoughTransactionsHang) {
  Loops stopped(1);
  stopped.start();
  Signal begun;
  for (int i = 0; i != 20; ++i)
    spawn_detached(stopped.at(0), [&]() -> Task<> {
      co_await store_->transact([&](Connection& c) -> Task<> {
        co_await c.run(kAdd, 1);
        begun.notify();
        co_await sleep_for(std::chrono::hours(1));
      });
    });
  EXPECT_TRUE(run([&] { return begun.wait(std::chrono::seconds(10)); }));
  stopped.stop();
  auto before = std::chrono::steady_clock::now();

  store_.close();

  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Engines, AbandonTest, testing::ValuesIn(engines()),
                         [](const auto& info) { return engine_name(info.param); });

}  // namespace
}  // namespace antiphon::store

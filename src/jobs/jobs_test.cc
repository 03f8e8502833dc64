#include "jobs/jobs.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/async.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::jobs {

struct StateRow {
  std::int64_t state = 0;
  std::string owner;
};
ANTIPHON_DTO(StateRow, state, owner)
ANTIPHON_DTO_DEFINE(StateRow)

namespace {

using namespace std::chrono_literals;
using store::Engine;
using store::Sql;

class JobsTest : public ::testing::TestWithParam<Engine> {
 protected:
  JobsTest() : store(GetParam(), 2) {
    run([&] { return store::migrate(*store.db); });
    jobs.emplace(*store.db, store.loops, "this process", [] { return true; });
    jobs->on("count", [this](const Job& job) -> Task<> {
      ++done;
      if (fails) throw Problem(Problem::Kind::upstream, "no");
      attempts = job.attempts;
      co_return;
    });
  }
  ~JobsTest() override {
    run([&] { return jobs->stop(5s); });
  }
  void queue(const std::string& key) {
    run([&]() -> Task<> {
      (void)co_await store.db->run_bound(Jobs::queueing("count", key, json::Value("x")));
    });
  }
  /// As if `owner` had claimed it a moment ago.
  void claimed_by(const std::string& key, const std::string& owner, int attempts_so_far = 1) {
    queue(key);
    constexpr Sql kTake{
        "test.take",
        "UPDATE job SET state = 1, owner = $2, attempts = $3, lease_until = run_at + 120 "
        "WHERE key = $1"};
    run([&]() -> Task<> { (void)co_await store.db->run(kTake, key, owner, attempts_so_far); });
  }
  void add_node(const std::string& id, const std::string& lease_until) {
    store.script("INSERT INTO node (node_id, name, version, lease_until, started_at) VALUES ('" + id +
                 "', '', '', " + lease_until + ", 0)");
  }
  StateRow state(const std::string& key) {
    constexpr Sql kState{"test.state", "SELECT state, owner FROM job WHERE key = $1"};
    return run([&] { return store.db->first<StateRow>(kState, key); }).value();
  }
  void await_end_of(const std::string& key) {
    for (int i = 0; i != 400 && state(key).state < 2; ++i) run([] { return sleep_for(10ms); });
  }

  store::Store store;
  std::optional<Jobs> jobs;
  std::atomic<int> done = 0;
  std::atomic<std::int64_t> attempts = 0;
  std::atomic<bool> fails = false;
};
INSTANTIATE_TEST_SUITE_P(Engines, JobsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(JobsTest, IsDoneOnceForItsKey) {
  queue("a");
  queue("a");
  jobs->start();
  await_end_of("a");

  EXPECT_EQ(state("a").state, 2);
  EXPECT_EQ(done, 1);
}

TEST_P(JobsTest, ThatFailsWaitsForAnotherTime) {
  fails = true;
  queue("a");
  jobs->start();
  for (int i = 0; i != 400 && done == 0; ++i) run([] { return sleep_for(10ms); });
  run([] { return sleep_for(100ms); });

  EXPECT_EQ(state("a").state, 0);
  EXPECT_EQ(done, 1);
}

TEST_P(JobsTest, OfADeadProcessIsTakenAtOnceAndOneOfALivingIsNot) {
  constexpr const char* kFar = "9000000000000000";
  add_node("alive", kFar);
  add_node("dead", "1");
  for (const char* owner : {"alive", "dead", "unheard of"}) claimed_by(owner, owner);
  jobs->start();
  await_end_of("dead");
  await_end_of("unheard of");

  EXPECT_EQ(state("dead").state, 2);
  EXPECT_EQ(state("unheard of").state, 2);
  EXPECT_EQ(attempts, 2);
  if (GetParam() == Engine::postgres) {  // On SQLite no other process lives.
    EXPECT_EQ(state("alive").state, 1);
    EXPECT_EQ(state("alive").owner, "alive");
  }
}

TEST_P(JobsTest, OfItsOwnIsNotTakenFromItself) {
  claimed_by("mine", "this process");
  jobs->start();
  run([] { return sleep_for(2500ms); });

  EXPECT_EQ(state("mine").state, 1);
  EXPECT_EQ(done, 0);
}

// Else it would end one process after the other.
TEST_P(JobsTest, ThatKillsItsProcessesIsGivenUp) {
  claimed_by("deadly", "dead", 4);
  jobs->start();
  await_end_of("deadly");

  EXPECT_EQ(state("deadly").state, 3);
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace antiphon::jobs

#include "runs/heartbeat.h"

#include <gtest/gtest.h>

#include "runs/rows.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::runs {
namespace {

using namespace std::chrono_literals;
using store::Engine;

class HeartbeatTest : public ::testing::TestWithParam<Engine> {
 protected:
  HeartbeatTest() : store(GetParam(), 2) {
    run([&] { return store::migrate(*store.db); });
  }
  Beat beat(Heartbeat& heart) {
    return run([&] { return heart.beat(*store.db, "me", 5s, {}); });
  }
  void add_node(const std::string& id, const std::string& lease_until) {
    store.script("INSERT INTO node (node_id, name, version, lease_until, started_at) VALUES ('" + id +
                 "', '', '', " + lease_until + ", 0)");
  }
  store::Store store;
};
INSTANTIATE_TEST_SUITE_P(Engines, HeartbeatTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& engine) { return store::engine_name(engine.param); });

TEST_P(HeartbeatTest, AnswersWhatIsAskedInOneStatement) {
  Heartbeat heart;
  std::vector<std::int64_t> heard;
  auto hear = [&](std::int64_t value) { heard.push_back(value); };
  heart.ask({"", "SELECT 7"}, hear);
  heart.ask({"", "SELECT CAST(NULL AS BIGINT)"}, hear);
  heart.ask({"", "SELECT COUNT(*) FROM node WHERE node_id = $1"}, hear);
  heart.ask({"", "", "SELECT 9007199254740993"}, hear);
  add_node("me", "0");
  beat(heart);
  auto before = store.db->stats().statements;
  heard.clear();
  beat(heart);
  EXPECT_EQ(store.db->stats().statements - before, 1);
  EXPECT_EQ(heard, (std::vector<std::int64_t>{
                       7, 0, 1, store.db->dialect() == store::Dialect::sqlite ? 0 : 9007199254740993}));
}

TEST_P(HeartbeatTest, RenewsTheLeaseAndCountsWhoHoldsOne) {
  if (store.db->dialect() == store::Dialect::sqlite) GTEST_SKIP() << "one process, no lease";
  Heartbeat heart;
  EXPECT_FALSE(beat(heart).registered);
  add_node("me", "0");
  add_node("dead", "1");
  add_node("alive", "4102444800000");
  Beat found = beat(heart);
  EXPECT_TRUE(found.registered);
  EXPECT_FALSE(found.session);
  EXPECT_EQ(found.others, 1);
  static constexpr store::Sql kLeft{"test.left",
                                    "SELECT lease_until - CAST(extract(epoch FROM clock_timestamp()) * "
                                    "1000 AS BIGINT) AS value FROM node WHERE node_id = 'me'"};
  auto left = run([&] { return store.db->first<Number>(kLeft); });
  EXPECT_GT(left.value().value, 4'000);
  EXPECT_LE(left.value().value, 5'000);
}

}  // namespace
}  // namespace antiphon::runs

#include <thread>

#include "store/migrate.h"
#include "store/test_store.h"

/// Upgrades while others serve: what each kind of migration waits for, and whom it locks out.
namespace antiphon::store {
namespace {

using Names = std::vector<std::string>;
using namespace std::chrono_literals;

TEST(Migration, SaysWhatItIsInItsFirstLine) {
  EXPECT_EQ(header_of({"a", "-- expand\nSELECT 1"}).kind, "expand");
  EXPECT_FALSE(header_of({"a", "-- expand\n"}).concurrently);
  EXPECT_TRUE(header_of({"a", "-- expand concurrently\n"}).concurrently);
  EXPECT_EQ(header_of({"a", "SELECT 1"}).kind, "unknown");
  EXPECT_EQ(header_of({"a", "-- anything\n"}).kind, "unknown");

  Header contract = header_of({"a", "-- contract from 1.2.3 after 2026_x\r\nDROP TABLE a"});
  EXPECT_EQ(contract.kind, "contract");
  EXPECT_EQ(contract.from, "1.2.3");
  EXPECT_EQ(contract.after, "2026_x");
  EXPECT_TRUE(contract.waits());
  EXPECT_FALSE(header_of({"a", "-- contract\nDROP TABLE a"}).waits());
}

// The real names of what the rules stand on, in the least that will do.
constexpr Migration kBase{"1_base", R"(-- expand
CREATE TABLE cluster (id INTEGER PRIMARY KEY);
INSERT INTO cluster VALUES (1);
CREATE TABLE node (version TEXT, lease_until BIGINT);
CREATE TABLE a (x INT, y INT);)"};
constexpr Migration kColumn{"20261127_1010_cluster_versions",
                            "-- expand\nALTER TABLE cluster ADD COLUMN min_compatible TEXT;"};
constexpr Migration kNew{"3_new", "-- expand\nALTER TABLE a ADD COLUMN z INT;"};
constexpr Migration kGone{"4_gone", "-- contract from 0.2.0 after 3_new\nALTER TABLE a DROP COLUMN y;"};
constexpr Migration kLater{"5_later", "-- expand\nCREATE TABLE b (x INT);"};

constexpr Migration kOld[] = {kBase, kColumn};
constexpr Migration kNewer[] = {kBase, kColumn, kNew, kGone, kLater};

class UpgradeTest : public testing::TestWithParam<Engine> {
 protected:
  Names upgraded(Upgrade upgrade) {
    return run([&] { return migrate(*store_.db, upgrade); });
  }
  Names upgraded(std::chrono::seconds contract_after) {
    return upgraded({.all = kNewer, .version = "0.2.0", .contract_after = contract_after});
  }
  Names waiting(std::chrono::seconds contract_after) {
    return run([&] {
      return waiting_contracts(*store_.db,
                               {.all = kNewer, .version = "0.2.0", .contract_after = contract_after});
    });
  }
  Problem refused(std::string_view version) {
    return problem_of([&] { return migrate(*store_.db, {.all = kOld, .version = version}); });
  }
  void serves(const std::string& version, const std::string& lease = "4000000000000") {
    store_.script("INSERT INTO node VALUES ('" + version + "', " + lease + ")");
  }
  bool postgres() const { return GetParam() == Engine::postgres; }

  Store store_{GetParam()};
};

TEST_P(UpgradeTest, LeavesAContractStepUntilItsExpansionIsOldEnough) {
  upgraded({.all = kOld, .version = "0.1.0"});

  EXPECT_EQ(upgraded(24h), (Names{"3_new", "5_later"}));
  EXPECT_TRUE(upgraded(24h).empty());
  ASSERT_EQ(waiting(24h).size(), 1U);
  EXPECT_NE(waiting(24h)[0].find("4_gone waits until 3_new is 24 h old"), std::string::npos);
  EXPECT_TRUE(upgraded({.all = kOld, .version = "0.1.0"}).empty()) << "one may still go back";

  EXPECT_EQ(upgraded(0s), Names{"4_gone"});
  EXPECT_TRUE(waiting(0s).empty());
}

TEST_P(UpgradeTest, RefusesAVersionThatAContractStepLeftBehindAndNamesTheOneToRun) {
  upgraded({.all = kOld, .version = "0.1.0"});
  upgraded(0s);

  std::string said = refused("0.1.9").detail();
  EXPECT_NE(said.find("needs version 0.2.0 or later, and this is 0.1.9"), std::string::npos) << said;
  EXPECT_NE(said.find("4_gone"), std::string::npos) << said;
  if (GetParam() == Engine::sqlite) {
    std::string copy = store_->copies().back();
    EXPECT_NE(said.find(copy), std::string::npos) << said;
  }
  EXPECT_NE(problem_of([&] { return wait_for_schema(*store_.db, kOld, 0s); })
                .detail()
                .find("needs version 0.2.0"),
            std::string::npos);
}

TEST_P(UpgradeTest, LetsAVersionServeThatNeedsNotKnowTheContractStep) {
  upgraded({.all = kOld, .version = "0.1.0"});
  upgraded(0s);

  EXPECT_TRUE(upgraded({.all = kOld, .version = "0.2.0"}).empty());
}

TEST_P(UpgradeTest, GivesANewDatabaseEverythingAtOnce) {
  EXPECT_EQ(upgraded(24h).size(), std::size(kNewer));

  EXPECT_NE(refused("0.1.0").detail().find("0.2.0"), std::string::npos);
}

TEST_P(UpgradeTest, LeavesAContractStepWhileAnOlderReplicaServes) {
  if (!postgres()) GTEST_SKIP() << "SQLite has one process";
  upgraded({.all = kOld, .version = "0.1.0"});
  serves("0.2.0");
  serves("0.1.0", "1");  // Dead for long.
  serves("0.1.5");

  EXPECT_EQ(upgraded(0s), (Names{"3_new", "5_later"}));
  EXPECT_NE(waiting(0s).at(0).find("until no replica of version 0.1.5 serves"), std::string::npos);
  EXPECT_TRUE(upgraded({.all = kOld, .version = "0.1.5"}).empty()) << "its kind may still start";

  store_.script("DELETE FROM node WHERE version = '0.1.5'");
  EXPECT_EQ(upgraded(0s), Names{"4_gone"});
}

TEST_P(UpgradeTest, LetsTheHoldersOfATableGoFirstAndTriesAgain) {
  if (!postgres()) GTEST_SKIP() << "SQLite has one process";
  upgraded({.all = kOld, .version = "0.1.0"});
  std::atomic<bool> held = false;
  std::thread holder([&] {
    Loops loops(1);
    loops.start();
    auto db = open({.url = store_.place.url()}, loops);
    run([&] {
      return db->transact([&](Connection& c) -> Task<> {
        co_await c.script("LOCK TABLE a IN ACCESS SHARE MODE");
        held = true;
        co_await c.script("SELECT pg_sleep(3)");
      });
    });
    run([&] { return db->close(); });
  });
  eventually([&] { return held.load(); });

  EXPECT_EQ(upgraded(24h), (Names{"3_new", "5_later"}));
  holder.join();
}

constexpr Migration kIndex{"6_index", R"(-- expand concurrently
--@sqlite
CREATE INDEX a_by_x ON a (x);
--@postgres
CREATE INDEX CONCURRENTLY a_by_x ON a (x);
--@end
)"};
constexpr Migration kIndexed[] = {kBase, kColumn, kIndex};
constexpr Upgrade kToIndexed{.all = kIndexed, .version = "0.2.0"};

TEST_P(UpgradeTest, BuildsAnIndexOutsideTransactionsAndAnewWhenOneWasLeftHalfMade) {
  upgraded({.all = kOld, .version = "0.1.0"});
  if (postgres())
    store_.script(
        "CREATE INDEX a_by_x ON a (x);"
        "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = to_regclass('a_by_x')");

  EXPECT_EQ(upgraded(kToIndexed), Names{"6_index"});
  EXPECT_TRUE(upgraded(kToIndexed).empty());
  if (postgres())
    store_.script(
        "DO $$ BEGIN ASSERT (SELECT indisvalid FROM pg_index WHERE indexrelid = "
        "to_regclass('a_by_x')); "
        "END $$");
  EXPECT_NE(problem_of([&] { return store_.db->script("CREATE INDEX a_by_x ON a (x)"); }).cause(), "");
}

TEST_P(UpgradeTest, BuildsAnIndexOnceHoweverManyBegin) {
  if (!postgres()) GTEST_SKIP() << "SQLite has one process";
  upgraded({.all = kOld, .version = "0.1.0"});
  store_.script("INSERT INTO a (x) SELECT generate_series(1, 20000)");
  std::atomic<int> applied = 0;
  {
    std::vector<std::jthread> all;
    for (int i = 0; i != 4; ++i)
      all.emplace_back([&] {
        Loops loops(1);
        loops.start();
        auto db = open({.url = store_.place.url(), .connections = 2}, loops);
        applied += static_cast<int>(run([&] { return migrate(*db, kToIndexed); }).size());
        run([&] { return db->close(); });
      });
  }
  EXPECT_EQ(applied, 1);
}

TEST_P(UpgradeTest, TheRealContractStepsWaitForAVersionThatIsThere) {
  for (const Migration& m : migrations) {
    Header header = header_of(m);
    EXPECT_NE(header.kind, "unknown") << m.name;
    EXPECT_TRUE(compare_versions(header.from, kAntiphonVersion) <= 0) << m.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, UpgradeTest, testing::ValuesIn(engines()),
                         [](const auto& info) { return engine_name(info.param); });

}  // namespace
}  // namespace antiphon::store

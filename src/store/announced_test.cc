#include "store/announced.h"

#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::store {
namespace {

using namespace std::chrono_literals;
const Version kOld{"0.1.0", "0.12.4"};
const Version kNew{"0.2.0", "0.12.5"};

/// Two replicas of two versions, on PostgreSQL.
class AnnouncedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (postgres_url().empty()) GTEST_SKIP() << "SQLite has one process";
    store_.emplace(Engine::postgres);
    run([&] { return migrate(*store_->db); });
  }
  void serves(const Version& version, const std::string& again = "") {
    store_->script("INSERT INTO node (node_id, name, version, lease_until, started_at) VALUES ('" +
                   version.version + again + "', '', '" + version.version + "', 4000000000000, 0)");
  }
  void gone(const Version& version) {
    store_->script("DELETE FROM node WHERE node_id = '" + version.version + "'");
  }
  void refresh(Announced& announced) {
    run([&] { return announced.refresh(); });
  }
  std::optional<Store> store_;
};

TEST_F(AnnouncedTest, IsTheOwnVersionWhereNothingIsKnown) {
  Announced announced(*store_->db, kNew);

  EXPECT_EQ(announced.now(), kNew);
}

TEST_F(AnnouncedTest, StaysWithTheOldestUntilAllAreNewAndThenChangesEverywhereAtOnce) {
  Announced old(*store_->db, kOld, 300ms);
  Announced one(*store_->db, kNew, 300ms);
  Announced two(*store_->db, kNew, 300ms);
  serves(kOld);
  refresh(old);
  EXPECT_EQ(old.now(), kOld);

  serves(kNew);
  serves(kNew, " again");
  for (Announced* each : {&one, &two, &old}) refresh(*each);
  EXPECT_EQ(one.now(), kOld);
  EXPECT_EQ(two.now(), kOld);

  gone(kOld);
  refresh(one);
  EXPECT_EQ(one.now(), kOld) << "it is written down, and comes in a while";
  refresh(two);
  refresh(one);
  eventually([&] { return one.now() == kNew; });
  eventually([&] { return two.now() == kNew; });
}

TEST_F(AnnouncedTest, ChangesAtOnceWhereOneServesAlone) {
  Announced old(*store_->db, kOld);
  serves(kOld);
  refresh(old);
  gone(kOld);

  Announced one(*store_->db, kNew);
  serves(kNew);
  refresh(one);

  EXPECT_EQ(one.now(), kNew);
}

TEST_F(AnnouncedTest, GoesBackWhenAnOlderOneServesAgain) {
  Announced one(*store_->db, kNew, 0ms);
  serves(kNew);
  refresh(one);
  EXPECT_EQ(one.now(), kNew);

  Announced old(*store_->db, kOld, 0ms);
  serves(kOld);
  refresh(old);
  refresh(one);

  EXPECT_EQ(one.now(), kOld);
}

TEST_F(AnnouncedTest, SaysWhenThisVersionMayNotServeAnyMore) {
  Announced old(*store_->db, kOld, 0ms);
  serves(kOld);
  refresh(old);
  EXPECT_EQ(old.too_old_for(), "");

  store_->script("UPDATE cluster SET min_compatible = '0.1.1'");
  refresh(old);

  EXPECT_EQ(old.too_old_for(), "0.1.1");
}

TEST(Announced, IsTheOwnVersionOnSqlite) {
  Store store(Engine::memory);
  run([&] { return migrate(*store.db); });
  Announced announced(*store.db, kNew);

  run([&] { return announced.refresh(); });

  EXPECT_EQ(announced.now(), kNew);
  EXPECT_EQ(announced.too_old_for(), "");
}

}  // namespace
}  // namespace antiphon::store

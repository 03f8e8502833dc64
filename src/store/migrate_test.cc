#include "store/migrate.h"

#include "store/test_store.h"

namespace antiphon::store {
namespace {

using Names = std::vector<std::string>;

TEST(Migrate, KeepsOnlyTheSectionsOfTheDialect) {
  constexpr const char* text = "A\n--@postgres\nB\n--@sqlite\nC\n--@end\nD\n";

  EXPECT_EQ(sql_for(Dialect::sqlite, text), "A\nC\nD\n");
  EXPECT_EQ(sql_for(Dialect::postgres, text), "A\nB\nD\n");
}

class MigrateTest : public testing::TestWithParam<Engine> {
 protected:
  Names migrated(std::span<const Migration> all) {
    return run([&] { return migrate(*store_.db, all); });
  }
  Problem problem(std::span<const Migration> all) {
    return problem_of([&] { return migrate(*store_.db, all); });
  }
  int backups() {
    int count = 0;
    if (GetParam() == Engine::sqlite)
      for (const auto& entry : std::filesystem::directory_iterator(store_.place.folder()))
        count += entry.path().filename().string().find(".backup-") != std::string::npos;
    return count;
  }
  Store store_{GetParam()};
};

constexpr Migration kOne{"1_one", "-- expand\nCREATE TABLE a (x INT);"};
constexpr Migration kTwo{"2_two", "-- expand\nCREATE TABLE b (x INT); INSERT INTO b VALUES (1);"};

TEST_P(MigrateTest, AppliesEachOnceAndInOrder) {
  const Migration first[] = {kOne};
  const Migration both[] = {kOne, kTwo};

  EXPECT_EQ(migrated(first), Names{"1_one"});
  EXPECT_EQ(migrated(both), Names{"2_two"});
  EXPECT_TRUE(migrated(both).empty());
}

TEST_P(MigrateTest, AppliesTheRealOnes) {
  EXPECT_EQ(migrated(migrations).size(), migrations.size());
  EXPECT_TRUE(migrated(migrations).empty());
}

TEST_P(MigrateTest, RefusesAnotherProgramsDatabaseAndLeavesItAsItWas) {
  run([&] { return store_.db->script("CREATE TABLE \"user\" (id TEXT)"); });

  EXPECT_NE(problem(migrations).detail().find("belongs to"), std::string::npos);
  EXPECT_NE(problem_of([&] { return missing_migrations(*store_.db); }).detail().find("belongs to"),
            std::string::npos);
  EXPECT_EQ(backups(), 0);
}

TEST_P(MigrateTest, LeavesNothingOfOneThatFails) {
  const Migration first[] = {kOne};
  const Migration broken[] = {kOne,
                              {"2_two", "-- expand\nCREATE TABLE b (x INT); CREATE TABEL c (x INT);"}};
  const Migration mended[] = {kOne, kTwo};
  migrated(first);

  Problem found = problem(broken);

  EXPECT_NE(found.detail().find("2_two"), std::string::npos);
  EXPECT_EQ(migrated(mended), Names{"2_two"});
}

TEST_P(MigrateTest, LeavesNothingAtAllOfANewDatabaseWhenOneFails) {
  const Migration broken[] = {kOne, {"2_two", "-- expand\nCREATE TABEL c (x INT);"}};
  const Migration mended[] = {kOne, kTwo};

  Problem found = problem(broken);

  EXPECT_NE(found.detail().find("2_two"), std::string::npos);
  EXPECT_EQ(migrated(mended), (Names{"1_one", "2_two"}));
}

TEST_P(MigrateTest, RefusesADatabaseThatANewerVersionChangedIncompatibly) {
  const Migration newer[] = {kOne, {"9_drop", "-- contract\nDROP TABLE a;"}};
  const Migration ours[] = {kOne};
  migrated(newer);

  Problem found = problem(ours);

  EXPECT_EQ(found.kind(), Problem::Kind::unavailable);
  EXPECT_NE(found.detail().find("9_drop"), std::string::npos);
}

TEST_P(MigrateTest, GoesOnWhenANewerVersionOnlyAddedSomething) {
  const Migration newer[] = {kOne, kTwo};
  const Migration ours[] = {kOne};
  migrated(newer);

  EXPECT_TRUE(migrated(ours).empty());
}

TEST_P(MigrateTest, WaitsForTheSchemaAndNamesWhatIsMissing) {
  const Migration first[] = {kOne};
  const Migration both[] = {kOne, kTwo};
  migrated(first);

  run([&] { return wait_for_schema(*store_.db, first, std::chrono::seconds(0)); });
  Problem found =
      problem_of([&] { return wait_for_schema(*store_.db, both, std::chrono::seconds(0)); });

  EXPECT_NE(found.detail().find("2_two"), std::string::npos);
}

TEST_P(MigrateTest, CopiesADatabaseWithDataFirstAndKeepsThreeCopies) {
  std::vector<Migration> all{kOne};
  migrated(all);
  EXPECT_EQ(backups(), 0) << "an empty database is not worth a copy";
  constexpr const char* names[] = {"2", "3", "4", "5", "6"};
  for (const char* name : names) {
    all.push_back({name, "-- expand\nINSERT INTO a VALUES (1);"});
    EXPECT_EQ(migrated(all).size(), 1U);
  }
  EXPECT_TRUE(migrated(all).empty());

  EXPECT_EQ(backups(), GetParam() == Engine::sqlite ? 3 : 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, MigrateTest, testing::ValuesIn(engines()),
                         [](const auto& info) { return engine_name(info.param); });

}  // namespace
}  // namespace antiphon::store

#include "store/test_store.h"

namespace antiphon::store {
namespace {

using namespace std::string_literals;

struct Types {
  std::string id;
  bool flag = false;
  std::optional<bool> maybe_flag;
  std::int64_t number = 0;
  std::optional<std::int64_t> maybe_number;
  double real = 0;
  std::optional<double> maybe_real;
  std::optional<std::string> maybe_text;
  json::Value data;
  std::optional<json::Value> maybe_data;
  std::vector<std::string> tags;
};
ANTIPHON_DTO(Types, id, flag, maybe_flag, number, maybe_number, real, maybe_real, maybe_text, data,
             maybe_data, tags)
ANTIPHON_DTO_DEFINE(Types)

struct Item {
  std::string id;
  std::int64_t number = 0;
};
ANTIPHON_DTO(Item, id, number)
ANTIPHON_DTO_DEFINE(Item)

struct Total {
  std::int64_t total = 0;
};
ANTIPHON_DTO(Total, total)
ANTIPHON_DTO_DEFINE(Total)

constexpr const char* kTypesTable = R"(
    CREATE TABLE types (
      id           TEXT PRIMARY KEY,
      flag         BOOLEAN NOT NULL,
      maybe_flag   BOOLEAN,
      number       BIGINT NOT NULL,
      maybe_number BIGINT,
      real         DOUBLE PRECISION NOT NULL,
      maybe_real   DOUBLE PRECISION,
      maybe_text   TEXT,
      data         TEXT,
      maybe_data   TEXT,
      tags         TEXT
    ))";
constexpr const char* kItemTable = R"(
    CREATE TABLE item (
      id     TEXT PRIMARY KEY,
      number BIGINT NOT NULL CHECK (number > -100),
      parent TEXT REFERENCES item(id)
    ))";
constexpr Sql kAddTypes{"types.add",
                        "INSERT INTO types VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
constexpr Sql kTypes{"types.get", "SELECT * FROM types WHERE id = $1"};
constexpr Sql kAdd{"item.add", "INSERT INTO item (id, number) VALUES ($1, $2)"};
constexpr Sql kAddChild{"item.add_child", "INSERT INTO item (id, number, parent) VALUES ($1, 0, $2)"};
constexpr Sql kItem{"item.get", "SELECT id, number FROM item WHERE id = $1"};
constexpr Sql kItems{"item.all", "SELECT id, number FROM item ORDER BY id"};
constexpr Sql kTotal{"item.total", "SELECT count(*) AS total FROM item"};
constexpr Sql kSet{"item.set", "UPDATE item SET number = $2 WHERE id = $1"};

class DbTest : public testing::TestWithParam<Engine> {
 protected:
  std::int64_t items(Store& store) {
    return run([&] { return store->first<Total>(kTotal); })->total;
  }
};

TEST_P(DbTest, GivesBackWhatItWasGiven) {
  Store store(GetParam());
  store.script(kTypesTable);
  json::Value data = {{"a", {1, 2.5, nullptr, "ü\"'\\"}}, {"b", {{"c", true}}}};
  std::string text = "O'Hara said \"{}\" \\ ; -- $1 ? %s\nÄ 漢字 🙂";

  run([&] {
    return store->run(kAddTypes, text, true, std::optional<bool>(false), std::int64_t{INT64_MAX},
                      std::optional<std::int64_t>(INT64_MIN), 0.1, std::optional<double>(-1e300), "",
                      data, nullptr, R"(["x","y"])");
  });
  auto row = run([&] { return store->first<Types>(kTypes, text); });

  ASSERT_TRUE(row);
  EXPECT_EQ(row->id, text);
  EXPECT_EQ(row->flag, true);
  EXPECT_EQ(row->maybe_flag, false);
  EXPECT_EQ(row->number, INT64_MAX);
  EXPECT_EQ(row->maybe_number, INT64_MIN);
  EXPECT_EQ(row->real, 0.1);
  EXPECT_EQ(row->maybe_real, -1e300);
  EXPECT_EQ(row->maybe_text, "");
  EXPECT_EQ(row->data, data);
  EXPECT_FALSE(row->maybe_data);
  EXPECT_EQ(row->tags, (Strings{"x", "y"}));
}

TEST_P(DbTest, KeepsNullApartFromEmpty) {
  Store store(GetParam());
  store.script(kTypesTable);
  run([&] {
    return store->run(kAddTypes, "n", false, std::optional<bool>(), 0, std::optional<std::int64_t>(),
                      0.0, std::optional<double>(), std::optional<std::string>(), json::Value(5),
                      std::optional<json::Value>(), nullptr);
  });

  auto row = run([&] { return store->first<Types>(kTypes, "n"); });

  ASSERT_TRUE(row);
  EXPECT_FALSE(row->maybe_flag || row->maybe_number || row->maybe_real || row->maybe_text);
  EXPECT_EQ(row->data, json::Value(5));
  EXPECT_TRUE(row->tags.empty());
}

TEST_P(DbTest, TakesLists) {
  Store store(GetParam());
  store.script(kItemTable);
  constexpr Sql some{
      "item.some",
      "SELECT id, number FROM item WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
      "SELECT id, number FROM item WHERE id = ANY($1) ORDER BY id"};
  constexpr Sql numbered{
      "item.numbered",
      "SELECT id, number FROM item WHERE number IN (SELECT value FROM json_each($1)) ORDER BY id",
      "SELECT id, number FROM item WHERE number = ANY($1) ORDER BY id"};
  Strings names{"a", "b,\"c\"", "d{}\\", "NULL", ""};
  std::int64_t n = 0;
  for (const auto& name : names) run([&] { return store->run(kAdd, name, n++); });

  auto all = run([&] { return store->all<Item>(some, names); });
  auto none = run([&] { return store->all<Item>(some, Strings{}); });
  auto two = run([&] { return store->all<Item>(numbered, Integers{1, 3, 99}); });

  EXPECT_EQ(all.size(), names.size());
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(two.size(), 2U);
}

TEST_P(DbTest, SaysHowManyRowsChanged) {
  Store store(GetParam());
  store.script(kItemTable);
  run([&] { return store->run(kAdd, "a", 1); });
  run([&] { return store->run(kAdd, "b", 1); });
  constexpr Sql raise{"item.raise", "UPDATE item SET number = number + 1 WHERE number < $1"};

  EXPECT_EQ(run([&] { return store->run(raise, 5); }), 2);
  EXPECT_EQ(run([&] { return store->run(raise, -5); }), 0);
}

TEST_P(DbTest, ReturnsTheRowsOfAWrite) {
  Store store(GetParam());
  store.script(kItemTable);
  constexpr Sql add{"item.add_returning",
                    "INSERT INTO item (id, number) VALUES ($1, $2) RETURNING id, number"};

  auto row = run([&] { return store->first<Item>(add, "a", 7); });

  ASSERT_TRUE(row);
  EXPECT_EQ(row->number, 7);
  EXPECT_EQ(items(store), 1);
}

TEST_P(DbTest, RunsABatchWholeOrNotAtAll) {
  Store store(GetParam());
  store.script(kItemTable);
  auto batch = [&](const char* last) {
    return [&store, last] {
      std::vector<Bound> all;
      all.emplace_back(kAdd, "a", 1);
      all.emplace_back(kSet, "a", 2);
      all.emplace_back(kAdd, last, 3);
      return store->batch(std::move(all));
    };
  };

  EXPECT_EQ(problem_of(batch("a")).kind(), Problem::Kind::conflict);
  EXPECT_EQ(items(store), 0);
  EXPECT_EQ(run(batch("b")), (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(items(store), 2);
}

TEST_P(DbTest, CommitsATransactionThatReturns) {
  Store store(GetParam());
  store.script(kItemTable);

  run([&] {
    return store->transact([](Connection& c) -> Task<> {
      co_await c.run(kAdd, "a", 1);
      auto item = co_await c.first<Item>(kItem, "a");
      co_await c.run(kAdd, "b", item->number + 1);
    });
  });

  EXPECT_EQ(run([&] { return store->first<Item>(kItem, "b"); })->number, 2);
}

TEST_P(DbTest, RollsBackATransactionThatThrows) {
  Store store(GetParam());
  store.script(kItemTable);

  auto failing = [&] {
    return store->transact([](Connection& c) -> Task<> {
      co_await c.run(kAdd, "a", 1);
      throw not_found("thing");
    });
  };

  EXPECT_EQ(problem_of(failing).kind(), Problem::Kind::not_found);
  EXPECT_EQ(items(store), 0);
  run([&] { return store->run(kAdd, "a", 1); });
  EXPECT_EQ(items(store), 1);
}

TEST_P(DbTest, RollsBackATransactionWhoseStatementFailedEvenWhenItGoesOn) {
  Store store(GetParam());
  store.script(kItemTable);
  auto stubborn = [&] {
    return store->transact([](Connection& c) -> Task<> {
      co_await c.run(kAdd, "a", 1);
      try {
        co_await c.run(kAdd, "a", 1);
      } catch (const Problem&) {  // NOLINT(bugprone-empty-catch)
      }
    });
  };

  EXPECT_EQ(problem_of(stubborn).kind(), Problem::Kind::conflict);
  EXPECT_EQ(items(store), 0);
}

TEST_P(DbTest, CallsADuplicateAndABrokenReferenceAConflictAndNamesTheStatementToTheOperatorOnly) {
  Store store(GetParam());
  store.script(kItemTable);
  run([&] { return store->run(kAdd, "a", 1); });

  Problem duplicate = problem_of([&] { return store->run(kAdd, "a", 1); });
  Problem orphan = problem_of([&] { return store->run(kAddChild, "b", "nobody"); });
  Problem check = problem_of([&] { return store->run(kAdd, "c", -1000); });

  EXPECT_EQ(duplicate.kind(), Problem::Kind::conflict);
  EXPECT_NE(duplicate.cause().find("item.add"), std::string::npos);
  EXPECT_EQ(duplicate.detail().find("item"), std::string::npos);
  EXPECT_EQ(orphan.kind(), Problem::Kind::conflict);
  EXPECT_EQ(check.kind(), Problem::Kind::internal);
  EXPECT_EQ(store->stats().errors, 3);
}

TEST_P(DbTest, RefusesTextThatPostgresCannotStore) {
  Store store(GetParam());
  store.script(kItemTable);

  Problem problem = problem_of([&] { return store->run(kAdd, "a\0b"s, 1); });

  EXPECT_EQ(problem.kind(), Problem::Kind::invalid);
}

TEST_P(DbTest, CallsAColumnWithoutAFieldABug) {
  Store store(GetParam());
  store.script(kItemTable);
  run([&] { return store->run(kAdd, "a", 1); });

  EXPECT_THROW(run([&] { return store->all<Total>(kItems); }), std::logic_error);
}

TEST_P(DbTest, ShowsACommittedWriteToTheVeryNextRead) {
  Store store(GetParam());
  store.script(kItemTable);
  run([&] { return store->run(kAdd, "a", 0); });

  run([&]() -> Task<> {
    for (std::int64_t i = 1; i != 200; ++i) {
      co_await store->run(kSet, "a", i);
      auto item = co_await store->first<Item>(kItem, "a");
      EXPECT_EQ(item->number, i);
    }
  });
}

TEST_P(DbTest, FollowsASchemaThatChangesUnderAPreparedStatement) {
  Store store(GetParam());
  store.script("CREATE TABLE item (id TEXT PRIMARY KEY)");
  constexpr Sql everything{"item.everything", "SELECT * FROM item"};
  store.script("INSERT INTO item VALUES ('a')");
  EXPECT_EQ(run([&] { return store->all<Item>(everything); }).front().number, 0);

  store.script("ALTER TABLE item ADD COLUMN number BIGINT DEFAULT 7");

  EXPECT_EQ(run([&] { return store->all<Item>(everything); }).front().number, 7);
}

TEST_P(DbTest, IsAliveUntilItIsClosed) {
  Store store(GetParam());

  EXPECT_TRUE(run([&] { return store->alive(); }));
  run([&] { return store->close(); });

  EXPECT_FALSE(run([&] { return store->alive(); }));
  EXPECT_EQ(problem_of([&] { return store->all<Total>(kTotal); }).kind(), Problem::Kind::unavailable);
}

INSTANTIATE_TEST_SUITE_P(Engines, DbTest, testing::ValuesIn(engines()),
                         [](const auto& info) { return engine_name(info.param); });

}  // namespace
}  // namespace antiphon::store

#include "store/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "base/async.h"
#include "base/scope.h"
#include "store/sqlite_file.h"
#include "store/test_store.h"

namespace antiphon::store {
namespace {

struct Row {
  std::int64_t n = 0;
};
ANTIPHON_DTO(Row, n)
ANTIPHON_DTO_DEFINE(Row)

struct Pragma {
  std::int64_t foreign_keys = -1, synchronous = -1;
  std::string journal_mode;
};
ANTIPHON_DTO(Pragma, foreign_keys, synchronous, journal_mode)
ANTIPHON_DTO_DEFINE(Pragma)

constexpr Sql kAdd{"t.add", "INSERT INTO t (n) VALUES ($1)"};
constexpr Sql kCount{"t.count", "SELECT count(*) AS n FROM t"};
// Counts for longer than any test waits.
constexpr Sql kEndless{"t.endless", R"(
    INSERT INTO t (n)
    WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000000000)
    SELECT sum(n) FROM c)"};
constexpr Sql kEndlessRead{"t.endless_read", R"(
    WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000000000)
    SELECT sum(n) AS n FROM c)"};

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() {
    loops_.start();
    open({});
    script("CREATE TABLE t (n BIGINT)");
  }
  ~SqliteTest() override { close(); }
  void open(SqlitePatience patience) {
    close();
    db_ = open_sqlite(place_.file(), {}, patience);
  }
  void close() {
    if (db_) run([&] { return db_->close(); });
    db_.reset();
  }
  void script(const std::string& sql) {
    run([&] { return db_->script(sql); });
  }
  std::int64_t count() {
    return run([&] { return db_->first<Row>(kCount); })->n;
  }
  /// Starts `work(i)` for each i at once and waits for all.
  template <class Work>
  void together(int count, Work work) {
    Scope scope;
    for (int i = 0; i != count; ++i)
      scope.start(loops_.next(), "worker", [work, i]() -> Task<> { co_await work(i); });
    EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(60)); }));
  }

  Place place_{Engine::sqlite};
  Loops loops_{4};
  std::unique_ptr<Db> db_;
};

TEST_F(SqliteTest, RefusesASecondOwnerAndNamesTheFirstAndTheCure) {
  try {
    open_sqlite(place_.file(), {});
    FAIL() << "two owners of one file";
  } catch (const Problem& p) {
    EXPECT_EQ(p.kind(), Problem::Kind::unavailable);
    EXPECT_NE(p.detail().find("process " + std::to_string(getpid())), std::string::npos) << p.detail();
    EXPECT_NE(p.detail().find("DATABASE_URL=postgresql://"), std::string::npos) << p.detail();
  }
  close();
  EXPECT_NO_THROW(open_sqlite(place_.file(), {}));
}

TEST_F(SqliteTest, KeepsTheFileToItsOwner) {
  struct stat about{};
  ASSERT_EQ(stat(place_.file().c_str(), &about), 0);

  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(SqliteTest, SaysWhyAFolderCannotBeUsed) {
  try {
    open_sqlite("/proc/nowhere/a.db", {});
    FAIL();
  } catch (const Problem& p) {
    EXPECT_NE(p.detail().find("/proc/nowhere/a.db"), std::string::npos) << p.detail();
  }
}

TEST_F(SqliteTest, RefusesAFileThatIsNoDatabase) {
  close();
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(place_.file() + end);
  std::FILE* file = std::fopen(place_.file().c_str(), "w");
  for (int i = 0; i != 1000; ++i) std::fputs("this is no database ", file);
  std::fclose(file);

  try {
    open_sqlite(place_.file(), {});
    FAIL();
  } catch (const Problem& p) {
    EXPECT_EQ(p.kind(), Problem::Kind::unavailable);
  }
}

TEST_F(SqliteTest, HasTheSettingsThatDurabilityNeeds) {
  constexpr Sql pragma{"t.pragma", R"(
      SELECT * FROM pragma_foreign_keys, pragma_synchronous, pragma_journal_mode
       WHERE $1 = $1)"};
  constexpr Sql writer{"t.pragma_writer",
                       "INSERT INTO t (n) SELECT synchronous FROM pragma_synchronous RETURNING n"};

  auto row = run([&] { return db_->first<Pragma>(pragma, 1); });
  auto synchronous = run([&] { return db_->first<Row>(writer); });

  EXPECT_EQ(row->foreign_keys, 1);
  EXPECT_EQ(row->journal_mode, "wal");
  EXPECT_EQ(synchronous->n, 2) << "FULL";
}

TEST_F(SqliteTest, NeitherWritesItsSchemaTableNorLoadsExtensions) {
  auto schema = [&] { return db_->script("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"); };
  constexpr Sql load{"t.load", "SELECT load_extension('x') AS n"};

  EXPECT_EQ(problem_of(schema).kind(), Problem::Kind::internal);
  EXPECT_EQ(problem_of([&] { return db_->first<Row>(load); }).kind(), Problem::Kind::internal);
}

// What a crafted file's schema may do when it is read: nothing but what SQLite holds harmless.
TEST_F(SqliteTest, TrustsTheSchemaOnlyWhereTriggersKeepTheIndex) {
  script(R"(
      CREATE VIRTUAL TABLE found USING fts5 (words);
      CREATE TABLE said (words TEXT);
      CREATE TRIGGER said_insert AFTER INSERT ON said BEGIN
        INSERT INTO found (words) VALUES (new.words);
      END;
      CREATE VIEW hidden AS SELECT count(*) AS n FROM found;
      INSERT INTO said (words) VALUES ('one two');)");
  constexpr Sql kFound{"t.found", "SELECT count(*) AS n FROM found WHERE found MATCH $1"};
  constexpr Sql kHidden{"t.hidden", "SELECT n FROM hidden"};
  EXPECT_EQ(run([&] { return db_->first<Row>(kFound, "two"); })->n, 1);
  EXPECT_THROW(run([&] { return db_->first<Row>(kHidden); }), Problem);
}

TEST_F(SqliteTest, SendsAWriteThatLooksLikeAReadToTheWriter) {
  constexpr Sql hidden{"t.hidden", "VALUES (1)"};
  struct Any {
    std::int64_t column1 = 0;
  };
  EXPECT_NO_THROW(run([&] { return db_->run(hidden); }));
  constexpr Sql pragma{"t.version", "SELECT n FROM t"};
  EXPECT_TRUE(run([&] { return db_->all<Row>(pragma); }).empty());
}

TEST_F(SqliteTest, SparesTheOthersOfAGroupWhoseCommitFails) {
  script(
      "CREATE TABLE child (n BIGINT REFERENCES child(m) DEFERRABLE INITIALLY DEFERRED, m BIGINT "
      "UNIQUE)");
  constexpr Sql orphan{"t.orphan", "INSERT INTO child (n) VALUES (77)"};
  std::atomic<int> conflicts = 0;

  together(40, [&](int i) -> Task<> {
    try {
      co_await db_->run(i % 8 == 0 ? orphan : kAdd, i);
    } catch (const Problem& p) {
      EXPECT_EQ(p.kind(), Problem::Kind::conflict) << p.cause();
      ++conflicts;
    }
  });

  EXPECT_EQ(conflicts, 5);
  EXPECT_EQ(count(), 35);
}

TEST_F(SqliteTest, InterruptsAStatementThatTakesTooLongAndSparesItsGroup) {
  open({.statement = std::chrono::milliseconds(100)});
  std::atomic<int> interrupted = 0;

  together(30, [&](int i) -> Task<> {
    try {
      co_await db_->run(i == 7 ? kEndless : kAdd, i);
    } catch (const Problem& p) {
      EXPECT_EQ(i, 7) << p.cause();
      EXPECT_EQ(p.kind(), Problem::Kind::unavailable);
      ++interrupted;
    }
  });

  EXPECT_EQ(interrupted, 1);
  EXPECT_EQ(count(), 29);
  EXPECT_EQ(problem_of([&] { return db_->first<Row>(kEndlessRead); }).kind(),
            Problem::Kind::unavailable);
}

TEST_F(SqliteTest, RollsBackATransactionThatKeepsTheWriterTooLong) {
  open({.transaction = std::chrono::milliseconds(50)});
  auto slow = [&] {
    return db_->transact([](Connection& c) -> Task<> {
      co_await c.run(kAdd, 1);
      co_await sleep_for(std::chrono::milliseconds(200));
      co_await c.run(kAdd, 2);
    });
  };

  EXPECT_EQ(problem_of(slow).kind(), Problem::Kind::unavailable);
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(run([&] { return db_->run(kAdd, 1); }), 1);
}

/// A program that is not ours and writes to the file.
class Intruder {
 public:
  explicit Intruder(const std::string& file) {
    EXPECT_EQ(sqlite3_open(file.c_str(), &db_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~Intruder() { sqlite3_close(db_); }
  void leave() { EXPECT_EQ(sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK); }

 private:
  sqlite3* db_ = nullptr;
};

TEST_F(SqliteTest, WaitsForAnotherProgramThatWrites) {
  Intruder other(place_.file());
  Scope scope;
  std::atomic<int> written = 0;
  scope.start(loops_.next(), "writer", [&]() -> Task<> {
    co_await db_->run(kAdd, 1);
    ++written;
  });

  run([] { return sleep_for(std::chrono::milliseconds(200)); });
  EXPECT_EQ(written, 0);
  other.leave();

  EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(10)); }));
  EXPECT_EQ(count(), 1);
}

// However many wait: their waits do not add up.
TEST_F(SqliteTest, SaysInTimeThatAnotherProgramKeepsTheFile) {
  open({.lock = std::chrono::milliseconds(300)});
  Intruder other(place_.file());
  std::atomic<int> refused = 0;
  auto began = std::chrono::steady_clock::now();

  together(20, [&](int i) -> Task<> {
    auto transaction = [](Connection& c) -> Task<> { co_await c.run(kAdd, 1); };
    try {
      if (i % 2 == 0)
        co_await db_->run(kAdd, i);
      else
        co_await db_->transact(transaction);
    } catch (const Problem& p) {
      EXPECT_EQ(p.kind(), Problem::Kind::unavailable);
      EXPECT_NE(p.detail().find("Another program"), std::string::npos) << p.detail();
      EXPECT_NE(p.retry_after(), 0);
      ++refused;
    }
  });

  EXPECT_EQ(refused, 20);
  auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GT(took, std::chrono::milliseconds(250));
  EXPECT_LT(took, std::chrono::milliseconds(1500));
  EXPECT_EQ(count(), 0) << "reading goes on";
  other.leave();
  EXPECT_EQ(run([&] { return db_->run(kAdd, 1); }), 1);
}

TEST_F(SqliteTest, AcknowledgesNothingThatAFullDiskDidNotTake) {
  script("CREATE TABLE big (t TEXT); PRAGMA max_page_count = 60");
  constexpr Sql add{"t.big", "INSERT INTO big VALUES ($1)"};
  constexpr Sql bigs{"t.bigs", "SELECT count(*) AS n FROM big"};
  std::atomic<int> kept = 0, refused = 0;

  together(100, [&](int) -> Task<> {
    try {
      co_await db_->run(add, std::string(8000, 'x'));
      ++kept;
    } catch (const Problem& p) {
      EXPECT_EQ(p.kind(), Problem::Kind::unavailable) << p.cause();
      EXPECT_NE(p.detail().find("full"), std::string::npos) << p.detail();
      ++refused;
    }
  });

  EXPECT_GT(kept, 5);
  EXPECT_GT(refused, 5);
  EXPECT_EQ(run([&] { return db_->first<Row>(bigs); })->n, kept);
  script("PRAGMA max_page_count = 1000000");
  EXPECT_EQ(run([&] { return db_->run(add, "y"); }), 1);
}

TEST_F(SqliteTest, RefusesMoreThanTenThousandWaitingWrites) {
  std::atomic<int> kept = 0, refused = 0;
  Scope scope;
  run([&] {
    return db_->transact([&](Connection&) -> Task<> {
      for (int i = 0; i != 10'100; ++i)
        scope.start(loops_.next(), "writer", [&]() -> Task<> {
          try {
            co_await db_->run(kAdd, 1);
            ++kept;
          } catch (const Problem& p) {
            EXPECT_EQ(p.kind(), Problem::Kind::unavailable);
            ++refused;
          }
        });
      while (refused < 100) co_await sleep_for(std::chrono::milliseconds(1));
    });
  });
  EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(60)); }));

  EXPECT_EQ(refused, 100);
  EXPECT_EQ(count(), 10'000);
}

TEST(SqliteFile, TellsLocalFileSystemsFromOthers) {
  EXPECT_FALSE(network_file_system("/"));
  EXPECT_FALSE(network_file_system("/no/such/folder"));
}

TEST(SqliteMemory, GivesEveryDatabaseItsOwn) {
  auto one = open_sqlite(":memory:", {});
  auto two = open_sqlite(":memory:", {});
  run([&] { return one->script("CREATE TABLE t (n BIGINT)"); });

  EXPECT_NO_THROW(run([&] { return one->first<Row>(kCount); }));
  EXPECT_EQ(problem_of([&] { return two->first<Row>(kCount); }).kind(), Problem::Kind::internal);
}

}  // namespace
}  // namespace antiphon::store

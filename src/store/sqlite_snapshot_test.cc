#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/test_store.h"

namespace antiphon::store {
namespace {

std::string read_all(std::ifstream file) {
  return {std::istreambuf_iterator<char>(file), {}};
}
std::size_t files_in(const std::filesystem::path& folder) {
  std::size_t out = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++out;
  return out;
}

TEST(SqliteSnapshot, HoldsWhatWasAcknowledgedAndLeavesNothingBehind) {
  Store store(Engine::sqlite);
  store.script("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('first')");
  std::size_t files = files_in(store.place.folder());

  auto copy = run([&] { return store->snapshot(); });
  store.script("INSERT INTO t VALUES ('second')");

  ASSERT_TRUE(copy);
  EXPECT_EQ(files_in(store.place.folder()), files);
  std::string bytes = read_all(std::move(*copy));
  std::filesystem::path again = store.place.folder() / "copy.db";
  std::ofstream(again, std::ios::binary) << bytes;
  Loops loops(1);
  loops.start();
  auto db = open({.url = "sqlite:///" + again.string()}, loops);
  static constexpr Sql kCount{"test.count", "DELETE FROM t"};
  EXPECT_EQ(run([&] { return db->run(kCount); }), 1);
  run([&] { return db->close(); });
}

TEST(SqliteSnapshot, IsMadeOneAtATimeAndHoldsNobodyUp) {
  Store store(Engine::sqlite, 2);
  store.script(
      "CREATE TABLE t (a TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< 40000)"
      " INSERT INTO t SELECT hex(randomblob(500)) FROM n");
  std::atomic<int> made = 0, refused = 0, others = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i != 4; ++i)
    threads.emplace_back([&] {
      try {
        if (run([&] { return store->snapshot(); })) ++made;
      } catch (const Problem& p) {
        ++(p.kind() == Problem::Kind::unavailable ? refused : others);
      }
    });
  std::thread writer([&] {
    static constexpr Sql kAdd{"test.add", "INSERT INTO t VALUES ('x')"};
    while (!over) run([&] { return store->run(kAdd); });
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  writer.join();
  EXPECT_GE(made, 1);
  EXPECT_EQ(made + refused, 4);
  EXPECT_EQ(others, 0);
  EXPECT_TRUE(run([&] { return store->snapshot(); })) << "and again afterwards";
}

TEST(SqliteSnapshot, EndsWithTheDatabase) {
  Store store(Engine::sqlite);
  store.script(
      "CREATE TABLE t (a TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< 40000)"
      " INSERT INTO t SELECT hex(randomblob(500)) FROM n");
  std::thread asking([&] {
    try {
      (void)run([&] { return store->snapshot(); });
    } catch (const Problem&) {  // NOLINT(bugprone-empty-catch)
    }
  });
  run([&] { return store->close(); });
  asking.join();
  EXPECT_EQ(problem_of([&] { return store->snapshot(); }).kind(), Problem::Kind::unavailable);
  EXPECT_FALSE(std::filesystem::exists(store.place.file() + ".download"));
}

TEST(SqliteSnapshot, IsOfFilesOnly) {
  for (Engine engine : engines()) {
    if (engine == Engine::sqlite) continue;
    Store store(engine);
    EXPECT_FALSE(run([&] { return store->snapshot(); })) << engine_name(engine);
  }
}

}  // namespace
}  // namespace antiphon::store

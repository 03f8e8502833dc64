#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/async.h"
#include "store/test_store.h"

/// kill -9 in the middle of commits (regressions.md 3, row 4): what was acknowledged is there, and
/// what was written together is there together.
namespace antiphon::store {
namespace {

struct Pair {
  std::int64_t a = 0, b = 0;
};
ANTIPHON_DTO(Pair, a, b)
ANTIPHON_DTO_DEFINE(Pair)

constexpr Sql kLeft{"crash.left", "INSERT INTO lefts (n) VALUES ($1)"};
constexpr Sql kRight{"crash.right", "INSERT INTO rights (n) VALUES ($1)"};
constexpr Sql kHas{"crash.has", R"(
    SELECT (SELECT count(*) FROM lefts WHERE n = $1) AS a,
           (SELECT count(*) FROM rights WHERE n = $1) AS b)"};
constexpr Sql kTorn{"crash.torn", R"(
    SELECT (SELECT count(*) FROM lefts WHERE n NOT IN (SELECT n FROM rights)) AS a,
           (SELECT count(*) FROM rights WHERE n NOT IN (SELECT n FROM lefts)) AS b)"};

/// The child: writes pairs from all sides, one number on the pipe for each that was acknowledged.
[[noreturn]] void write_until_killed(const std::string& url, int pipe, std::int64_t first) {
  Loops loops(2);
  loops.start();
  auto db = open({.url = url}, loops);
  std::atomic<std::int64_t> next = first;
  for (int i = 0; i != 16; ++i)
    spawn_detached(loops.next(), [&, i]() -> Task<> {
      for (;;) {
        std::int64_t n = next++;
        if (i % 4 == 0) {
          co_await db->transact([n](Connection& c) -> Task<> {
            co_await c.run(kLeft, n);
            co_await c.run(kRight, n);
          });
        } else {
          std::vector<Bound> both;
          both.emplace_back(kLeft, n);
          both.emplace_back(kRight, n);
          co_await db->batch(std::move(both));
        }
        if (::write(pipe, &n, sizeof n) != sizeof n) _exit(1);
      }
    });
  for (;;) pause();
}

class CrashTest : public testing::TestWithParam<Engine> {};

TEST_P(CrashTest, KeepsWhatWasAcknowledgedWhenKilledInTheMiddleOfCommits) {
  Place place(GetParam());
  {
    Loops loops(1);
    loops.start();
    auto db = open({.url = place.url()}, loops);
    run([&] {
      return db->script(
          "CREATE TABLE lefts (n BIGINT PRIMARY KEY); CREATE TABLE rights (n BIGINT PRIMARY KEY)");
    });
    run([&] { return db->close(); });
  }
  std::size_t acknowledged = 0;
  for (int cycle = 0; cycle != 12; ++cycle) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    pid_t child = fork();
    if (child == 0) write_until_killed(place.url(), pipe[1], std::int64_t{cycle} * 1'000'000);
    ::close(pipe[1]);
    std::vector<std::int64_t> kept;
    std::int64_t n = 0;
    std::size_t enough = 10 + 7 * static_cast<std::size_t>(cycle);
    while (::read(pipe[0], &n, sizeof n) == sizeof n) {
      kept.push_back(n);
      if (kept.size() == enough) kill(child, SIGKILL);
    }
    ::close(pipe[0]);
    waitpid(child, nullptr, 0);
    acknowledged += kept.size();

    Loops loops(1);
    loops.start();
    auto db = open({.url = place.url()}, loops);
    run([&]() -> Task<> {
      for (std::int64_t number : kept) {
        auto has = co_await db->first<Pair>(kHas, number);
        EXPECT_TRUE(has->a == 1 && has->b == 1) << number << " was acknowledged and is lost";
      }
      auto torn = co_await db->first<Pair>(kTorn);
      EXPECT_TRUE(torn->a == 0 && torn->b == 0) << "a pair was torn";
    });
    run([&] { return db->close(); });
  }
  EXPECT_GT(acknowledged, 100U);
}

std::vector<Engine> durable_engines() {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  return {};  // Threads after a fork are beyond it.
#endif
#endif
  std::vector<Engine> all = engines();
  std::erase(all, Engine::memory);
  return all;
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CrashTest);
INSTANTIATE_TEST_SUITE_P(Engines, CrashTest, testing::ValuesIn(durable_engines()),
                         [](const auto& info) { return engine_name(info.param); });

}  // namespace
}  // namespace antiphon::store

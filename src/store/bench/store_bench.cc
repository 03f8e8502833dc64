#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "base/async.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/scope.h"
#include "json/dto.h"
#include "store/db.h"

/// store_bench URL [SECONDS] [PRODUCERS] [LOOPS]: durable small writes, point reads and both at once.
/// Makes and drops the table store_bench in the database it is given.
namespace antiphon::store {

struct BenchRow {
  std::string id;
  std::string text;
};
ANTIPHON_DTO(BenchRow, id, text)
ANTIPHON_DTO_DEFINE(BenchRow)

namespace {

constexpr Sql kAdd{"bench.add", "INSERT INTO store_bench (id, owner, text) VALUES ($1, $2, $3)"};
constexpr Sql kGet{"bench.get", "SELECT id, text FROM store_bench WHERE id = $1"};
constexpr int kRows = 10'000;

struct Figures {
  std::atomic<std::int64_t> done = 0;
  std::atomic<std::int64_t> worst = 0;  ///< Microseconds.
};

class Bench {
 public:
  Bench(Db& db, Loops& loops, std::chrono::seconds time, int producers)
      : db_(db), loops_(loops), time_(time), producers_(producers) {}

  void prepare() {
    run([&] {
      return db_.script(
          "DROP TABLE IF EXISTS store_bench;"
          "CREATE TABLE store_bench (id TEXT PRIMARY KEY, owner TEXT, text TEXT);"
          "CREATE INDEX store_bench_by_owner ON store_bench (owner)");
    });
    std::vector<Bound> rows;
    for (int i = 0; i != kRows; ++i)
      rows.emplace_back(kAdd, "seed" + std::to_string(i), "owner", std::string(160, 'x'));
    run([&] { return db_.batch(std::move(rows)); });
  }
  void finish() {
    run([&] { return db_.script("DROP TABLE store_bench"); });
  }

  /// `work(producer, turn)`, again and again, by all producers at once.
  template <class Work>
  double measure(const char* what, Work work) {
    Figures figures;
    Statistics before = db_.stats();
    Scope scope;
    auto began = std::chrono::steady_clock::now(), end = began + time_;
    for (int p = 0; p != producers_; ++p)
      scope.start(loops_.next(), what, [&figures, &work, end, p]() -> Task<> {
        for (std::int64_t turn = 0;; ++turn) {
          auto start = std::chrono::steady_clock::now();
          if (start > end) co_return;
          co_await work(p, turn);
          std::int64_t took = std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::steady_clock::now() - start)
                                  .count();
          ++figures.done;
          figures.worst = std::max<std::int64_t>(figures.worst, took);
        }
      });
    run([&] { return scope.close(std::chrono::minutes(5)); });
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    Statistics after = db_.stats();
    double commits = static_cast<double>(std::max<std::int64_t>(1, after.commits - before.commits));
    fmt::print("{:<12} {:>9.0f}/s  worst {:>7.1f} ms  jobs per commit {:.1f}\n", what,
               static_cast<double>(figures.done) / seconds, static_cast<double>(figures.worst) / 1000,
               static_cast<double>(after.jobs - before.jobs) / commits);
    return static_cast<double>(figures.done) / seconds;
  }

  Task<> write(const char* round, int producer, std::int64_t turn) {
    static const std::string text(160, 'y');
    co_await db_.run(kAdd, fmt::format("{}-{}-{}", round, producer, turn),
                     fmt::format("owner{}", producer), text);
  }
  Task<> read(int producer, std::int64_t turn) {
    auto row = co_await db_.first<BenchRow>(
        kGet, fmt::format("seed{}", (std::int64_t{producer} * 7919 + turn * 31) % kRows));
    if (!row) throw std::logic_error("a row is missing");
  }

 private:
  Db& db_;
  Loops& loops_;
  std::chrono::seconds time_;
  int producers_;
};

int number(int argc, char** argv, int at, int fallback) {
  return argc > at ? std::stoi(argv[at]) : fallback;
}

int main_of(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: store_bench URL [SECONDS] [PRODUCERS] [LOOPS]\n");
    return 2;
  }
  Loops loops(number(argc, argv, 4, 2));
  loops.start();
  auto db = open({.url = argv[1], .connections = loops.size()}, loops);
  fmt::print("{}\n", db->description());
  Bench bench(*db, loops, std::chrono::seconds(number(argc, argv, 2, 3)), number(argc, argv, 3, 64));
  bench.prepare();
  bench.measure("writes", [&](int p, std::int64_t t) { return bench.write("a", p, t); });
  bench.measure("reads", [&](int p, std::int64_t t) { return bench.read(p, t); });
  bench.measure("both", [&](int p, std::int64_t t) {
    return p % 4 == 0 ? bench.write("b", p, t) : bench.read(p, t);
  });
  bench.finish();
  run([&] { return db->close(); });
  return 0;
}

}  // namespace
}  // namespace antiphon::store

int main(int argc, char** argv) {
  return antiphon::store::main_of(argc, argv);
}

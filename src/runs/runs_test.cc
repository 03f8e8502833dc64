#include "runs/runs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "base/async.h"
#include "base/ids.h"
#include "base/loops.h"
#include "json/text.h"
#include "runs/output.h"
#include "runs/payload.h"
#include "runs/rows.h"
#include "runs/sql.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::runs {
namespace {

using namespace std::chrono_literals;
using store::Engine;
using store::eventually;

/// A process of the fleet: an owner of runs on a database that others use too.
struct Node {
  Node(store::Db& db, Loops& loops, std::chrono::milliseconds keeper_period = 1s)
      : runs(db,
             {.node_name = "test",
              .version = "0",
              .beat = 5ms,
              .lease = 200ms,
              .keeper_period = keeper_period},
             loops) {
    runs.on_publish(
        [this](const RunNames& run, std::int64_t seq, const std::vector<std::string>& events, bool) {
          std::scoped_lock lock(mutex);
          for (std::size_t i = 0; i != events.size(); ++i)
            seen[run.run_id].push_back(
                {seq, static_cast<std::int64_t>(i) + 1, json::parse_value(events[i])});
        });
    runs.on_orphan([this](std::shared_ptr<Run> run, std::vector<LoggedEvent>) -> Task<> {
      {
        std::scoped_lock lock(mutex);
        adopted.push_back(run);
      }
      co_await run->ended();  // Who writes a run stays with it.
    });
  }
  std::vector<LoggedEvent> visible(const std::string& run) {
    std::scoped_lock lock(mutex);
    return seen[run];
  }
  std::size_t heirs() {
    std::scoped_lock lock(mutex);
    return adopted.size();
  }
  Runs runs;
  std::mutex mutex;
  std::map<std::string, std::vector<LoggedEvent>> seen;
  std::vector<std::shared_ptr<Run>> adopted;
};

struct Fixture {
  explicit Fixture(Engine engine) : store(engine, 2) {
    run([&] { return store::migrate(*store.db); });
    store::add_user(store, "user");
  }
  std::shared_ptr<Run> begin(Node& node, std::string message = uuid4()) {
    NewRun fresh{uuid4(), "chat", std::move(message), "user", {}, "{}"};
    run([&]() -> Task<> { co_await store.db->run_bound(node.runs.creating(fresh)); });
    return node.runs.begin(fresh);
  }
  store::Store store;
};

json::Value token(int n) {
  return json::Object{{"type", "response:completion"},
                      {"data", json::Object{{"type", "response.output_text.delta"},
                                            {"item_id", "m"},
                                            {"output_index", 0},
                                            {"content_index", 0},
                                            {"delta", "t" + std::to_string(n) + " "}}}};
}

std::string text_of(const std::vector<LoggedEvent>& events) {
  Output out;
  for (const LoggedEvent& e : events) out.apply(e.event);
  return out.text();
}

std::string tokens(int n) {
  std::string out;
  for (int i = 0; i != n; ++i) out += "t" + std::to_string(i) + " ";
  return out;
}

class RunsTest : public ::testing::TestWithParam<Engine> {};
INSTANTIATE_TEST_SUITE_P(Engines, RunsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& engine) { return store::engine_name(engine.param); });

TEST_P(RunsTest, WhatIsSeenIsWhatIsStored) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops);
  run([&] { return node.runs.start(); });
  auto r = f.begin(node);

  run([&]() -> Task<> {
    for (int i = 0; i != 300; ++i) {
      r->emit(token(i));
      if (i % 7 == 0) co_await sleep_for(1ms);
    }
    EXPECT_TRUE(
        co_await r->finish(State::done, json::Object{{"type", "end"}, {"data", json::Object()}}, {}));
  });

  auto stored = run([&] { return node.runs.events(r->id()); });
  EXPECT_EQ(text_of(stored), tokens(300));
  EXPECT_EQ(text_of(node.visible(r->id())), tokens(300));
  EXPECT_EQ(json::text_at(node.visible(r->id()).back().event, "type"), "end");
  EXPECT_LT(node.runs.rows(), 200);  // Deltas of one interval share a row.
  run([&] { return node.runs.stop(1s); });
}

// Whichever row is the last that a dead owner wrote: the cursor in the log stands right behind the
// text.
TEST_P(RunsTest, TextAndCursorNeverDisagree) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops);
  run([&] { return node.runs.start(); });
  auto r = f.begin(node);
  run([&]() -> Task<> {
    r->emit_with_cursor([] { return "0"; });  // It was asked; there is no word yet.
    co_await r->committed();
    for (int i = 0; i != 300; ++i) {
      r->emit_with_cursor([&] {
        r->emit(token(i));
        std::this_thread::sleep_for(
            std::chrono::microseconds(i % 11 * 100));  // The log is written meanwhile.
        return std::to_string(i + 1);
      });
      if (i % 7 == 0) co_await sleep_for(1ms);
      if (i % 50 == 49) co_await r->committed();  // So that there are several rows however slow it is.
    }
    r->hold();
    r->emit(token(300));
    co_await sleep_for(30ms);
  });
  auto rows = run([&] { return f.store.db->all<EventRow>(sql::kEventsSince, r->id(), 0); });
  EXPECT_GT(rows.size(), 5u);
  std::string cursor;
  Output text;
  for (std::size_t i = 0; i != rows.size(); ++i) {
    for (const json::Value& event : events_of(rows[i].payload, &cursor)) text.apply(event);
    int so_far = std::stoi(cursor);
    EXPECT_EQ(text.text(), so_far == 0 ? "" : tokens(so_far));
  }
  EXPECT_EQ(cursor, "300") << "what is held waits for the end";
  run([&]() -> Task<> { EXPECT_TRUE(co_await r->finish(State::done, {}, {})); });
  auto stored = run([&] { return node.runs.events(r->id()); });
  EXPECT_EQ(text_of(stored), tokens(301));
  EXPECT_EQ(text_of(node.visible(r->id())), tokens(301));
  for (const LoggedEvent& e : stored) EXPECT_TRUE(e.event.is_object());
  run([&] { return node.runs.stop(1s); });
}

TEST_P(RunsTest, WhoTakesARunOverIsToldItsCursor) {
  Fixture f(GetParam());
  auto dead = std::make_unique<Node>(*f.store.db, f.store.loops);
  run([&] { return dead->runs.start(); });
  auto r = f.begin(*dead);
  run([&]() -> Task<> {
    r->emit_with_cursor([&] {
      r->emit(token(0));
      return "here";
    });
    co_await r->committed();
  });
  run([&] { return dead->runs.stop(0ms); });
  Node heir(*f.store.db, f.store.loops);
  run([&] { return heir.runs.start(); });
  eventually([&] { return heir.heirs() == 1; });
  ASSERT_EQ(heir.heirs(), 1u);
  EXPECT_EQ(heir.adopted.front()->cursor(), "here");
  run([&]() -> Task<> { (void)co_await heir.adopted.front()->finish(State::done, {}, {}); });
  run([&] { return heir.runs.stop(1s); });
}

TEST_P(RunsTest, NothingIsSeenBeforeItsCommit) {
  // Publishing holds loop 0 while this looks from outside, so the look needs connections of its own;
  // SQLite in memory has but one.
  if (GetParam() == Engine::memory) GTEST_SKIP();
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops);
  Loops apart(1);
  apart.start();
  std::unique_ptr<store::Db> second;
  if (GetParam() == Engine::postgres)
    second = store::open({.url = f.store.place.url(), .connections = 2}, apart);
  Runs reader(second ? *second : *f.store.db, {}, apart);
  std::atomic<int> early = 0;
  std::atomic<int> looks = 0;
  node.runs.on_publish([&](const RunNames& r, std::int64_t seq, const std::vector<std::string>&, bool) {
    std::thread([&, id = r.run_id, seq] {
      auto stored = run([&] { return reader.events(id, seq); });
      ++looks;
      if (stored.empty()) ++early;
    }).join();
  });
  run([&] { return node.runs.start(); });
  auto r = f.begin(node);
  run([&]() -> Task<> {
    for (int i = 0; i != 20; ++i) {
      r->emit(token(i));
      co_await r->committed();
    }
  });
  EXPECT_GE(looks, 10);
  EXPECT_EQ(early, 0);
  run([&] { return node.runs.stop(0s); });
  if (second) run([&] { return second->close(); });
}

TEST_P(RunsTest, OneMessageHasOneLiveRun) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops);
  run([&] { return node.runs.start(); });
  auto r = f.begin(node, "the message");
  NewRun twice{uuid4(), "chat", "the message", "user", {}, "{}"};
  auto problem =
      store::problem_of([&]() -> Task<> { co_await f.store.db->run_bound(node.runs.creating(twice)); });
  EXPECT_EQ(problem.kind(), Problem::Kind::conflict);
  run([&]() -> Task<> { co_await r->finish(State::done, {}, {}); });
  EXPECT_NE(f.begin(node, "the message"), nullptr);
  run([&] { return node.runs.stop(0s); });
}

/// replicas.md D.3: contested take-overs while the old owner goes on writing. Nobody may see a token
/// that is not stored, and the log has no hole.
TEST_P(RunsTest, AnOwnerThatLostItsRunIsNeverSeenAgain) {
  Fixture f(GetParam());
  constexpr int kRounds = 25;
  for (int round = 0; round != kRounds; ++round) {
    Node old(*f.store.db, f.store.loops);
    Node heir(*f.store.db, f.store.loops);
    auto written = f.store.db->stats().jobs;
    run([&] { return old.runs.start(); });
    run([&] { return heir.runs.start(); });
    // Both have looked for orphans once, and swept after it: on SQLite whoever looks first takes
    // everybody else for dead.
    if (GetParam() != Engine::postgres)
      eventually([&] { return f.store.db->stats().jobs - written >= 6; });
    auto r = f.begin(old);
    std::atomic<bool> stop = false;
    std::thread writer([&] {
      for (int i = 0; !stop; ++i) {
        r->emit(token(i));
        std::this_thread::sleep_for(300us);
      }
    });
    struct Join {
      std::atomic<bool>& stop;
      std::thread& thread;
      ~Join() {
        stop = true;
        if (thread.joinable()) thread.join();
      }
    } join{stop, writer};
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + round % 7));
    // The lease ends while the owner is alive, as if it had been stopped for too long.
    // On PostgreSQL its keeper may have come back in between; then once more.
    for (int tries = 0; tries != 20 && heir.heirs() == 0; ++tries) {
      run([&]() -> Task<> {
        co_await f.store.db->script("DELETE FROM node WHERE node_id = '" + old.runs.node_id() + "'");
      });
      run([&] { return heir.runs.adopt_orphans(); });
      std::this_thread::sleep_for(20ms);
    }
    // The old owner learns of it with its next append; the heir is called meanwhile.
    eventually([&] { return r->fenced() && heir.heirs() == 1; });
    stop = true;
    writer.join();

    ASSERT_EQ(heir.adopted.size(), 1u) << round;
    auto stored = run([&] { return heir.runs.events(r->id()); });
    std::set<std::pair<std::int64_t, std::int64_t>> durable;
    std::int64_t last = 0;
    for (const LoggedEvent& e : stored) {
      durable.insert({e.seq, e.index});
      EXPECT_LE(e.seq, last + 1) << "a hole";
      last = e.seq;
    }
    for (const LoggedEvent& e : old.visible(r->id())) EXPECT_TRUE(durable.contains({e.seq, e.index}));
    EXPECT_TRUE(r->fenced());
    // The heir ends it; the old owner cannot.
    EXPECT_TRUE(run([&] { return heir.adopted[0]->finish(State::interrupted, {}, {}); }));
    EXPECT_FALSE(run([&] { return r->finish(State::done, {}, {}); }));
    run([&] { return old.runs.stop(0s); });
    run([&] { return heir.runs.stop(0s); });
  }
}

/// However long that takes: it would be taken from whoever takes it.
TEST_P(RunsTest, WhatIsBeingTakenOverIsNoStray) {
  if (GetParam() != Engine::sqlite) GTEST_SKIP() << "writes wait for one another, and reads do not";
  Fixture f(GetParam());
  Node old(*f.store.db, f.store.loops), heir(*f.store.db, f.store.loops, 20ms);
  run([&] { return heir.runs.start(); });
  run([&] { return sleep_for(50ms); });
  auto r = f.begin(old);
  auto hold = [&](
                  std::chrono::milliseconds time, std::function<void()> meanwhile = [] {}) {
    run([&] {
      return f.store.db->transact([&](store::Connection& tx) -> Task<> {
        co_await tx.script("UPDATE node SET name = name");
        meanwhile();
        co_await sleep_for(time);
      });
    });
  };
  std::vector<std::thread> threads;
  // The first step of the take-over waits for the one, and the second step for the other.
  hold(100ms, [&] {
    threads.emplace_back([&] { run([&] { return heir.runs.adopt_orphans("chat"); }); });
    threads.emplace_back([&] {
      std::this_thread::sleep_for(50ms);
      hold(400ms);
    });
  });
  for (std::thread& thread : threads) thread.join();
  run([&] { return sleep_for(100ms); });
  ASSERT_EQ(heir.heirs(), 1u);
  EXPECT_EQ(heir.adopted[0]->attempts(), 2);
  run([&] { return heir.runs.stop(0s); });
}

/// Else a stop of the process, and a restart with it, takes as long as its longest rest.
TEST_P(RunsTest, AStopWaitsForNobodyWhoRests) {
  Fixture f(GetParam());
  for (int i = 0; i != 10; ++i) {
    Node node(*f.store.db, f.store.loops, 1min);
    run([&] { return node.runs.start(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(i));
    auto begun = std::chrono::steady_clock::now();
    run([&] { return node.runs.stop(0s); });
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s) << "it gives up after five";
  }
}

/// The connection broke at the commit that accepted the question: nobody here knows that it is stored.
TEST_P(RunsTest, ARunWhoseBeginningWasLostIsTakenUp) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops, 10ms);
  run([&] { return node.runs.start(); });
  auto other = f.begin(node);
  NewRun lost{uuid4(), "chat", uuid4(), "user", {}, "{}"};
  run([&]() -> Task<> { co_await f.store.db->run_bound(node.runs.creating(lost)); });
  eventually([&] { return node.heirs() != 0; });
  std::this_thread::sleep_for(100ms);  // Not twice, and not the one that is being written.
  ASSERT_EQ(node.heirs(), 1u);
  EXPECT_EQ(node.adopted[0]->id(), lost.run_id);
  EXPECT_FALSE(other->fenced());
  EXPECT_TRUE(run([&] { return node.adopted[0]->finish(State::done, {}, {}); }));
  EXPECT_TRUE(run([&] { return other->finish(State::done, {}, {}); }));
  run([&] { return node.runs.stop(0s); });
}

TEST_P(RunsTest, ARunWhoseWriterFailsIsTakenUp) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops, 10ms);
  run([&] { return node.runs.start(); });
  auto r = f.begin(node);
  EXPECT_THROW(run([&] {
                 return node.runs.write(r, []() -> Task<> {
                   throw Problem(Problem::Kind::unavailable, "the database is away");
                   co_return;
                 });
               }),
               Problem);
  eventually([&] { return node.heirs() != 0; });
  ASSERT_EQ(node.heirs(), 1u);
  EXPECT_EQ(node.adopted[0]->id(), r->id());
  EXPECT_TRUE(run([&] { return node.adopted[0]->finish(State::interrupted, {}, {}); }));
  EXPECT_FALSE(run([&] { return r->finish(State::done, {}, {}); })) << "it is fenced";
  run([&] { return node.runs.stop(0s); });
}

TEST_P(RunsTest, AStopThatWasAskedForOutlivesItsOwner) {
  Fixture f(GetParam());
  Node old(*f.store.db, f.store.loops);
  auto stopped = f.begin(old, "stopped");  // An owner that never registered is a dead one.
  auto other = f.begin(old, "other");
  run([&]() -> Task<> { co_await f.store.db->run_bound({sql::kCancel, stopped->id()}); });
  Node heir(*f.store.db, f.store.loops, 10ms);
  run([&] { return heir.runs.start(); });
  eventually([&] { return heir.heirs() == 2; });
  ASSERT_EQ(heir.heirs(), 2u);
  for (auto& taken : heir.adopted) EXPECT_EQ(taken->cancelled(), taken->id() == stopped->id());
  run([&] { return heir.runs.stop(0s); });
}

TEST_P(RunsTest, TheEndIsStoredTogetherWithTheMessageOrNotAtAll) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops);
  run([&] { return node.runs.start(); });
  auto r = f.begin(node);
  r->emit(token(0));
  static constexpr store::Sql kRefused{
      "test.refused",
      "INSERT INTO node (node_id, name, version, lease_until, started_at) VALUES ($1, "
      "'the message row cannot be written', '0', NULL, 0)"};
  auto broken = [&]() -> Task<bool> {
    std::vector<store::Bound> with;
    with.emplace_back(kRefused, "x");
    co_return co_await r->finish(State::done, {}, std::move(with));
  };
  EXPECT_THROW(run(broken), Problem);
  auto row = run([&] { return node.runs.find(r->id()); });
  ASSERT_TRUE(row);
  EXPECT_LT(row->state, 10);  // Still open: whoever comes next ends it.
  run([&] { return node.runs.stop(0s); });
}

TEST_P(RunsTest, WhatIsAppendedWhileTheUserIsDeletedGoesToo) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops, 10ms);
  run([&] { return node.runs.start(); });
  auto removed = f.begin(node);
  removed->emit(token(0));
  run([&] { return removed->committed(); });
  run([&] {
    return f.store.db->transact(
        [&](store::Connection& c) { return node.runs.remove_all(c, removed->user_id()); });
  });
  f.store.script("INSERT INTO run_event (run_id, seq, epoch, payload) VALUES ('" + removed->id() +
                 "', 2, 1, '[{}]')");
  auto left = [&] { return run([&] { return node.runs.events(removed->id()); }).size(); };
  eventually([&] { return left() == 0; });
  EXPECT_EQ(left(), 0U);
  removed->emit(token(1));
  EXPECT_THROW(run([&] { return removed->committed(); }), Problem);
  run([&] { return node.runs.stop(0s); });
}

/// An append holds no lock on its run, so a piece may be stored while the run is deleted.
TEST_P(RunsTest, WhatADeletedRunLeftIsSwept) {
  Fixture f(GetParam());
  Node node(*f.store.db, f.store.loops);
  auto kept = f.begin(node);
  kept->emit(token(0));
  f.store.script(
      "INSERT INTO run_event (run_id, seq, epoch, payload) VALUES "
      "('8a4e6d0c-0000-4000-8000-000000000000', "
      "3, 1, '[]')");
  run([&] { return node.runs.start(); });
  auto left = [&] {
    return run([&]() -> Task<std::int64_t> {
      co_return (co_await f.store.db->first<Number>(store::Sql{
                     "test.left", "SELECT count(*) AS value FROM run_event WHERE payload = '[]'"}))
          ->value;
    });
  };
  eventually([&] { return left() == 0; });
  EXPECT_EQ(left(), 0);
  run([&] { return kept->committed(); });
  EXPECT_EQ(run([&] { return node.runs.events(kept->id()); }).size(), 1U);
  run([&] { return node.runs.stop(0s); });
}

}  // namespace
}  // namespace antiphon::runs

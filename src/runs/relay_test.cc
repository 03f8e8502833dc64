#include "runs/relay.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/async.h"
#include "base/ids.h"
#include "base/loops.h"
#include "json/text.h"
#include "runs/rows.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::runs {
namespace {

using namespace std::chrono_literals;
using store::Engine;
using store::eventually;

/// A replica with one client of every user, who sees what he is sent.
struct Replica {
  Replica(const std::string& url, const std::string& deployment,
          std::chrono::milliseconds keeper_period)
      : loops(2),
        db([&] {
          loops.start();
          return store::open({.url = url, .connections = 2}, loops);
        }()),
        bus({.others = true, .url = url}, deployment),
        runs(*db,
             {.node_name = "test",
              .version = "0",
              .beat = 5ms,
              .lease = 10 * keeper_period,
              .keeper_period = keeper_period},
             loops),
        relay({.db = *db,
               .runs = runs,
               .bus = bus,
               .publish = [this](const RunNames& names, std::int64_t seq,
                                 const std::vector<std::string>& events,
                                 bool last) { see(names, seq, events, last); },
               .track =
                   [this](const RunNames& names, std::int64_t seq) {
                     std::scoped_lock lock(mutex);
                     begun_at[names.run_id] = seq;
                   },
               .watched = [](const std::string&) { return true; }}) {
    runs.on_publish([this](const RunNames& names, std::int64_t seq,
                           const std::vector<std::string>& events,
                           bool last) { see(names, seq, events, last); });
    runs.on_orphan([](std::shared_ptr<Run> taken, std::vector<LoggedEvent>) -> Task<> {
      taken->emit(json::Object{{"type", "heir"}});
      co_await taken->finish(State::interrupted, json::Object{{"type", "closed"}}, {});
    });
    runs.relay_by(relay);
    runs.session_by(
        [this] {
          return bus.hears() ? std::optional(Runs::Session{bus.session_key(), bus.hearing_since()})
                             : std::nullopt;
        },
        [this] { bus.reconnect(); });
    runs.on_company([this](std::size_t others) { bus.company(others); });
    bus.on(std::string(Relay::kLook), [this](std::string_view) { runs.look(); });
    bus.start();
    run([&] { return runs.start(); });
    relay.start(loops);
  }
  ~Replica() { leave(); }
  void leave(std::chrono::milliseconds budget = 0s) {
    if (!std::exchange(here, false)) return;
    run([&] { return runs.stop(budget); });
    run([&] { return relay.stop(); });
    bus.stop();
    run([&] { return db->close(); });
  }
  void see(const RunNames& names, std::int64_t seq, const std::vector<std::string>& events, bool last) {
    std::scoped_lock lock(mutex);
    auto& seen = rows[names.run_id];
    if (!events.empty()) {
      EXPECT_TRUE(seen.empty() ? seq == begun_at[names.run_id] + 1 || begun_at[names.run_id] == 0
                               : seq > seen.back())
          << "row " << seq;
      if (!seen.empty())
        holes += seq != seen.back() + 1 && events.front().find("heir") == std::string::npos;
      seen.push_back(seq);
    }
    for (const std::string& event : events) texts[names.run_id] += event;
    if (last) ended.insert(names.run_id);
  }
  std::string text(const std::string& run_id) {
    std::scoped_lock lock(mutex);
    return texts[run_id];
  }
  bool has_ended(const std::string& run_id) {
    std::scoped_lock lock(mutex);
    return ended.contains(run_id);
  }

  Loops loops;
  std::unique_ptr<store::Db> db;
  bus::Bus bus;
  Runs runs;
  Relay relay;
  bool here = true;
  std::mutex mutex;
  std::map<std::string, std::int64_t> begun_at;
  std::map<std::string, std::vector<std::int64_t>> rows;
  std::map<std::string, std::string> texts;
  std::set<std::string> ended;
  int holes = 0;
};

using RunPtr = std::shared_ptr<runs::Run>;  // testing::Test has a Run of its own.

class RelayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (store::postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
    store_.emplace(Engine::postgres, 2);
    run([&] { return store::migrate(*store_->db); });
    store::add_user(*store_, "user");
  }
  std::unique_ptr<Replica> replica(std::chrono::milliseconds keeper_period = 100ms) {
    return std::make_unique<Replica>(store_->place.url() + "&application_name=" + name_, deployment_,
                                     keeper_period);
  }
  static RunPtr begin(Replica& where) {
    NewRun fresh{brief_id(), "chat", uuid4(), "user", {}, "{}"};
    run([&]() -> Task<> { co_await where.db->run_bound(where.runs.creating(fresh)); });
    return where.runs.begin(fresh);
  }
  static void write(const RunPtr& r, int from, int to) {
    run([&]() -> Task<> {
      for (int i = from; i != to; ++i) {
        r->emit(json::Object{{"type", "word"}, {"n", i}});
        co_await r->committed();
      }
    });
  }
  static void end(const RunPtr& r) {
    run([&]() -> Task<> { co_await r->finish(State::done, json::Object{{"type", "end"}}, {}); });
  }
  static void acquainted(Replica& a, Replica& b) {
    eventually(
        [&] { return a.bus.has_company() && b.bus.has_company() && a.bus.hears() && b.bus.hears(); });
  }
  std::optional<store::Store> store_;
  const std::string deployment_ = random_hex(8);
  const std::string name_ = "relay_" + deployment_;  ///< Of its connections, that none else is cut.
};

TEST_F(RelayTest, ClientsOfOtherReplicasSeeEveryRowOnceAndInOrder) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  run([&] { return b->relay.follow("user"); });
  auto r = begin(*a);
  write(r, 0, 200);
  end(r);
  eventually([&] { return b->has_ended(r->id()); });
  EXPECT_EQ(b->text(r->id()), a->text(r->id()));
  EXPECT_EQ(b->holes, 0);
  EXPECT_TRUE(b->has_ended(r->id()));
}

TEST_F(RelayTest, WhoComesInTheMiddleHearsTheRest) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  auto r = begin(*a);
  write(r, 0, 20);
  std::string before = a->text(r->id());
  run([&] { return b->relay.follow("user"); });
  write(r, 20, 40);
  end(r);
  eventually([&] { return b->has_ended(r->id()); });
  EXPECT_EQ(before + b->text(r->id()), a->text(r->id()));
  EXPECT_EQ(b->begun_at[r->id()], 20);
}

TEST_F(RelayTest, WhatTheBusLostIsReadFromTheLog) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  run([&] { return b->relay.follow("user"); });
  auto r = begin(*a);
  std::thread cuts([&] {
    for (int i = 0; i != 5; ++i) {
      store::Place::administer(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
          "AND application_name = 'antiphon notify'");
      std::this_thread::sleep_for(60ms);
    }
  });
  for (int i = 0; i != 100; ++i) {
    write(r, i, i + 1);
    std::this_thread::sleep_for(4ms);
  }
  cuts.join();
  end(r);
  eventually([&] { return b->has_ended(r->id()); });
  EXPECT_EQ(b->text(r->id()), a->text(r->id()));
  EXPECT_EQ(b->holes, 0);
}

TEST_F(RelayTest, WhatBeganAndEndedWhileNothingWasHeardIsHeardAfterwards) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  auto before = begin(*a);
  write(before, 0, 3);
  end(before);
  run([&] { return b->relay.follow("user"); });
  b->bus.stop();
  auto r = begin(*a);
  write(r, 0, 5);
  end(r);
  eventually([&] { return b->has_ended(r->id()); });
  EXPECT_EQ(b->text(r->id()), a->text(r->id()));
  EXPECT_EQ(b->text(before->id()), "") << "it had ended before anybody was here";
}

TEST_F(RelayTest, AnAnswerTooLongForAMessageIsReadFromTheLog) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  run([&] { return b->relay.follow("user"); });
  auto r = begin(*a);
  run([&]() -> Task<> {
    for (int i = 0; i != 3; ++i) {
      r->emit(json::Object{{"type", "word"}, {"n", std::string(100'000, 'x')}});
      co_await r->committed();
    }
  });
  end(r);
  eventually([&] { return b->has_ended(r->id()); });
  EXPECT_EQ(b->text(r->id()).size(), a->text(r->id()).size());
}

TEST_F(RelayTest, AStopIsHeardByWhoWrites) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  auto r = begin(*a);
  write(r, 0, 3);
  EXPECT_EQ(run([&] { return b->runs.cancel_chat("chat"); }).size(), 1U);
  eventually([&] { return r->cancelled(); });
  EXPECT_TRUE(r->cancelled());
  end(r);
}

TEST_F(RelayTest, AStopIsFoundWhileNobodyHears) {
  auto a = replica(60s), b = replica();
  acquainted(*a, *b);
  auto r = begin(*a);
  write(r, 0, 3);
  a->bus.stop();
  a->runs.look();  // It has begun to wait for a minute while it could hear.
  run([&] { return sleep_for(100ms); });
  auto lease = [&] {
    static constexpr store::Sql kLease{"test.lease",
                                       "SELECT lease_until AS value FROM node WHERE node_id = $1"};
    return run([&] { return b->db->first<Number>(kLease, a->runs.node_id()); }).value().value;
  };
  auto renewed = lease();
  run([&] { return sleep_for(500ms); });
  EXPECT_EQ(run([&] { return b->runs.cancel_chat("chat"); }).size(), 1U);
  eventually([&] { return r->cancelled(); });
  EXPECT_TRUE(r->cancelled());
  EXPECT_EQ(lease(), renewed) << "to look costs no commit";
  end(r);
}

TEST_F(RelayTest, WhoWasReplacedWhileHeStoodStillTellsHisClientsTheEnd) {
  auto a = replica();
  run([&] { return a->relay.follow("user"); });
  auto r = begin(*a);
  write(r, 0, 3);
  // Another has taken it over, and ended it; nothing of that was heard here.
  run([&]() -> Task<> {
    co_await a->db->run(
        store::Sql{"test.end", "UPDATE run SET epoch = epoch + 1, owner = 'another', state = 13"});
    co_await a->db->run(store::Sql{"test.mark", R"(
        INSERT INTO run_event (run_id, seq, epoch, payload)
        SELECT run_id, max(seq) + 1, 2, '[{"type":"closed"}]' FROM run_event GROUP BY run_id)"});
  });
  r->emit(json::Object{{"type", "word"}, {"n", 3}});
  eventually([&] { return a->has_ended(r->id()); });
  EXPECT_TRUE(a->has_ended(r->id()));
  EXPECT_NE(a->text(r->id()).find("closed"), std::string::npos);
}

TEST_F(RelayTest, WhatAStandbyLacksIsOfferedAgain) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  auto r = begin(*a);
  write(r, 0, 10);
  auto stored = [&] {
    std::vector<std::int64_t> out;
    for (const LoggedEvent& e : run([&] { return b->runs.events(r->id()); })) out.push_back(e.seq);
    return out;
  };
  auto before = stored();
  run([&] { return b->db->run(store::Sql{"test.lose", "DELETE FROM run_event WHERE seq > 4"}); });
  EXPECT_LT(stored().size(), before.size());
  run([&] {
    return b->db->run(
        store::Sql{
            "test.cut",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND "
            "pid <> pg_backend_pid()"},
        name_);
  });
  eventually([&] { return stored() == before; });
  EXPECT_EQ(stored(), before);
  write(r, 10, 12);
  end(r);
}

TEST_F(RelayTest, WhoTakesOverTellsItsClientsFirstWhatTheyMissed) {
  auto a = replica(), b = replica();
  auto c = replica();
  acquainted(*a, *b);
  run([&] { return b->relay.follow("user"); });
  run([&] { return c->relay.follow("user"); });
  auto r = begin(*a);
  write(r, 0, 10);
  a->bus.stop();  // What it commits from here on, nobody hears.
  write(r, 10, 15);
  std::string whole = a->text(r->id());
  a->leave();
  eventually([&] { return b->has_ended(r->id()) && c->has_ended(r->id()); });
  EXPECT_TRUE(b->text(r->id()).starts_with(whole)) << b->text(r->id());
  EXPECT_TRUE(c->text(r->id()).starts_with(whole)) << c->text(r->id());
  EXPECT_NE(b->text(r->id()).find("closed"), std::string::npos);
  EXPECT_NE(c->text(r->id()).find("closed"), std::string::npos);
}

// It was stopped between its commit and what it tells the others, and goes on when all is over.
TEST_F(RelayTest, WhatAZombieTellsOfAnAnswerThatEndedIsNotToldAgain) {
  auto a = replica(), b = replica();
  auto c = replica(), zombie = replica();
  for (Replica* one : {b.get(), c.get()}) {
    acquainted(*one, *zombie);
    run([&] { return one->relay.follow("user"); });
  }
  auto r = begin(*a);
  write(r, 0, 5);
  a->leave();
  eventually([&] { return b->has_ended(r->id()) && c->has_ended(r->id()); });
  std::string at_b = b->text(r->id()), at_c = c->text(r->id());
  zombie->relay.share(r->names(), 3, {R"({"type":"word","n":2})"}, false);
  auto other = begin(*zombie);  // Told after it, so heard after it.
  end(other);
  eventually([&] { return b->has_ended(other->id()) && c->has_ended(other->id()); });
  run([&]() -> Task<> { co_await sleep_for(300ms); });
  EXPECT_EQ(b->text(r->id()), at_b);
  EXPECT_EQ(c->text(r->id()), at_c);
}

TEST_F(RelayTest, WhoEndsHandsItsRunsOverAtOnce) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  run([&] { return b->relay.follow("user"); });
  auto r = begin(*a);
  write(r, 0, 3);
  std::string whole = a->text(r->id());
  a->leave(100ms);
  EXPECT_TRUE(a->runs.hands_over());
  eventually([&] { return b->has_ended(r->id()); });
  EXPECT_TRUE(b->text(r->id()).starts_with(whole));
}

TEST_F(RelayTest, ARunForOthersIsTakenUpByThem) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  NewRun fresh{brief_id(), "chat", uuid4(), "user", {}, "{}", true};
  run([&]() -> Task<> { co_await a->db->run_bound(a->runs.creating(fresh)); });
  a->runs.give_away();
  eventually([&] { return b->has_ended(fresh.run_id) || a->has_ended(fresh.run_id); });
  EXPECT_NE(b->text(fresh.run_id) + a->text(fresh.run_id), "");
}

/// After a switch to a standby: the lock is at a server that is not written to any more.
TEST_F(RelayTest, ASessionAtAnotherServerIsTold) {
  std::atomic<int> told = 0;
  Runs runs(*store_->db, {.node_name = "test", .version = "0", .keeper_period = 50ms}, store_->loops);
  runs.session_by([] { return std::optional(Runs::Session{4242, {}}); }, [&] { ++told; });
  run([&] { return runs.start(); });
  eventually([&] { return told > 0; });
  EXPECT_GT(told, 0);
  auto node = run([&] {
    return store_->db->first<OwnRow>(
        store::Sql{"test.session",
                   "SELECT node_id AS run_id, session_key IS NOT NULL AS cancel_requested FROM node"});
  });
  ASSERT_TRUE(node);
  EXPECT_FALSE(node->cancel_requested) << "nobody concludes from it that this one is dead";
  run([&] { return runs.stop(0s); });
}

TEST_F(RelayTest, UsersWithoutAClientHereAreNotFollowed) {
  auto a = replica(), b = replica();
  acquainted(*a, *b);
  auto r = begin(*a);
  write(r, 0, 5);
  end(r);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(b->text(r->id()), "");
}

}  // namespace
}  // namespace antiphon::runs

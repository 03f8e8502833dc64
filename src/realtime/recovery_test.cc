#include <gtest/gtest.h>

#include <random>

#include "realtime/testing.h"
#include "store/migrate.h"
#include "store/test_store.h"

// What a client that was cut off gets when it comes back: everything once, in order.
namespace antiphon::realtime::testing {
namespace {

const Room kAlice{"user:alice"};
constexpr const char* kRun = "11111111-2222-4333-8444-555555555555";
constexpr const char* kOtherRun = "11111111-2222-4333-8444-999999999999";

/// An answer log in memory: what is in it is durable.
class FakeLog final : public Replay {
 public:
  struct Entry {
    Room room;
    Event event;
  };
  void append(Room room, Event event) {
    std::scoped_lock lock(mutex_);
    if (event.run->last) ended_at_[event.run->id] = unix_millis();
    entries_.push_back({std::move(room), std::move(event)});
  }
  Task<std::optional<std::vector<ReplayedEvent>>> since(Position position, UserId,
                                                        std::vector<Room> rooms) override {
    ++asked;
    if (fails) throw Problem(Problem::Kind::unavailable, "The database is away.");
    std::vector<ReplayedEvent> out;
    {
      std::scoped_lock lock(mutex_);
      for (const Entry& entry : entries_)
        if (std::ranges::find(rooms, entry.room) != rooms.end() && unseen(position, *entry.event.run))
          out.push_back({entry.room, entry.event});
    }
    if (delay.load() > 0ms) co_await sleep_for(delay.load());
    if (trimmed) co_return std::nullopt;
    co_return out;
  }
  std::atomic<int> asked = 0;
  std::atomic<bool> fails = false, trimmed = false;
  std::atomic<std::chrono::milliseconds> delay = 0ms;

 private:
  bool unseen(const Position& position, const Event::Run& run) {
    if (const RunPoint* seen = position.find(run.id)) return !seen->covers(run.seq, run.index);
    return !ended_at_.contains(run.id) || ended_at_[run.id] > position.floor;
  }
  std::mutex mutex_;
  std::vector<Entry> entries_;                    ///< Guarded by mutex_.
  std::map<std::string, std::int64_t> ended_at_;  ///< Guarded by mutex_.
};

class Recovery : public ::testing::TestWithParam<store::Engine> {
 protected:
  Recovery() : place(GetParam()), loops(1) {
    loops.start();
    db = store::open({.url = place.url()}, loops);
    run([&] { return store::migrate(*db); });
    boot();
  }
  ~Recovery() override {
    process.reset();
    run([&] { return db->close(); });
    db.reset();
    loops.stop();
  }
  void boot() {
    process = std::make_unique<Process>(options, EndpointOptions{}, db.get(), &log);
    process->hub.on("enter", kNoObject,
                    [](Socket& socket, json::Value room) -> Task<std::optional<json::Value>> {
                      co_return co_await socket.join({std::string(json::view(room.as_string()))});
                    });
    process->hub.on_signed_in([this](Socket&, Arrival arrival) -> Task<> {
      last_arrival = arrival;
      co_return;
    });
    process->start();
  }
  /// As after kill -9, when the last flush was a moment ago.
  void restart() {
    run([&] { return process->hub.core()->records.flush(); });
    process.reset();
    boot();
  }
  void say(Event event, Room room = kAlice) {
    log.append(room, event);
    process->hub.emit(room, event);
  }
  void publish(int n, Room room = kAlice, std::string skip = {}) {
    run([&] { return process->hub.publish(room, Event::of("events", json::Object{{"o", n}}), skip); });
  }
  std::unique_ptr<Browser> come_back(const Browser& before, std::string token = "alice") {
    auto browser = std::make_unique<Browser>(*process);
    browser->offset = before.offset;
    browser->connect(std::move(token), before.pid, before.offset);
    return browser;
  }

  store::Place place;
  Loops loops;
  HubOptions options;
  std::unique_ptr<store::Db> db;
  FakeLog log;
  std::unique_ptr<Process> process;
  std::atomic<Arrival> last_arrival = Arrival::fresh;
};

TEST_P(Recovery, AShortCutNeedsNoDatabase) {
  Browser before(*process);
  before.connect("alice");
  say(token(kRun, 1));
  EXPECT_EQ(before.event(), R"({"n":100})");
  before.cut();
  say(token(kRun, 2));
  say(token(kRun, 3));
  publish(7);

  auto after = come_back(before);

  EXPECT_EQ(after->sid, before.sid);
  EXPECT_EQ(after->pid, before.pid);
  EXPECT_EQ(after->event(), R"({"n":200})");
  EXPECT_EQ(after->event(), R"({"n":300})");
  EXPECT_EQ(after->event(), R"({"o":7})");
  say(token(kRun, 4));
  EXPECT_EQ(after->event(), R"({"n":400})");
  EXPECT_TRUE(after->silent());
  EXPECT_EQ(log.asked, 0);
  EXPECT_EQ(process->hub.counts().resumed_from_memory, 1);
}

// Scenario S28b: the client has no offset yet.
TEST_P(Recovery, ACutBeforeTheFirstEventResumesFromTheStart) {
  for (bool restarted : {false, true}) {
    Browser before(*process);
    before.connect("alice");
    before.cut();
    std::string id = kRun + std::string(restarted ? "b" : "a");
    say(token(id, 1));
    if (restarted) restart();
    say(token(id, 2));
    auto after = come_back(before);
    EXPECT_EQ(after->sid, before.sid);
    EXPECT_EQ(after->event(), R"({"n":100})");
    EXPECT_EQ(after->event(), R"({"n":200})");
    EXPECT_TRUE(after->silent());
  }
}

TEST_P(Recovery, GoesOnAfterARestart) {
  Browser before(*process);
  before.connect("alice");
  EXPECT_EQ(before.ask(1, R"(["enter","chat:x"])"), "[true]");
  EXPECT_EQ(before.ask(2, R"(["enter","chat:y"])"), "[true]");
  say(token(kRun, 1));
  publish(1);
  EXPECT_EQ(before.event(), R"({"n":100})");
  EXPECT_EQ(before.event(), R"({"o":1})");
  say(token(kRun, 2));
  publish(2, kAlice, before.sid);
  before.cut();
  restart();
  say(token(kOtherRun, 1, 3), Room::chat("x"));
  say(token("other-run", 1, 4), Room::chat("y"));
  say(token(kRun, 3, 0, true));
  publish(3);
  process->forbid({"chat:y"});

  auto after = come_back(before);

  EXPECT_EQ(after->sid, before.sid);
  std::vector<std::string> got;
  while (got.size() != 4) got.push_back(after->event());
  EXPECT_EQ(got,
            (std::vector<std::string>{R"({"n":200})", R"({"n":103})", R"({"n":300})", R"({"o":3})"}));
  EXPECT_TRUE(after->silent());
  EXPECT_EQ(process->hub.counts().resumed_from_log, 1);
  say(token(kOtherRun, 2), Room::chat("x"));
  EXPECT_EQ(after->event(), R"({"n":200})");
}

TEST_P(Recovery, EventsThatComeWhileTheLogIsReadAreNotDoubled) {
  Browser before(*process);
  before.connect("alice");
  before.cut();
  say(token(kRun, 1));
  restart();
  log.delay = 100ms;
  auto after = std::make_unique<Browser>(*process);
  auto coming = std::async(std::launch::async, [&] { return after->connect("alice", before.pid); });
  for (int i = 2; i <= 40; ++i) {
    say(token(kRun, i));
    std::this_thread::sleep_for(4ms);
  }
  coming.get();

  for (int i = 1; i <= 40; ++i) ASSERT_EQ(after->event(), "{\"n\":" + std::to_string(i * 100) + "}");
  EXPECT_TRUE(after->silent());
}

TEST_P(Recovery, WhatDoesNotFitIntoMemoryIsReadFromTheLog) {
  options.resume_bytes = 1000;
  process.reset();
  boot();
  Browser before(*process);
  before.connect("alice");
  say(token(kRun, 1));
  before.event();
  before.cut();
  for (int i = 2; i <= 100; ++i) say(token(kRun, i));
  auto after = come_back(before);
  for (int i = 2; i <= 100; ++i) ASSERT_EQ(after->event(), "{\"n\":" + std::to_string(i * 100) + "}");
  EXPECT_TRUE(after->silent());
  EXPECT_EQ(log.asked, 1);
}

TEST_P(Recovery, ARunThatWasOverBeforeTheSessionIsNotReplayed) {
  say(token(kRun, 1, 0, true));
  Browser before(*process);
  before.connect("alice");
  say(token(kOtherRun, 1));
  before.event();
  before.cut();
  restart();
  auto after = come_back(before);
  EXPECT_EQ(after->sid, before.sid);
  EXPECT_TRUE(after->silent());
}

TEST_P(Recovery, ANewPidWithAnOldOffsetIsTakenForItsStart) {
  Browser first(*process);
  first.connect("alice");
  say(token(kRun, 1));
  first.event();
  first.cut();
  say(token(kRun, 2));
  say(token(kRun, 3));
  // The session is lost, the client keeps its offset.
  Browser second(*process);
  second.connect("alice", std::string(32, '0'), first.offset);
  EXPECT_NE(second.sid, first.sid);
  second.offset = first.offset;
  for (bool restarted : {false, true}) {
    second.cut();
    if (restarted) restart();
    auto third = come_back(second);
    EXPECT_EQ(third->sid, second.sid);
    EXPECT_TRUE(third->silent());
  }
}

// It joins the room of a chat whose answer it follows already, and is cut before it has read all.
TEST_P(Recovery, EnteringASecondRoomOfARunChangesNothing) {
  for (bool restarted : {false, true}) {
    std::string id = kRun + std::string(restarted ? "b" : "a");
    auto both = [&](Event event) {
      log.append(kAlice, event);
      process->hub.emit(kAlice, event);
      process->hub.emit(Room::chat("x"), event);
    };
    Browser before(*process);
    before.connect("alice");
    both(token(id, 1));
    EXPECT_EQ(before.event(), R"({"n":100})");
    both(token(id, 2));
    both(token(id, 3));
    before.say(R"(421["enter","chat:x"])");
    EXPECT_TRUE(soon([&] { return process->hub.sockets_in(Room::chat("x")).size() == 1; }));
    before.cut();
    if (restarted) restart();
    auto after = come_back(before);
    EXPECT_EQ(after->sid, before.sid);
    EXPECT_EQ(after->event(), R"({"n":200})");
    EXPECT_EQ(after->event(), R"({"n":300})");
    EXPECT_TRUE(after->silent());
  }
}

TEST_P(Recovery, ARunOfARoomEnteredLaterIsNotReplayedFromItsBeginning) {
  for (bool restarted : {false, true}) {
    std::string id = kRun + std::string(restarted ? "b" : "a");
    Browser before(*process);
    before.connect("alice");
    say(token(id, 1), Room::chat("x"));
    EXPECT_EQ(before.ask(1, R"(["enter","chat:x"])"), "[true]");
    before.cut();
    say(token(id, 2), Room::chat("x"));
    if (restarted) restart();
    auto after = come_back(before);
    EXPECT_EQ(after->event(), R"({"n":200})");
    EXPECT_TRUE(after->silent());
  }
}

TEST_P(Recovery, AClientThatShowsItsTokenLaterResumesThen) {
  for (bool restarted : {false, true}) {
    Browser before(*process);
    before.connect("");
    EXPECT_TRUE(before.ask(1, R"(["user-join",{"auth":{"token":"alice"}}])").starts_with("[{\"id\""));
    std::string id = kRun + std::string(restarted ? "b" : "a");
    say(token(id, 1));
    EXPECT_EQ(before.event(), R"({"n":100})");
    before.cut();
    say(token(id, 2));
    if (restarted) restart();

    auto after = come_back(before, "");
    EXPECT_EQ(after->sid, before.sid);
    say(token(id, 3));
    EXPECT_TRUE(after->silent());
    after->say(R"(421["user-join",{"auth":{"token":"alice"}}])");

    EXPECT_EQ(after->event(), R"({"n":200})");
    EXPECT_EQ(after->event(), R"({"n":300})");
    EXPECT_TRUE(after->next().starts_with("431["));
    EXPECT_TRUE(soon([&] { return last_arrival == Arrival::resumed; }));
  }
}

// rows 79, 93: a pid is of its user and its session
TEST_P(Recovery, NobodyElseResumesASession) {
  Browser before(*process);
  before.connect("alice");
  say(token(kRun, 1));
  before.event();
  before.cut();
  say(token(kRun, 2));
  for (std::string token : {"bob", "alice/2", "", "bad"}) {
    auto thief = come_back(before, token);
    EXPECT_TRUE(thief->silent()) << token;
    EXPECT_EQ(thief->ask(1, R"(["user-join",{"auth":{"token":"bad"}}])"), "[null]");
    EXPECT_TRUE(thief->silent()) << token;
  }
  for (const std::string& pid :
       {std::string(32, '0'), std::string("x"), std::string(5000, 'a'), before.pid + "0"}) {
    Browser guess(*process);
    guess.connect("alice", pid, before.offset);
    EXPECT_NE(guess.sid, before.sid);
  }
}

// row 79
TEST_P(Recovery, ARevokedSessionDoesNotResume) {
  Browser before(*process);
  before.connect("alice");
  say(token(kRun, 1));
  before.event();
  before.cut();
  say(token(kRun, 2));
  process->revoke("alice");
  process->hub.close_session("jti-alice");
  auto after = come_back(before);
  EXPECT_NE(after->sid, before.sid);
  EXPECT_TRUE(after->silent());
}

TEST_P(Recovery, StartsAfreshWhenTheLogCannotTell) {
  Browser before(*process);
  before.connect("alice");
  say(token(kRun, 1));
  before.event();
  before.cut();
  restart();
  log.trimmed = true;
  auto one = come_back(before);
  EXPECT_NE(one->sid, before.sid);
  say(token(kRun, 2));
  EXPECT_EQ(one->event(), R"({"n":200})");
  auto two = come_back(before);
  EXPECT_NE(two->sid, before.sid);
  EXPECT_GE(process->hub.counts().not_resumed, 2);
}

TEST_P(Recovery, AnUnansweringLogOnlyCostsTheResumption) {
  Browser before(*process);
  before.connect("alice");
  before.cut();
  restart();
  log.fails = true;
  auto after = come_back(before);
  EXPECT_NE(after->sid, before.sid);
  say(token(kRun, 2));
  EXPECT_EQ(after->event(), R"({"n":200})");
}

TEST_P(Recovery, AnotherEpochOfTheLogFitsNobody) {
  Browser before(*process);
  before.connect("alice");
  say(token(kRun, 1));
  before.event();
  before.cut();
  options.epoch = "1";
  restart();
  auto after = come_back(before);
  EXPECT_NE(after->sid, before.sid);
}

TEST_P(Recovery, TheSecondConnectionOfAPidReplacesTheFirst) {
  Browser first(*process);
  first.connect("alice");
  say(token(kRun, 1));
  first.event();
  auto second = come_back(first);
  EXPECT_EQ(second->sid, first.sid);
  EXPECT_EQ(first.next(), "<closed>");
  say(token(kRun, 2));
  EXPECT_EQ(second->event(), R"({"n":200})");
}

TEST_P(Recovery, ARoomThatWasLeftIsNotReplayed) {
  Browser before(*process);
  before.connect("alice");
  EXPECT_EQ(before.ask(1, R"(["enter","chat:x"])"), "[true]");
  say(token(kRun, 1));
  before.event();
  before.cut();
  say(token(kOtherRun, 1), Room::chat("x"));
  process->forbid({"chat:x"});
  auto after = come_back(before);
  EXPECT_EQ(after->sid, before.sid);
  EXPECT_TRUE(after->silent());
}

TEST_P(Recovery, OutboxEventsKeepTheirOrderWhateverCommitsFirst) {
  Browser browser(*process);
  browser.connect("alice");
  auto one = process->hub.ticket(kAlice, Event::of("events", json::Object{{"o", 1}}));
  auto two = process->hub.ticket(kAlice, Event::of("events", json::Object{{"o", 2}}));
  auto three = process->hub.ticket(kAlice, Event::of("events", json::Object{{"o", 3}}));
  for (auto* ticket : {&three, &one}) run([&] { return db->batch({ticket->row()}); });
  three.committed();
  EXPECT_TRUE(browser.silent());
  {
    auto withdrawn = std::move(two);
  }
  EXPECT_TRUE(browser.silent());
  one.committed();
  EXPECT_EQ(browser.event(), R"({"o":1})");
  EXPECT_EQ(browser.event(), R"({"o":3})");
}

TEST_P(Recovery, AFailedWriteIsNotPublished) {
  Browser browser(*process);
  browser.connect("alice");
  run([&] { return db->script("ALTER TABLE outbox RENAME TO elsewhere"); });
  EXPECT_THROW(publish(1), Problem);
  run([&] { return db->script("ALTER TABLE elsewhere RENAME TO outbox"); });
  publish(2);
  EXPECT_EQ(browser.event(), R"({"o":2})");
}

TEST_P(Recovery, TablesAreSwept) {
  Browser before(*process);
  before.connect("alice");
  publish(1);
  before.event();
  before.cut();
  run([&] { return process->hub.core()->records.flush(); });
  run([&] {
    return db->script("UPDATE realtime_session SET expires_at = 1; UPDATE outbox SET at = 1");
  });
  run([&] { return process->hub.core()->records.renew_and_sweep(); });
  run([&] { return process->hub.core()->outbox->sweep(); });
  auto rows = run([&] { return process->hub.core()->outbox->since({}, {kAlice.name}); });
  EXPECT_TRUE(rows->empty());
  EXPECT_FALSE(run([&] { return process->hub.core()->records.find(before.pid); }));
}

// The claim as a whole: whatever is cut, and when, every event arrives once and in order.
TEST_P(Recovery, RandomCutsAndRestartsLoseAndDoubleNothing) {
  std::mt19937 random(4711);
  options.resume_bytes = 2000;
  process.reset();
  boot();
  auto browser = std::make_unique<Browser>(*process);
  browser->connect("alice");
  int said = 0, heard = 0;
  auto hear_all = [&](int until) {
    while (heard < until) {
      ++heard;
      ASSERT_EQ(browser->event(), "{\"n\":" + std::to_string(heard * 100) + "}");
    }
  };
  for (int round = 0; round < 60; ++round) {
    for (int i = static_cast<int>(random() % 8); i > 0; --i) say(token(kRun, ++said));
    if (random() % 3 != 0) hear_all(said - static_cast<int>(random() % 3));
    if (HasFatalFailure()) return;
    browser->cut();
    for (int i = static_cast<int>(random() % 30); i > 0; --i) say(token(kRun, ++said));
    if (random() % 4 == 0) restart();
    for (int i = static_cast<int>(random() % 3); i > 0; --i) say(token(kRun, ++said));
    auto next = come_back(*browser);
    ASSERT_EQ(next->sid, browser->sid);
    browser = std::move(next);
  }
  hear_all(said);
  EXPECT_TRUE(browser->silent());
}

INSTANTIATE_TEST_SUITE_P(Databases, Recovery, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

}  // namespace
}  // namespace antiphon::realtime::testing

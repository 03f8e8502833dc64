#include "realtime/calls.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/problem.h"
#include "realtime/testing.h"
#include "store/migrate.h"
#include "store/test_store.h"

// Sockets that are asked by a replica that does not hold them.
namespace antiphon::realtime::testing {
namespace {

using store::Engine;

/// One replica of a deployment.
struct Replica {
  Replica(const std::string& url, const std::string& deployment)
      : db([&] {
          loops.start();
          return store::open({.url = url, .connections = 2}, loops);
        }()),
        bus({.others = true, .url = url}, deployment),
        process(std::make_unique<Process>(HubOptions{.node = random_hex(8)}, EndpointOptions{},
                                          db.get(), nullptr, &bus)) {
    process->start();
    bus.start();
    store::eventually([&] { return bus.hears(); });
    bus.company(1);
  }
  ~Replica() {
    bus.stop();
    process.reset();
    run([&] { return db->close(); });
    loops.stop();
  }
  json::Value call(const std::string& sid, const std::string& user, std::chrono::milliseconds timeout,
                   json::Value payload = json::Object{}) {
    return run([&] { return process->hub.call(sid, {user}, Event::of("events", payload), timeout); });
  }
  std::future<std::string> calling(const std::string& sid, const std::string& user,
                                   std::chrono::milliseconds timeout,
                                   json::Value payload = json::Object{}) {
    return std::async(std::launch::async,
                      [=, this] { return json::serialize(call(sid, user, timeout, payload)); });
  }

  Loops loops{1};
  std::unique_ptr<store::Db> db;
  bus::Bus bus;
  std::unique_ptr<Process> process;
};

class CallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (store::postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
    store_.emplace(Engine::postgres, 2);
    run([&] { return store::migrate(*store_->db); });
    a = replica(), b = replica();
    browser = std::make_unique<Browser>(*b->process);
    browser->connect("alice");
  }
  void TearDown() override {
    browser.reset();
    a.reset();
    b.reset();
  }
  std::unique_ptr<Replica> replica() {
    return std::make_unique<Replica>(store_->place.url(), deployment_);
  }
  /// Answers the question that the browser is asked next.
  void answer(std::string with) {
    std::string frame = browser->next();
    ASSERT_TRUE(frame.starts_with("42") && frame.find('[') != frame.npos) << frame;
    browser->say("43" + frame.substr(2, frame.find('[') - 2) + "[" + std::move(with) + "]");
  }
  std::optional<store::Store> store_;
  const std::string deployment_ = random_hex(8);
  std::unique_ptr<Replica> a, b;
  std::unique_ptr<Browser> browser;
};

constexpr std::string_view kNotConnected =
    R"({"error":"The browser that should be asked is not connected."})";

TEST_F(CallsTest, ABrowserAtAnotherReplicaAnswersOnce) {
  auto answered = a->calling(browser->sid, "alice", 5s, json::Object{{"q", 1}});
  answer(R"({"status":true})");
  EXPECT_EQ(answered.get(), R"({"status":true})");
  EXPECT_TRUE(browser->silent()) << "it is asked once";
}

TEST_F(CallsTest, ASlowAnswerIsWaitedFor) {
  auto answered = a->calling(browser->sid, "alice", 20s);
  std::this_thread::sleep_for(3s);  // Longer than the search for the holder.
  answer("5");
  EXPECT_EQ(answered.get(), "5");
  EXPECT_TRUE(browser->silent());
}

// row 93
TEST_F(CallsTest, NobodyElsesBrowserIsAsked) {
  EXPECT_EQ(json::serialize(a->call(browser->sid, "bob", 30s)), kNotConnected);
  EXPECT_EQ(json::serialize(a->call("nowhere", "bob", 30s)), kNotConnected);
  EXPECT_TRUE(browser->silent());
}

TEST_F(CallsTest, LongTextsGoThereAndBack) {
  std::string text(3 << 20, 'x');
  auto answered = a->calling(browser->sid, "alice", 20s, json::Object{{"text", text}});
  std::string frame = browser->next(20s);
  EXPECT_GT(frame.size(), text.size());
  browser->say("43" + frame.substr(2, frame.find('[') - 2) + "[{\"text\":\"" + text + "y\"}]");
  EXPECT_EQ(answered.get(), "{\"text\":\"" + text + "y\"}");
  // Fails when one is left.
  antiphon::run([&] {
    return store_->db->script(
        "SELECT 1 / (CASE WHEN EXISTS (SELECT 1 FROM realtime_letter) THEN 0 ELSE 1 END)");
  });
}

TEST_F(CallsTest, ABrowserThatDoesNotAnswerIsNotWaitedForLonger) {
  auto begun = Clock::now();
  auto answered = a->calling(browser->sid, "alice", 1s);
  browser->next();
  EXPECT_EQ(answered.get(), R"({"error":"The browser did not answer in time."})");
  EXPECT_LT(Clock::now() - begun, 3s);
}

constexpr std::string_view kGone = R"({"error":"The browser that was asked has gone."})";

TEST_F(CallsTest, AUserWhoIsThrownOutEndsTheCall) {
  auto begun = Clock::now();
  auto answered = a->calling(browser->sid, "alice", 60s);
  browser->next();
  b->process->hub.close_user({"alice"});
  EXPECT_EQ(answered.get(), kGone);
  EXPECT_LT(Clock::now() - begun, 5s);
}

TEST_F(CallsTest, AReplicaThatEndsEndsTheCall) {
  auto begun = Clock::now();
  auto answered = a->calling(browser->sid, "alice", 60s);
  browser->next();
  antiphon::run([&] { return b->process->hub.stop(5s); });
  EXPECT_EQ(answered.get(), kGone);
  EXPECT_LT(Clock::now() - begun, 5s);
}

TEST_F(CallsTest, AReplicaThatDiesEndsTheCall) {
  auto begun = Clock::now();
  auto answered = a->calling(browser->sid, "alice", 60s);
  browser->next();
  b->bus.stop();
  EXPECT_EQ(answered.get(), kGone);
  EXPECT_LT(Clock::now() - begun, 12s);
}

TEST_F(CallsTest, WhatTheBrowserSaysOnAChannelComesInOrderAndWhole) {
  auto channel = a->process->hub.open_channel("alice:s:r", browser->sid, {"alice"});
  auto next = [&] { return antiphon::run([&] { return channel->next(15s); }); };
  auto say = [&](int n) { browser->say("42[\"alice:s:r\",\"" + std::to_string(n) + "\"]"); };
  say(-1);  // Nobody has asked for it yet.
  auto answered = std::async(std::launch::async, [&] {
    return json::serialize(antiphon::run([&] {
      return a->process->hub.call(browser->sid, {"alice"}, Event::of("events", json::Object{}), 20s,
                                  "alice:s:r");
    }));
  });
  answer(R"({"status":true})");
  EXPECT_EQ(answered.get(), R"({"status":true})");
  for (int n = 0; n != 500; ++n) say(n);
  for (int n = 0; n != 500; ++n) EXPECT_EQ(next(), std::to_string(n).c_str());
  std::this_thread::sleep_for(12s);  // Silent, but there.
  say(500);
  EXPECT_EQ(next(), "500");
  auto begun = Clock::now();
  b->bus.stop();
  EXPECT_THROW(next(), Problem);
  EXPECT_LT(Clock::now() - begun, 14s);
}

TEST_F(CallsTest, ManyAtOnceGetTheirOwnAnswers) {
  std::vector<std::future<std::string>> all;
  for (int n = 0; n != 50; ++n)
    all.push_back(a->calling(browser->sid, "alice", 20s, json::Object{{"n", n}}));
  for (int n = 0; n != 50; ++n) {
    std::string frame = browser->next();
    auto from = frame.find("{\"n\":") + 5;
    browser->say("43" + frame.substr(2, frame.find('[') - 2) + "[" +
                 frame.substr(from, frame.find('}') - from) + "]");
  }
  for (int n = 0; n != 50; ++n) EXPECT_EQ(all[static_cast<std::size_t>(n)].get(), std::to_string(n));
}

}  // namespace
}  // namespace antiphon::realtime::testing

#include "realtime/elsewhere.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "realtime/testing.h"
#include "store/test_store.h"

namespace antiphon::realtime::testing {
namespace {

using Users = Elsewhere::Users;
const Room kChat{"chat:c"};

/// One replica; who is in the room is what the test says.
struct Replica {
  explicit Replica(const std::string& deployment)
      : bus({.others = true, .url = store::postgres_url()}, deployment),
        elsewhere(&bus, random_hex(8), [this](const Room& room) {
          std::scoped_lock lock(mutex);
          return room == kChat ? here : Users();
        }) {
    elsewhere.on_changed([this](const Room&) { ++changes; });
    bus.start();
    store::eventually([&] { return bus.hears(); });
    bus.company(1);
  }
  ~Replica() { bus.stop(); }
  void set(Users users) {
    std::scoped_lock lock(mutex);
    here = std::move(users);
  }
  void come(Users users) {
    set(std::move(users));
    elsewhere.told(kChat);
  }
  bool knows(const Users& users) {
    return soon([&] { return elsewhere.in(kChat) == users; });
  }

  std::mutex mutex;
  Users here;  ///< Guarded by mutex.
  std::atomic<int> changes = 0;
  bus::Bus bus;
  Elsewhere elsewhere;
};

class ElsewhereTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (store::postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
    a = std::make_unique<Replica>(deployment_), b = std::make_unique<Replica>(deployment_);
  }
  const std::string deployment_ = random_hex(8);
  std::unique_ptr<Replica> a, b;
};

TEST_F(ElsewhereTest, WhoComesLearnsWhoIsThereAndIsShownToThem) {
  a->come({"ann"});
  b->come({"ben"});
  EXPECT_TRUE(a->knows({"ben"}));
  EXPECT_TRUE(b->knows({"ann"}));
  EXPECT_TRUE(soon([&] { return a->changes == 1 && b->changes == 1; }));
  b->come({"ben", "cleo"});
  EXPECT_TRUE(a->knows({"ben", "cleo"}));
  b->come({});
  EXPECT_TRUE(a->knows({}));
  EXPECT_TRUE(b->knows({})) << "nobody there wants to know";
}

TEST_F(ElsewhereTest, NothingIsKeptOfRoomsWithoutMembersHere) {
  a->come({"ann"});
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(b->knows({}));
  EXPECT_EQ(b->changes, 0);
}

TEST_F(ElsewhereTest, WhoHasNobodySaysNothing) {
  auto said = [&] { return a->bus.traffic().by_notify; };
  a->elsewhere.tick();
  std::uint64_t before = said();
  a->elsewhere.tick();
  std::this_thread::sleep_for(2'100ms);
  a->elsewhere.tick();
  EXPECT_EQ(said(), before);
  a->come({"ann"});
  a->elsewhere.tick();
  EXPECT_EQ(said(), before + 2) << "who is there, and that it lives";
}

TEST_F(ElsewhereTest, WhoGoesWithoutAWordIsMissed) {
  a->come({"ann"});
  b->come({"ben"});
  EXPECT_TRUE(a->knows({"ben"}));
  b->set({});
  b->elsewhere.tick();
  EXPECT_TRUE(a->knows({}));
}

TEST_F(ElsewhereTest, NobodyIsAtAReplicaThatEndsOrDies) {
  a->come({"ann"});
  b->come({"ben"});
  auto c = std::make_unique<Replica>(deployment_);
  c->come({"cleo"});
  EXPECT_TRUE(a->knows({"ben", "cleo"}));
  c->elsewhere.leave();
  EXPECT_TRUE(a->knows({"ben"}));
  a->elsewhere.told(kChat);
  std::this_thread::sleep_for(100ms);
  EXPECT_TRUE(a->knows({"ben"})) << "whoever has left does not answer";
  b->bus.stop();
  bool forgotten = soon(
      [&] {
        a->elsewhere.tick();
        return a->elsewhere.in(kChat).empty();
      },
      12s);
  EXPECT_TRUE(forgotten);
}

TEST_F(ElsewhereTest, WhatWasNotHeardIsAskedForAgain) {
  b->come({"ben"});
  a->bus.reconnect();
  a->come({"ann"});
  EXPECT_TRUE(a->knows({"ben"}));
  EXPECT_TRUE(b->knows({"ann"}));
}

}  // namespace
}  // namespace antiphon::realtime::testing

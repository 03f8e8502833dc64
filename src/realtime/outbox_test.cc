#include "realtime/outbox.h"

#include <gtest/gtest.h>

#include <mutex>

#include "base/ids.h"
#include "base/loops.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::realtime {
namespace {

using store::Engine;
using store::eventually;

const Room kRoom{"user:alice"};

Event event(int n) {
  return {.payload = R"({"n":)" + std::to_string(n) + "}"};
}

/// One replica's outbox, and what it has released.
struct Replica {
  Replica(const std::string& url, const std::string& deployment)
      : db([&] {
          loops.start();
          return store::open({.url = url, .connections = 2}, loops);
        }()),
        bus({.others = true, .url = url}, deployment),
        outbox(std::make_shared<Outbox>(db.get(), &bus,
                                        [this](const Room&, const Event& e, const std::string&) {
                                          std::scoped_lock lock(mutex);
                                          released.push_back(e.payload);
                                        })) {
    bus.on(std::string(Outbox::kTopic), [this](std::string_view body) {
      auto parts = bus::parts_of(body);
      OutboxRow row{*bus::number_in(parts[0]), std::string(parts[2]), std::string(parts[3]),
                    std::string(parts[5]), std::string(parts[4])};
      if (deaf) return;
      if (!outbox->hear(std::move(row), *bus::number_in(parts[1]))) ++gaps;
    });
    bus.start();
    run([&] { return outbox->open(); });
    eventually([&] { return bus.hears(); });
    bus.company(true);
  }
  ~Replica() {
    bus.stop();
    run([&] { return db->close(); });
  }
  void publish(int n) {
    run([&] { return outbox->publish(kRoom, event(n), ""); });
  }
  std::vector<std::string> seen() {
    std::scoped_lock lock(mutex);
    return released;
  }

  Loops loops{1};
  std::unique_ptr<store::Db> db;
  std::mutex mutex;
  std::vector<std::string> released;
  std::atomic<bool> deaf = false;
  std::atomic<int> gaps = 0;
  bus::Bus bus;
  std::shared_ptr<Outbox> outbox;
};

std::vector<std::string> payloads(int from, int to) {
  std::vector<std::string> out;
  for (int n = from; n != to; ++n) out.push_back(event(n).payload);
  return out;
}

class OutboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (store::postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
    store_.emplace(Engine::postgres, 2);
    run([&] { return store::migrate(*store_->db); });
  }
  std::unique_ptr<Replica> replica() {
    return std::make_unique<Replica>(store_->place.url(), deployment_);
  }
  std::optional<store::Store> store_;
  const std::string deployment_ = random_hex(8);
};

TEST_F(OutboxTest, WhatOneReplicaPublishesTheOthersRelease) {
  auto a = replica(), b = replica();
  for (int n = 0; n != 50; ++n) a->publish(n);
  eventually([&] { return b->seen().size() == 50; });
  EXPECT_EQ(b->seen(), payloads(0, 50));
  EXPECT_EQ(a->seen(), payloads(0, 50)) << "its own once";
  EXPECT_EQ(b->gaps, 0);
}

TEST_F(OutboxTest, WhatWasNotHeardHoldsBackWhatFollowsUntilItIsRead) {
  auto a = replica(), b = replica();
  a->publish(0);
  eventually([&] { return b->seen().size() == 1; });
  b->deaf = true;
  a->publish(1);
  a->publish(2);
  run([&] { return a->db->script("SELECT pg_sleep(0.2)"); });  // Those two have gone by.
  b->deaf = false;
  a->publish(3);
  eventually([&] { return b->gaps == 1; });
  EXPECT_EQ(b->seen(), payloads(0, 1));
  run([&] { return b->outbox->catch_up(); });
  EXPECT_EQ(b->seen(), payloads(0, 4));
  run([&] { return b->outbox->catch_up(); });
  EXPECT_EQ(b->seen(), payloads(0, 4)) << "each once";
}

TEST_F(OutboxTest, APositionSaysWhatOfEachReplicaIsMissing) {
  auto a = replica(), b = replica();
  a->publish(0);
  auto later = replica();
  Marks seen = run([&] { return later->outbox->open(); });
  b->publish(1);
  a->publish(2);
  auto missed = run([&] { return b->outbox->since(seen, {kRoom.name}); });
  ASSERT_TRUE(missed);
  std::vector<std::string> got;
  for (const OutboxRow& row : *missed) got.push_back(row.payload);
  EXPECT_EQ(got, payloads(1, 3));
}

TEST_F(OutboxTest, WhoComesLaterIsNotToldOfBefore) {
  auto a = replica();
  a->publish(0);
  auto b = replica();
  run([&] { return b->outbox->catch_up(); });
  EXPECT_TRUE(b->seen().empty());
}

}  // namespace
}  // namespace antiphon::realtime

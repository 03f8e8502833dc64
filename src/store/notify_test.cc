#include "store/notify.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "store/notify_frames.h"
#include "store/test_store.h"

namespace antiphon::store {
namespace {

std::vector<std::string> heard_from(NotifyUnpacker& unpacker, const std::vector<std::string>& pieces,
                                    int sender = 1, bool* whole = nullptr) {
  std::vector<std::string> out;
  for (const std::string& piece : pieces) {
    EXPECT_LE(piece.size(), NotifyPacker::kPiece);
    bool all = unpacker.take(sender, piece, [&](std::string_view m) { out.emplace_back(m); });
    if (whole) *whole = *whole && all;
  }
  return out;
}

TEST(NotifyFrames, ShortOnesShareAPieceAndLongOnesAreCutBetweenCharacters) {
  std::string mountain(20'000, 'x');
  for (std::size_t i = 0; i + 4 < mountain.size(); i += 7) mountain.replace(i, 4, "\xF0\x9F\x8F\x94");
  std::vector<std::string> said{"one", "", "two", mountain, "three"};
  NotifyPacker packer;
  std::vector<std::string> pieces;
  for (const std::string& message : said) packer.add(message, pieces);
  EXPECT_EQ(pieces.size(), 3U);
  for (const std::string& piece : pieces) {
    char first = piece[piece.find_first_not_of("0123456789") + 1];
    EXPECT_NE(static_cast<unsigned char>(first) & 0xC0, 0x80);
  }
  NotifyUnpacker unpacker;
  EXPECT_EQ(heard_from(unpacker, pieces), said);
}

TEST(NotifyFrames, AGapIsToldAndWhatFollowsIsHeard) {
  NotifyPacker packer;
  std::vector<std::string> pieces, more;
  packer.add(std::string(30'000, 'a'), pieces);
  packer.add("after", pieces);
  packer.add("later", more);
  std::vector<std::string> torn{pieces.front(), pieces.back()};
  NotifyUnpacker unpacker;
  bool whole = true;
  EXPECT_EQ(heard_from(unpacker, torn, 1, &whole), std::vector<std::string>{"after"});
  EXPECT_FALSE(whole);
  whole = true;
  EXPECT_EQ(heard_from(unpacker, more, 1, &whole), std::vector<std::string>{"later"});
  EXPECT_TRUE(whole);
}

TEST(NotifyFrames, WhatTheSenderDroppedIsAGap) {
  NotifyPacker packer;
  std::vector<std::string> pieces, more;
  packer.add("one", pieces);
  packer.lose(pieces);
  packer.add("two", more);
  NotifyUnpacker unpacker;
  bool whole = true;
  EXPECT_EQ(heard_from(unpacker, pieces, 1, &whole), std::vector<std::string>{"one"});
  EXPECT_FALSE(whole);
  EXPECT_EQ(heard_from(unpacker, more), std::vector<std::string>{"two"});
}

TEST(NotifyFrames, WhoListensLateHearsFromTheNextMessageOn) {
  NotifyPacker packer;
  std::vector<std::string> pieces;
  packer.add(std::string(20'000, 'a') + "end", pieces);
  packer.add("whole", pieces);
  pieces.erase(pieces.begin());
  NotifyUnpacker unpacker;
  bool whole = true;
  EXPECT_EQ(heard_from(unpacker, pieces, 7, &whole), std::vector<std::string>{"whole"});
  EXPECT_TRUE(whole);
}

TEST(NotifyFrames, StreamsOfSendersDoNotMix) {
  NotifyPacker a, b;
  std::vector<std::string> of_a, of_b;
  a.add(std::string(9'000, 'a'), of_a);
  b.add(std::string(9'000, 'b'), of_b);
  NotifyUnpacker unpacker;
  std::vector<std::string> out;
  auto heard = [&](std::string_view m) { out.emplace_back(m); };
  for (std::size_t i = 0; i != 2; ++i) {
    unpacker.take(1, of_a[i], heard);
    unpacker.take(2, of_b[i], heard);
  }
  EXPECT_EQ(out, (std::vector<std::string>{std::string(9'000, 'a'), std::string(9'000, 'b')}));
}

TEST(NotifyFrames, ForeignNotificationsAreIgnored) {
  NotifyUnpacker unpacker;
  EXPECT_TRUE(
      heard_from(unpacker, {"", "x", "12", "12x\n", "-1n\n", "99999999999999999999999n\n"}).empty());
}

/// One that listens, and what it has heard.
struct Ear {
  explicit Ear(const std::string& channel)
      : notifier(notify_over(postgres_url(), channel, 7,
                             {.heard =
                                  [this](std::string_view m) {
                                    std::scoped_lock lock(mutex);
                                    messages.emplace_back(m);
                                  },
                              .missed = [this] { ++gaps; }})) {}
  std::vector<std::string> heard() {
    std::scoped_lock lock(mutex);
    return messages;
  }
  std::mutex mutex;
  std::vector<std::string> messages;
  std::atomic<int> gaps = 0;
  std::unique_ptr<Notifier> notifier;
};

class NotifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
  }
  const std::string channel_ = "t" + random_hex(6);
};

TEST_F(NotifyTest, OthersHearItInOrderAndTheSenderDoesNot) {
  Ear a(channel_), b(channel_), stranger("t" + random_hex(6));
  eventually([&] { return a.gaps == 1 && b.gaps == 1 && stranger.gaps == 1; });
  std::vector<std::string> said;
  for (int i = 0; i != 2'000; ++i) {
    said.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 50) * 20, 'x'));
    ASSERT_TRUE(a.notifier->send(said.back()));
  }
  said.emplace_back(200'000, 'y');
  ASSERT_TRUE(a.notifier->send(said.back()));
  eventually([&] { return b.heard().size() == said.size(); });
  EXPECT_EQ(b.heard(), said);
  EXPECT_TRUE(a.heard().empty());
  EXPECT_TRUE(stranger.heard().empty());
  EXPECT_EQ(b.gaps, 1);
}

TEST_F(NotifyTest, WhoWasCutOffIsToldAndHearsAgain) {
  Ear a(channel_), b(channel_);
  eventually([&] { return a.gaps == 1 && b.gaps == 1; });
  Place::administer(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
      "AND application_name = 'antiphon notify'");
  eventually([&] { return a.gaps == 2 && b.gaps == 2; });
  ASSERT_TRUE(a.notifier->send("again"));
  eventually([&] { return b.heard().size() == 1; });
  EXPECT_EQ(b.heard(), std::vector<std::string>{"again"});
}

TEST_F(NotifyTest, WhoIsToldToConnectsAnew) {
  Ear a(channel_), b(channel_);
  eventually([&] { return a.gaps == 1 && b.gaps == 1; });
  b.notifier->reconnect();
  eventually([&] { return b.gaps == 2; });
  EXPECT_EQ(b.gaps, 2);
  ASSERT_TRUE(a.notifier->send("still"));
  eventually([&] { return b.heard().size() == 1; });
  EXPECT_EQ(b.heard(), std::vector<std::string>{"still"});
}

TEST_F(NotifyTest, WhatCannotTravelIsRefused) {
  Ear a(channel_);
  eventually([&] { return a.gaps == 1; });
  EXPECT_FALSE(a.notifier->send("two\nlines"));
  EXPECT_FALSE(a.notifier->send(std::string("a\0b", 3)));
  EXPECT_FALSE(a.notifier->send(std::string(Notifier::kMaxMessage + 1, 'x')));
}

TEST_F(NotifyTest, WhatWaitsIsSentBeforeItEnds) {
  Ear b(channel_);
  {
    Ear a(channel_);
    eventually([&] { return a.gaps == 1 && b.gaps == 1; });
    for (int i = 0; i != 100; ++i) ASSERT_TRUE(a.notifier->send(std::to_string(i)));
    a.notifier->close();
  }
  eventually([&] { return b.heard().size() == 100; });
  EXPECT_EQ(b.heard().size(), 100U);
}

}  // namespace
}  // namespace antiphon::store

#include "realtime/position.h"

#include <gtest/gtest.h>

#include <set>

#include "base/ids.h"

namespace antiphon::realtime {
namespace {

constexpr std::string_view kRun = "0123abcd-4567-4abc-8def-001122334455";
constexpr std::string_view kOther = "0123abcd-4567-4abc-8def-aabbccddeeff";

Position at(std::string_view text) {
  auto position = Position::parse(text);
  EXPECT_TRUE(position) << text;
  return position.value_or(Position{});
}

TEST(Position, ReadsWhatItWrites) {
  for (std::string_view text :
       {"0;0.0;", "e1;7.9;001122334455:3.0", "0;1.2;a:1.2,b:*,c:0.0", "0;2048+1025+3074.9;"})
    EXPECT_EQ(at(text).text(), text);
}

TEST(Position, RefusesAnythingElse) {
  for (std::string_view bad : {"",
                               "0",
                               "0;1;",
                               "0;1.2",
                               ";1.2;",
                               "0;1.2;,",
                               "0;1.2;a:1.2,",
                               "0;1.2;a",
                               "0;1.2;a:",
                               "0;1.2;a:1",
                               "0;1.2;a:1.",
                               "0;1.2;a:-1.0",
                               "0;1.2;:1.0",
                               "0;01.2;",
                               "0;1.+2;",
                               "0;1.2;a:1.2;b",
                               "0;1.2;thirteenchars:1.0",
                               "0;9999999999999999999.2;",
                               "0;1.2;a:**",
                               "0;0+1.2;",
                               "0;1+.2;",
                               "0;+1.2;",
                               "0;1++2.2;",
                               "0;2+1.2;",
                               "0;1+1025.2;",
                               "o-o;1.2;",
                               "hello"})
    EXPECT_FALSE(Position::parse(bad)) << bad;
  std::string many = "0;1.2;a:1.0";
  for (std::size_t i = 1; i < Position::kMaxRuns; ++i) many += ",a" + std::to_string(i) + ":1.0";
  EXPECT_TRUE(Position::parse(many));
  many += ",b:1.0";
  EXPECT_FALSE(Position::parse(many));
}

TEST(Position, TakesEachEventOfARunOnce) {
  Position position{.epoch = "0"};

  EXPECT_TRUE(position.advance_run(kRun, 1, 0, false, 0));
  EXPECT_TRUE(position.advance_run(kRun, 1, 1, false, 0));
  EXPECT_FALSE(position.advance_run(kRun, 1, 1, false, 0));
  EXPECT_FALSE(position.advance_run(kRun, 1, 0, false, 0));
  EXPECT_TRUE(position.advance_run(kOther, 1, 0, false, 0));
  EXPECT_TRUE(position.advance_run(kRun, 2, 0, true, 0));
  EXPECT_FALSE(position.advance_run(kRun, 3, 0, false, 0));
  EXPECT_EQ(position.text(), "0;0.0;001122334455:*,aabbccddeeff:1.0");
}

TEST(Position, TakesAnEndThatComesBeforeWhatWasSeen) {
  Position position{.epoch = "0"};
  EXPECT_TRUE(position.advance_run(kRun, 12, 0, false, 0));
  EXPECT_FALSE(position.advance_run(kRun, 8, 0, false, 0));
  EXPECT_TRUE(position.advance_run(kRun, 9, 0, true, 0))
      << "what was seen is lost, and this is all there is";
  EXPECT_FALSE(position.advance_run(kRun, 9, 0, true, 0)) << "once";
  EXPECT_FALSE(position.advance_run(kRun, 13, 0, false, 0));
}

TEST(Position, FoldsEndedRunsOnlyAfterAMinute) {
  Position position{.epoch = "0", .floor = 500};
  position.advance_run(kRun, 1, 0, true, 1'000);

  position.fold(60'999);
  EXPECT_NE(position.find(kRun), nullptr);

  position.fold(61'000);
  EXPECT_EQ(position.text(), "0;0.2000;") << "the whole second, which is all that a log knows";
}

std::string nth_run(int n) {
  return "run" + std::to_string(n);
}

TEST(Position, MakesRoomWithWhatEndedAWhileAgo) {
  Position position{.epoch = "0"};
  for (int i = 0; i != 64; ++i) position.advance_run(nth_run(i), 1, 1, i % 2 == 0, 1'000 + i * 100);
  EXPECT_TRUE(position.advance_run("new", 1, 1, false, 20'000));
  EXPECT_TRUE(position.exact);
  EXPECT_NE(position.find("new"), nullptr);
  EXPECT_EQ(position.find(nth_run(0)), nullptr);
  EXPECT_NE(position.find(nth_run(1)), nullptr) << "live";
  EXPECT_NE(position.find(nth_run(2)), nullptr) << "ended later";
  EXPECT_EQ(position.floor, 2'000);
}

TEST(Position, SaysSoWhenThereIsTooMuchToList) {
  Position position{.epoch = "0"};
  for (int i = 0; i != 65; ++i) EXPECT_TRUE(position.advance_run(nth_run(i), 1, 1, false, 0));
  EXPECT_FALSE(position.exact);
  EXPECT_EQ(position.text(), Position::kInexact);
  EXPECT_EQ(position.runs.size(), Position::kMaxRuns);
  EXPECT_TRUE(Position::parse(Position::kInexact)) << "a client may send it back";
}

TEST(Position, KeepsWhatAClientSaysThoughTheStartListsMuch) {
  Position start{.epoch = "0"}, said{.epoch = "0"};
  for (int i = 0; i != 40; ++i) start.advance_run("s" + std::to_string(i), 1, 1, false, 0);
  for (int i = 0; i != 40; ++i) said.advance_run("c" + std::to_string(i), 1, 1, false, 0);
  start.include(said);
  EXPECT_FALSE(start.exact);
  for (int i = 0; i != 40; ++i) EXPECT_NE(start.find("c" + std::to_string(i)), nullptr);
  EXPECT_EQ(start.runs.size(), Position::kMaxRuns);
}

TEST(Position, IncludesTheLaterOfBoth) {
  Position position = at("0;5120.100;a:3.1,b:1.0");

  position.include(at("0;7168+5.50;a:2.9,b:1.4,c:*"));
  EXPECT_EQ(position.text(), "0;7168+5.100;a:3.1,b:1.4,c:*");

  position.include(at("other;99.999;a:9.9"));
  EXPECT_EQ(position.text(), "0;7168+5.100;a:3.1,b:1.4,c:*");
}

TEST(Position, CoversOnlyWhatIsNotBeyondIt) {
  Position position = at("0;5120.100;a:3.1,b:*");

  EXPECT_TRUE(position.covers(at("0;5120.100;a:3.1")));
  EXPECT_TRUE(position.covers(at("0;4096.90;b:9.9")));
  EXPECT_FALSE(position.covers(at("0;6144.100;")));
  EXPECT_FALSE(position.covers(at("0;5120.100;a:3.2")));
  EXPECT_FALSE(position.covers(at("0;5120.100;a:*")));
  EXPECT_FALSE(position.covers(at("0;5120.100;c:0.0")));
  EXPECT_FALSE(position.covers(at("0;5120+1.90;"))) << "another replica's";
  // An offset of another epoch is of a session before this one.
  EXPECT_TRUE(position.covers(at("x;9.999;")));
}

TEST(Position, SeesTheOutboxOfEachReplicaInItsOwnOrder) {
  Position position{.epoch = "0"};
  EXPECT_TRUE(position.advance_outbox(9 * 1024 + 1));
  EXPECT_TRUE(position.advance_outbox(3 * 1024 + 2)) << "earlier, by another clock";
  EXPECT_FALSE(position.advance_outbox(3 * 1024 + 2));
  EXPECT_FALSE(position.advance_outbox(8 * 1024 + 1));
  EXPECT_EQ(position.text(), "0;9217+3074.0;");
  for (int slot = 10; slot != 50; ++slot) position.advance_outbox(100 * 1024 + slot);
  EXPECT_EQ(position.outbox.ids().size(), Marks::kMax);
  EXPECT_EQ(position.outbox.last(2), 0);
  EXPECT_EQ(position.outbox.last(49), 100 * 1024 + 49);
}

TEST(Position, TellsRunsApartByTheirLastTwelveCharacters) {
  EXPECT_EQ(run_key(kRun), "001122334455");
  std::set<std::string> keys;  // As many as a position holds, begun in one moment.
  for (std::size_t i = 0; i != Position::kMaxRuns; ++i) keys.insert(run_key(brief_id()));
  EXPECT_EQ(keys.size(), Position::kMaxRuns);
  EXPECT_EQ(run_key(""), "_");
  EXPECT_EQ(run_key("a;b"), "a_b");
}

}  // namespace
}  // namespace antiphon::realtime

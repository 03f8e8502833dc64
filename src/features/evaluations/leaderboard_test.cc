#include "features/evaluations/leaderboard.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antiphon::evaluations {
namespace {

Vote vote(std::string model, json::Value rating, std::vector<std::string> siblings,
          std::vector<std::string> tags = {}) {
  json::Array others, names;
  for (auto& id : siblings) others.emplace_back(id);
  for (auto& tag : tags) names.emplace_back(tag);
  return {model, json::Object{{"rating", std::move(rating)}, {"sibling_model_ids", std::move(others)}},
          json::Value(json::Object{{"tags", std::move(names)}})};
}

TEST(Leaderboard, PutsTheWinnerFirst) {
  auto table = standings({vote("good", 1, {"bad"}), vote("bad", "-1", {"good"})});

  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table[0].model_id, "good");
  EXPECT_EQ(table[0].won, 2);
  EXPECT_EQ(table[1].lost, 2);
  EXPECT_NEAR(table[0].rating, 1030.5, 0.1);
  EXPECT_NEAR(table[0].rating + table[1].rating, 2000, 1e-9);
}

TEST(Leaderboard, CountsLonelyVotesWithoutMovingARating) {
  auto table = standings({vote("m", 1, {}), vote("m", -1, {"m"}), vote("m", nullptr, {"x"})});

  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table[0].rating, 1000);
  EXPECT_EQ(table[0].won, 1);
  EXPECT_EQ(table[0].lost, 1);
}

TEST(Leaderboard, NamesTheMostFrequentTags) {
  auto table = standings({vote("m", 1, {}, {"a", "b", "c", "d", "e", "f"}), vote("m", 1, {}, {"f"})});

  ASSERT_EQ(table[0].tags.size(), 5u);
  EXPECT_EQ(table[0].tags[0], std::pair(std::string("f"), std::int64_t{2}));
}

TEST(Leaderboard, TakesOddVotesForNone) {
  EXPECT_TRUE(
      standings({Vote{"m", 5, {}}, Vote{"m", json::Object{{"rating", "great"}}, json::Value("x")}})
          .empty());
}

TEST(Leaderboard, CountsVotesByDay) {
  constexpr std::int64_t kNow = 1'700'000'000;  // 2023-11-14, 22:13
  auto voted = [](int rating, std::int64_t at) {
    return DatedVote{json::Object{{"rating", rating}}, at};
  };
  auto days = history({voted(1, kNow), voted(-1, kNow - 80'000), voted(1, kNow - 86'400),
                       voted(1, kNow - 5 * 86'400), voted(1, kNow + 86'400)},
                      kNow, 2);

  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0].date, "2023-11-13");
  EXPECT_EQ(days[0].won, 1);
  EXPECT_EQ(days[1].date, "2023-11-14");
  EXPECT_EQ(days[1].won, 1);
  EXPECT_EQ(days[1].lost, 1);
}

}  // namespace
}  // namespace antiphon::evaluations

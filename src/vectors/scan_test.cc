#include "vectors/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace antiphon::vectors {
namespace {

std::vector<float> made(std::size_t count, std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> rows(count * n);
  for (float& x : rows) x = normal(random);
  return rows;
}

/// The definition, in double precision.
std::vector<Scored> by_the_book(const std::vector<float>& rows, const std::vector<float>& query,
                                std::size_t k) {
  std::vector<Scored> all;
  for (std::size_t row = 0; row < rows.size() / query.size(); ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < query.size(); ++i) {
      sum += static_cast<double>(rows[row * query.size() + i]) * query[i];
    }
    all.push_back({static_cast<float>(sum), row});
  }
  std::ranges::sort(all, [](const Scored& a, const Scored& b) { return a < b; });
  all.resize(std::min(k, all.size()));
  return all;
}

TEST(Nearest, IsWhatTheDefinitionSays) {
  for (std::size_t n : {1u, 3u, 15u, 16u, 31u, 32u, 33u, 100u, 384u, 1536u}) {
    for (std::size_t count : {0u, 1u, 255u, 256u, 257u, 1000u}) {
      auto rows = made(count, n, 1), query = made(1, n, 2);
      for (std::size_t k : {1u, 10u, 2000u}) {
        auto expected = by_the_book(rows, query, k), got = nearest(rows, query, k);
        ASSERT_EQ(got.size(), expected.size()) << n << ' ' << count << ' ' << k;
        // Sums of floats differ from the exact one in the last digits, so near neighbours may change
        // places.
        for (std::size_t i = 0; i < got.size(); ++i) {
          ASSERT_NEAR(got[i].score, expected[i].score, 1e-4 * std::sqrt(static_cast<double>(n)));
        }
      }
    }
  }
}

TEST(Nearest, OfEqualsTakesTheFirst) {
  std::vector<float> rows(1000, 1);
  auto got = nearest(rows, std::vector<float>{1}, 3);
  ASSERT_EQ(got.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(got[i].row, i);
}

TEST(Nearest, OfNothingIsNothing) {
  EXPECT_TRUE(nearest({}, std::vector<float>{1}, 3).empty());
  EXPECT_TRUE(nearest(std::vector<float>{1}, {}, 3).empty());
  EXPECT_TRUE(nearest(std::vector<float>{1}, std::vector<float>{1}, 0).empty());
}

}  // namespace
}  // namespace antiphon::vectors

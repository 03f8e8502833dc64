#include "store/patiently.h"

#include <gtest/gtest.h>

#include "store/test_store.h"

namespace antiphon::store {
namespace {

Problem away() {
  return Problem(Problem::Kind::unavailable, "away").retry_after(1);
}

TEST(Patiently, ReadsUntilTheDatabaseIsBack) {
  int reads = 0;
  int got = run([&] {
    return patiently<int>(
        [&]() -> Task<int> {
          if (++reads < 3) throw away();
          co_return 7;
        },
        [] { return false; });
  });
  EXPECT_EQ(got, 7);
  EXPECT_EQ(reads, 3);
}

TEST(Patiently, GivesUpWhenNobodyWaitsAnyMore) {
  int reads = 0;
  Problem p = problem_of([&] {
    return patiently<int>(
        [&]() -> Task<int> {
          ++reads;
          throw away();
          co_return 0;
        },
        [&] { return reads == 2; });
  });
  EXPECT_EQ(p.detail(), "away");
  EXPECT_EQ(reads, 2);
}

TEST(Patiently, WhatDoesNotPassIsSaidAtOnce) {
  int reads = 0;
  for (Problem::Kind kind :
       {Problem::Kind::not_found, Problem::Kind::upstream, Problem::Kind::unavailable})
    (void)problem_of([&] {
      return patiently<int>(
          [&]() -> Task<int> {
            ++reads;
            throw Problem(kind, "no");
            co_return 0;
          },
          [] { return false; });
    });
  EXPECT_EQ(reads, 3);
}

}  // namespace
}  // namespace antiphon::store

#include "auth/limits.h"

#include <gtest/gtest.h>

#include "auth/test_identities.h"

namespace antiphon::auth {
namespace {

class LimitsTest : public Identities {
 protected:
  void fail(const std::string& address, const std::string& email) {
    run([&] { return limits.failed(address, email); });
  }
  /// 0 when a sign-in may be tried.
  int refusal(const std::string& address, const std::string& email) {
    try {
      run([&] { return limits.check(address, email); });
      return 0;
    } catch (const Problem& problem) {
      EXPECT_GT(problem.retry_after(), 0);
      return problem.status();
    }
  }
  SignInLimits limits{*store.db};
};
INSTANTIATE_TEST_SUITE_P(Engines, LimitsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

// U8, row 85
TEST_P(LimitsTest, SprayingManyAccountsStopsTheAddressAndNobodyElse) {
  for (int i = 0; i < 30; ++i) fail("1.2.3.4", "u" + std::to_string(i) + "@x.io");

  EXPECT_EQ(refusal("1.2.3.4", "u31@x.io"), 429);
  EXPECT_EQ(refusal("1.2.3.5", "u1@x.io"), 0);
}

// U8
TEST_P(LimitsTest, GuessingOnePasswordLocksThePairAndNotTheVictim) {
  for (int i = 0; i < 10; ++i) fail("1.2.3.4", "Victim@x.io");

  EXPECT_EQ(refusal("1.2.3.4", "victim@X.io"), 429);
  EXPECT_EQ(refusal("1.2.3.4", "other@x.io"), 0);
  EXPECT_EQ(refusal("9.9.9.9", "victim@x.io"), 0);
}

TEST_P(LimitsTest, ASuccessForgetsThePair) {
  for (int i = 0; i < 9; ++i) fail("1.2.3.4", "a@x.io");
  run([&] { return limits.succeeded("1.2.3.4", "a@x.io"); });
  fail("1.2.3.4", "a@x.io");

  EXPECT_EQ(refusal("1.2.3.4", "a@x.io"), 0);
}

TEST_P(LimitsTest, ReplicasAgreeAndOldFailuresDoNotCount) {
  for (int i = 0; i < 10; ++i) fail("1.2.3.4", "a@x.io");
  SignInLimits elsewhere(*store.db);
  EXPECT_THROW(run([&] { return elsewhere.check("1.2.3.4", "a@x.io"); }), Problem);

  store.script("UPDATE sign_in_failure SET at = at - 1000");

  EXPECT_EQ(refusal("1.2.3.4", "a@x.io"), 0);
  run([&] { return limits.tidy(); });
}

TEST_P(LimitsTest, FailuresOfAClockThatWasAheadLockNobodyOut) {
  for (int i = 0; i < 10; ++i) fail("1.2.3.4", "a@x.io");

  store.script("UPDATE sign_in_failure SET at = at + 100000");

  EXPECT_EQ(refusal("1.2.3.4", "a@x.io"), 0);
}

TEST(LimitSubjects, AreNetworksOfOneCustomer) {
  EXPECT_EQ(SignInLimits::subject_of("1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(SignInLimits::subject_of("::ffff:1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(SignInLimits::subject_of("2001:db8:1:2::1"),
            SignInLimits::subject_of("2001:db8:1:2:ffff::9"));
  EXPECT_NE(SignInLimits::subject_of("2001:db8:1:2::1"), SignInLimits::subject_of("2001:db8:1:3::1"));
  EXPECT_EQ(SignInLimits::subject_of("nonsense"), "nonsense");
}

}  // namespace
}  // namespace antiphon::auth

#include "http/limits.h"

#include <gtest/gtest.h>

#include "http/testing.h"

namespace antiphon::http {
namespace {

using Clock = TokenBucket::Clock;

struct Asker {
  explicit Asker(std::string remote, std::string user = "") {
    request.remote = std::move(remote);
    if (!user.empty()) caller = testing::a_caller(Caller::Via::session, Role::user);
    caller.id = {user};
  }
  int ask(Limits& limits, Cost cost, Clock::time_point now) {
    Call call{.request = request, .stream = stream, .caller = caller};
    return limits.refuse_at(call, cost, now);
  }
  /// How many of `times` are let through.
  int passes(Limits& limits, Cost cost, Clock::time_point now, int times) {
    int passed = 0;
    for (int i = 0; i != times; ++i) passed += ask(limits, cost, now) == 0;
    return passed;
  }

  Request request;
  Caller caller;
  testing::StringStream stream;
};

TEST(Limits, StopAScriptThatTriesPasswords) {  // rows 85, 127
  Limits limits;
  Clock::time_point now{};
  now += std::chrono::hours(1);
  Asker attacker("6.6.6.6"), victim("9.9.9.9");

  EXPECT_EQ(attacker.passes(limits, Cost::hash, now, 30), 20);
  EXPECT_GE(attacker.ask(limits, Cost::hash, now), 1);
  EXPECT_EQ(victim.ask(limits, Cost::hash, now), 0);
  EXPECT_EQ(attacker.ask(limits, Cost::hash, now + std::chrono::seconds(3)), 0);
}

TEST(Limits, BoundTheHashesOfAll) {  // row 127
  Limits limits;
  Clock::time_point now{std::chrono::hours(1)};
  int passed = 0;
  for (int i = 0; i != 200; ++i)
    passed += Asker("6.6.6." + std::to_string(i)).ask(limits, Cost::hash, now) == 0;

  EXPECT_EQ(passed, 100);
}

TEST(Limits, AreOfAClassAndNotOfARoute) {  // row 128
  Limits limits;
  Clock::time_point now{std::chrono::hours(1)};
  Asker bob("1.1.1.1", "bob");

  EXPECT_EQ(bob.passes(limits, Cost::write_heavy, now, 100), 60);
  EXPECT_EQ(bob.ask(limits, Cost::read, now), 0);
}

TEST(Limits, FollowTheUserAndNotTheAddress) {
  Limits limits;
  Clock::time_point now{std::chrono::hours(1)};
  Asker office("1.1.1.1", "bob"), home("2.2.2.2", "bob"), alice("1.1.1.1", "alice");

  EXPECT_EQ(office.passes(limits, Cost::write_heavy, now, 60), 60);
  EXPECT_GT(home.ask(limits, Cost::write_heavy, now), 0);
  EXPECT_EQ(alice.ask(limits, Cost::write_heavy, now), 0);
}

TEST(Limits, TakeAnIpv6NetworkForOneStranger) {
  Limits limits;
  Clock::time_point now{std::chrono::hours(1)};
  int passed = 0;
  for (int i = 0; i != 100; ++i)
    passed += Asker("2001:db8::" + std::to_string(i)).ask(limits, Cost::hash, now) == 0;

  EXPECT_EQ(passed, 20);
  EXPECT_EQ(Asker("2001:db8:0:1::1").ask(limits, Cost::hash, now), 0);
}

TEST(Limits, LetATeamWork) {
  Limits limits;
  Clock::time_point now{std::chrono::hours(1)};
  // Twenty people reload six tabs of fifteen calls each, behind one address.
  for (int person = 0; person != 20; ++person) {
    Asker one("1.1.1.1", "user" + std::to_string(person));
    EXPECT_EQ(one.passes(limits, Cost::read, now, 6 * 15), 6 * 15);
    EXPECT_EQ(one.passes(limits, Cost::model, now, 12), 12);
  }
}

TEST(Limits, CanBeSwitchedOffAndNeverCountWhatIsFree) {
  Limits off({.scale = 0});
  Limits on;
  Clock::time_point now{std::chrono::hours(1)};
  Asker stranger("6.6.6.6");

  EXPECT_EQ(stranger.passes(off, Cost::hash, now, 1000), 1000);
  EXPECT_EQ(stranger.passes(on, Cost::free, now, 100'000), 100'000);
}

TEST(Limits, RememberABoundedNumberOfStrangers) {
  Limits limits({.most_buckets = 1600});
  Clock::time_point now{std::chrono::hours(1)};
  for (int i = 0; i != 20'000; ++i)
    Asker("10." + std::to_string(i % 250) + "." + std::to_string(i / 250) + ".1")
        .ask(limits, Cost::read, now + std::chrono::milliseconds(i));

  EXPECT_LE(limits.buckets(), 1600u);
  EXPECT_GE(limits.buckets(), 400u);
}

}  // namespace
}  // namespace antiphon::http

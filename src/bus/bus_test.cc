#include <gtest/gtest.h>

#include <mutex>

#include "bus/testing.h"
#include "store/test_store.h"

namespace antiphon::bus {
namespace {

TEST(BusBody, PartsComeBackAsTheyWere) {
  std::string body = joined({"user", "", R"({"a":"b c"})"});
  append(body, "last");
  EXPECT_EQ(parts_of(body), (std::vector<std::string_view>{"user", "", R"({"a":"b c"})", "last"}));
  EXPECT_EQ(parts_of(""), std::vector<std::string_view>{""});
  EXPECT_EQ(first_part(body), "user");
  EXPECT_EQ(first_part("alone"), "alone");
}

TEST(BusBody, ANumberIsAllOfItsPart) {
  EXPECT_EQ(number_in("1795000000000000001"), 1795000000000000001);
  for (std::string_view no : {"", "x", "1x", " 1", "99999999999999999999"})
    EXPECT_FALSE(number_in(no)) << no;
}

TEST(BusAlone, SaysNothingAndHearsNothing) {
  Bus bus({}, "deployment");
  bus.start();
  bus.company(1);
  bus.send("topic", "body");
  EXPECT_TRUE(bus.alone());
  EXPECT_FALSE(bus.hears());
  bus.stop();
}

TEST(BusTest, WhoComesIsKnownAndWhoIsAloneSaysNothing) {
  if (store::postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
  std::string deployment = random_hex(8);
  Replica first(deployment);
  store::eventually([&] { return first.missed == 1; });
  EXPECT_FALSE(first.bus.has_company());
  Replica second(deployment);
  store::eventually([&] { return first.bus.has_company() && second.missed == 1; });
  EXPECT_TRUE(first.bus.has_company());
  first.bus.send("other", "x");
  first.bus.send("word", "one");
  first.bus.send("word", "two");
  store::eventually([&] { return second.heard().size() == 2; });
  EXPECT_EQ(second.heard(), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(first.heard().empty());
  EXPECT_GE(first.missed, 2) << "what the other said before it was heard";
}

TEST(BusTest, WhoIsTakenForDeadIsSpokenToForAWhileAndComesBack) {
  if (store::postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
  std::string deployment = random_hex(8);
  Replica first(deployment), second(deployment);
  store::eventually([&] { return first.bus.has_company() && second.bus.has_company(); });
  first.bus.company(1);
  first.bus.company(0);
  first.bus.send("word", "while nobody is counted");
  store::eventually([&] { return second.heard().size() == 1; });
  EXPECT_EQ(second.heard().size(), 1U);
  int before = first.missed, own = second.missed;
  second.bus.came_back();
  EXPECT_EQ(second.missed, own + 1);
  store::eventually([&] { return first.missed > before; });
  EXPECT_GT(first.missed, before);
}

}  // namespace
}  // namespace antiphon::bus

#include "features/users/user_settings.h"

#include <gtest/gtest.h>

#include "base/problem.h"
#include "json/text.h"

namespace antiphon::users {
namespace {

bool everything(std::string_view) {
  return true;
}
std::string merged(std::string_view stored, std::string_view change,
                   std::function<bool(std::string_view)> permits = everything) {
  return json::serialize(merge_settings(json::parse_value(stored), json::parse_value(change), permits));
}

TEST(UserSettings, MembersOfUiArePatchedAndNullTakesThemAway) {
  EXPECT_EQ(merged("null", R"({"ui":{"system":"s","models":["a"]}})"),
            R"({"ui":{"system":"s","models":["a"]}})");
  EXPECT_EQ(
      merged(R"({"ui":{"system":"s","models":["a"]}})", R"({"ui":{"models":null,"version":"1"}})"),
      R"({"ui":{"system":"s","version":"1"}})");
  EXPECT_EQ(merged(R"({"ui":{"a":1}})", R"({"tools":{"valves":{}}})"),
            R"({"ui":{"a":1},"tools":{"valves":{}}})");
}

// U15
TEST(UserSettings, WhatIsNoSettingIsDropped) {
  EXPECT_EQ(merged("null", R"({"role":"admin","ui":{}})"), R"({"ui":{}})");
  EXPECT_EQ(merged("null", R"({"ui":null})"), R"({"ui":{}})");
  EXPECT_THROW(merged("null", R"({"ui":"text"})"), Problem);
}

// U15
TEST(UserSettings, TheyTakeNoMoreThan256KiB) {
  std::string big = R"({"ui":{"notes":")" + std::string(kMaxSettings, 'x') + "\"}}";
  EXPECT_THROW(merged("null", big), Problem);
  EXPECT_THROW(merged("null", "[]"), Problem);
}

TEST(UserSettings, WhatTheUserMayNotSetIsDropped) {
  auto nothing = [](std::string_view) { return false; };
  EXPECT_EQ(
      merged("null",
             R"({"ui":{"system":"s","chatBubble":true,"toolServers":[],"webhookUrl":"x","tools":[]}})",
             nothing),
      R"({"ui":{"tools":[]}})");
  auto no_system = [](std::string_view leaf) { return leaf != "chat.system_prompt"; };
  EXPECT_EQ(merged("null", R"({"ui":{"system":"s","chatBubble":true}})", no_system),
            R"({"ui":{"chatBubble":true}})");
}

}  // namespace
}  // namespace antiphon::users

#include "features/chats/testing.h"
#include "features/chats/zone.h"

namespace antiphon::chats {
namespace {

using namespace testing;

ANTIPHON_ON_ENGINES(ActivityTest);

TEST_P(ActivityTest, CountsDaysModelsTokensAndTools) {
  World w(GetParam());
  auto messages = exchange("12345", "1234567");
  messages[1]["model"] = "m1";
  std::string id = w.add("alice", "Chat", messages);
  w.add("bob", "Other");
  // 1 700 000 000 is Tuesday, 2023-11-14. Of what is no number, nothing counts.
  w.script(
      "UPDATE chat_message SET usage = '{\"input_tokens\":7,\"output_tokens\":3}', output = "
      "'[{\"type\":\"function_call\",\"name\":\"clock\"}]' WHERE role <> 'user' AND chat_id = '" +
      id + "'");
  w.script(
      "UPDATE chat_message SET usage = '{\"input_tokens\":\"x\",\"output_tokens\":-5}' "
      "WHERE role = 'user' AND chat_id = '" +
      id + "'");
  auto ask = [&](const std::string& query) {
    return w.ask(World::caller("alice"), "GET", "/api/v1/users/usage" + query);
  };

  Value found = ask("?end_date=1700086400&days=7").body;
  auto at = [&](std::initializer_list<std::string_view> path) {
    const Value* value = json::find(found, path);
    return value ? json::serialize(*value) : "–";
  };

  EXPECT_EQ(at({"totals", "messages"}), "2");
  EXPECT_EQ(at({"totals", "input_tokens"}), "7");
  EXPECT_EQ(at({"totals", "output_tokens"}), "3");
  EXPECT_EQ(at({"totals", "total_chats"}), "1");
  EXPECT_EQ(at({"totals", "active_days"}), "1");
  EXPECT_EQ(at({"totals", "current_streak"}), "1");
  EXPECT_EQ(at({"insights", "most_used_model"}), "\"m1\"");
  EXPECT_EQ(at({"top_tools"}), R"([{"name":"clock","count":1}])");
  const auto& days = json::find(found, "heatmap")->as_array();
  ASSERT_EQ(days.size(), 7u);
  EXPECT_EQ(json::serialize(days[5]),
            R"({"date":"2023-11-14","messages":2,"chats":1,"tokens":10,"models":{"m1":1}})");
  EXPECT_EQ(json::text_at(json::find(found, "weekly_heatmap")->as_array().back(), "date"),
            "2023-11-13");
  EXPECT_EQ(json::int_at(json::find(found, "cumulative_heatmap")->as_array().back(), "tokens"), 10);

  EXPECT_EQ(ask("?days=6").status, 422);
  EXPECT_EQ(
      json::find(ask("?start_date=-9223372036854775808&end_date=9223372036854775807").body, "heatmap")
          ->as_array()
          .size(),
      732u);
}

/// Sunday, 2023-10-29, has 25 hours in Berlin: 22:00 to 23:00 in UTC.
TEST_P(ActivityTest, DaysAreThoseOfTheUsersZone) {
  World w(GetParam());
  std::vector<Object> messages{message("u1", "", "user", "x"), message("a1", "u1", "assistant", "x"),
                               message("u2", "a1", "user", "x"), message("a2", "u2", "assistant", "x")};
  std::int64_t begins = 1698530400, ends = 1698620400;
  messages[0]["timestamp"] = begins - 1;
  messages[1]["timestamp"] = begins;
  messages[2]["timestamp"] = ends - 1;
  messages[3]["timestamp"] = ends;
  w.add("alice", "Chat", messages, "a2");
  auto days = [&](const std::string& zone) {
    w.script("UPDATE \"user\" SET timezone = '" + zone + "' WHERE id = 'alice'");
    Value found =
        w.ask(World::caller("alice"), "GET", "/api/v1/users/usage?end_date=1698700000&days=7").body;
    std::string out;
    for (const Value& day : json::find(found, "heatmap")->as_array())
      out += std::to_string(json::int_at(day, "messages")) + "/" +
             std::to_string(json::int_at(day, "chats")) + " ";
    return out;
  };

  EXPECT_EQ(days("Europe/Berlin"), "0/0 0/0 0/0 0/0 1/1 2/1 1/1 ");
  EXPECT_EQ(days("UTC"), "0/0 0/0 0/0 0/0 2/1 2/1 0/0 ");
  for (const char* unknown : {"", "Mars/Olympus", "../../etc/passwd"})
    EXPECT_EQ(days(unknown), days("UTC")) << unknown;
}

TEST(Zone, ADayMayBeShorterAndBeginLate) {
  Zone berlin("Europe/Berlin"), sao_paulo("America/Sao_Paulo"), unknown("Mars/Olympus");
  constexpr std::int64_t kHour = 3600, spring = 19813, november = 17839;  // 2024-03-31, 2018-11-04

  EXPECT_EQ(berlin.begin_of(spring + 1) - berlin.begin_of(spring), 23 * kHour);
  EXPECT_EQ(berlin.stretches(berlin.begin_of(spring), berlin.begin_of(spring + 1)).size(), 2u);
  EXPECT_EQ(sao_paulo.begin_of(november), november * Zone::kDay + 3 * kHour) << "there is no midnight";
  EXPECT_EQ(sao_paulo.day_of(sao_paulo.begin_of(november)), november);
  EXPECT_EQ(sao_paulo.day_of(sao_paulo.begin_of(november) - 1), november - 1);
  EXPECT_EQ(unknown.begin_of(spring), spring * Zone::kDay);
  EXPECT_EQ(unknown.stretches(5, 7).size(), 1u);
}

}  // namespace
}  // namespace antiphon::chats

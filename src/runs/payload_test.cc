#include "runs/payload.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <vector>

#include "json/text.h"

namespace antiphon::runs {
namespace {

json::Value delta(std::string_view kind, std::string_view text) {
  return json::Object{{"type", "response:completion"},
                      {"data", json::Object{{"item_id", "msg_1"},
                                            {"output_index", 2},
                                            {"content_index", 0},
                                            {"delta", text},
                                            {"type", kind}}}};
}

json::Array there_and_back(const std::vector<json::Value>& events) {
  return events_of(payload_of(events));
}

TEST(Payload, TextIsStoredWithoutItsEnvelope) {
  std::vector<json::Value> events{delta("response.output_text.delta", "so \"far\"\n"),
                                  delta("response.reasoning_text.delta", "hm")};
  EXPECT_EQ(payload_of(events), R"([["t","msg_1",2,0,"so \"far\"\n"],["r","msg_1",2,0,"hm"]])");
}

TEST(Payload, ACursorStandsBehindTheEventsAndIsNone) {
  std::vector<json::Value> events{delta("response.output_text.delta", "x")};
  std::string row = payload_of(events, "{\"seen\":7}");
  EXPECT_EQ(row, R"([["t","msg_1",2,0,"x"],["c","{\"seen\":7}"]])");
  std::string cursor = "before";
  EXPECT_EQ(events_of(row, &cursor).size(), 1u);
  EXPECT_EQ(cursor, R"({"seen":7})");
  EXPECT_EQ(events_of(payload_of(events), &cursor).size(), 1u);
  EXPECT_EQ(cursor, R"({"seen":7})") << "a row without one changes nothing";
  (void)events_of(payload_of(events, ""), &cursor);
  EXPECT_EQ(cursor, "");
}

TEST(Payload, EveryEventComesBackAsItWas) {
  json::Value more = delta("response.output_text.delta", "x");
  more.as_object()["data"].as_object()["obfuscation"] = "y";
  json::Value less = delta("response.output_text.delta", "x");
  less.as_object()["data"].as_object().erase("content_index");
  json::Value outer = delta("response.output_text.delta", "x");
  outer.as_object()["at"] = 1;
  std::vector<json::Value> events{
      delta("response.output_text.delta", ""),
      delta("response.output_text.delta", "\u00fc \U0001F600 \\ \x01"),
      delta("response.reasoning_text.delta", "hm"),
      delta("response.function_call_arguments.delta", "{\"a\""),
      more,
      less,
      outer,
      json::Object{{"type", "chat:completion"}, {"data", json::Object{{"done", true}}}},
      json::Object{{"type", "response:completion"}, {"data", nullptr}},
      "text",
      nullptr,
  };
  EXPECT_EQ(json::Value(there_and_back(events)),
            json::Value(json::Array(events.begin(), events.end())));
}

TEST(Payload, NoEventIsAnEmptyList) {
  EXPECT_EQ(payload_of({}), "[]");
  EXPECT_TRUE(events_of("[]").empty());
}

/// Positions count an event of a row, so one that cannot be read must not move those behind it.
TEST(Payload, WhatCannotBeReadKeepsItsPlace) {
  for (std::string_view odd :
       {R"(["z","msg_1",0,0,"x"])", R"(["t","msg_1",0])", "[]", R"([5,1,2,3,4])"}) {
    json::Array events = events_of("[" + std::string(odd) + R"(,{"type":"chat:tags"}])");
    ASSERT_EQ(events.size(), 2U) << odd;
    EXPECT_TRUE(events[0].is_null()) << odd;
    EXPECT_EQ(json::text_at(events[1], "type"), "chat:tags") << odd;
  }
  for (std::string_view odd : {"", "{}", "null", "[1", "\"t\""})
    EXPECT_TRUE(events_of(odd).empty()) << odd;
}

}  // namespace
}  // namespace antiphon::runs

#include "runs/output.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antiphon::runs {
namespace {

json::Value delta(std::string_view item, int index, std::string_view text,
                  std::string_view type = "response.output_text.delta") {
  return json::Object{{"type", "response:completion"},
                      {"data", json::Object{{"type", type},
                                            {"item_id", item},
                                            {"output_index", index},
                                            {"content_index", 0},
                                            {"delta", text}}}};
}

TEST(Output, DeltasOfOneItemJoinAndOfTwoDoNot) {
  Output out;
  out.apply(delta("a", 0, "Ky"));
  out.apply(delta("a", 0, "rie"));
  out.apply(delta("b", 1, "Gloria"));
  EXPECT_EQ(out.items().size(), 2u);
  EXPECT_EQ(out.text(), "Kyrie\nGloria");
}

TEST(Output, ASnapshotReplacesWhatWasThere) {
  Output out;
  out.apply(delta("a", 0, "half"));
  out.apply(json::parse_value(
      R"({"type":"chat:completion","data":{"output":[{"type":"message","id":"a","content":[{"type":"output_text","text":"whole"}]}],"done":true}})"));
  EXPECT_EQ(out.text(), "whole");
  EXPECT_TRUE(out.done());
}

TEST(Output, MergedDeltasFoldToTheSameTextAsSingleOnes) {
  json::Value first = delta("a", 0, "one ");
  EXPECT_TRUE(merge_delta(first, delta("a", 0, "two ")));
  EXPECT_TRUE(merge_delta(first, delta("a", 0, "three")));
  EXPECT_FALSE(merge_delta(first, delta("b", 1, "x")));
  EXPECT_FALSE(merge_delta(first, delta("a", 0, "x", "response.reasoning_text.delta")));
  Output out;
  out.apply(first);
  EXPECT_EQ(out.text(), "one two three");
}

TEST(Output, OddEventsAreHarmless) {
  Output out;
  for (
      std::string_view text :
      {"null", "{}", R"({"type":"response:completion"})",
       R"({"type":"response:completion","data":{"type":"response.output_text.delta","output_index":-5,"delta":7}})",
       R"({"type":"response:completion","data":{"type":"response.output_text.delta","output_index":99999999,"content_index":-1,"delta":"x"}})",
       R"({"type":"chat:completion","data":{"output":[1,null,{"type":"message","content":"no list"}]}})"})
    out.apply(json::parse_value(text));
  EXPECT_LE(out.items().size(), 2u);
}

TEST(Output, WhatWasStoppedIsMarkedIncomplete) {
  Output out;
  out.apply(delta("a", 0, "half"));
  out.close_items("incomplete");
  EXPECT_EQ(json::text_at(out.items()[0], "status"), "incomplete");
}

}  // namespace
}  // namespace antiphon::runs

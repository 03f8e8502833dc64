#include "features/openai/anthropic.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/problem.h"

namespace antiphon::openai {
namespace {

TEST(FromAnthropic, SaysTheSameInOpenAisShape) {
  json::Object out = from_anthropic(
      json::parse_value(R"({"model":"m","max_tokens":9,"stream":true,"system":[{"type":"text",
    "text":"be brief"}],"stop_sequences":["a"],"tool_choice":{"type":"any"},
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"}},{"type":"web_search","name":"w"}],
    "messages":[{"role":"user","content":"hi"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"call"},
        {"type":"tool_use","id":"t1","name":"f","input":{"x":1}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"42"}]},
        {"type":"text","text":"and?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}}]}]})"));

  EXPECT_EQ(
      json::serialize(out["messages"]),
      R"([{"role":"system","content":"be brief"},{"role":"user","content":"hi"},)"
      R"({"role":"assistant","content":"call","tool_calls":[{"id":"t1","type":"function","function":{"name":"f",)"
      R"("arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"t1","content":"42"},)"
      R"({"role":"user","content":[{"type":"text","text":"and?"},)"
      R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}])");
  EXPECT_EQ(
      json::serialize(out["tools"]),
      R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}])");
  EXPECT_EQ(json::serialize(out["tool_choice"]), R"("required")");
  EXPECT_EQ(json::serialize(out["stop"]), R"(["a"])");
  EXPECT_EQ(json::serialize(out["max_tokens"]), "9");
  EXPECT_THROW(from_anthropic(json::parse_value("{}")), Problem);
}

TEST(ToAnthropic, AnAnswerBecomesAMessage) {
  json::Value out = to_anthropic(
      json::parse_value(R"({"choices":[{"finish_reason":"tool_calls","message":{"content":"hi",
    "reasoning_content":"hm","tool_calls":[{"id":"t","function":{"name":"f","arguments":"{\"x\":1}"}}]}}],
    "usage":{"prompt_tokens":3,"completion_tokens":4}})"),
      "m", "msg_1");
  EXPECT_EQ(json::text_at(out, "stop_reason"), "tool_use");
  EXPECT_EQ(json::serialize(*json::find(out, "content")),
            R"([{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"hi"},)"
            R"({"type":"tool_use","id":"t","name":"f","input":{"x":1}}])");
  EXPECT_EQ(json::serialize(*json::find(out, "usage")), R"({"input_tokens":3,"output_tokens":4})");
}

TEST(AnthropicEvents, BlocksOpenAndCloseInOrder) {
  AnthropicEvents events("msg_1", "m");
  std::string all = events.begin();
  for (const char* delta :
       {R"({"reasoning_content":"hm"})", R"({"content":"a"})", R"({"content":"b"})",
        R"({"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":""}}]})",
        R"({"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]})",
        R"({"tool_calls":[{"index":1,"id":"u","function":{"name":"g","arguments":"{}"}}]})"})
    all += events.take(json::parse_value(R"({"choices":[{"delta":)" + std::string(delta) + "}]}"));
  all += events.take(json::parse_value(
      R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})"));
  all += events.end();

  std::string names;
  for (std::size_t at = all.find("event: "); at != std::string::npos;
       at = all.find("event: ", at + 1)) {
    std::string name = all.substr(at + 7, all.find('\n', at) - at - 7);
    names += name.substr(name.rfind('_') + 1) + " ";
  }
  EXPECT_EQ(
      names,
      "start start delta stop start delta delta stop start delta stop start delta stop delta stop ");
  EXPECT_NE(all.find(R"("stop_reason":"tool_use")"), std::string::npos);
  EXPECT_NE(all.find(R"("usage":{"input_tokens":1,"output_tokens":2})"), std::string::npos);
}

/// Each block as "type id name: arguments or text", its stop, and the reason at the end.
std::string told(const std::vector<std::string>& deltas) {
  AnthropicEvents events("msg_1", "m");
  std::string all, out;
  for (const std::string& delta : deltas)
    all += events.take(json::parse_value(R"({"choices":[{"delta":)" + delta + "}]}"));
  all += events.end();
  for (std::size_t at = all.find("data: "); at != all.npos; at = all.find("data: ", at + 1)) {
    json::Value data = json::parse_value(all.substr(at + 6, all.find('\n', at) - at - 6));
    std::string_view type = json::text_at(data, "type");
    if (const json::Value* block = json::find(data, "content_block"))
      out.append(json::text_at(*block, "name")).append(json::text_at(*block, "id")).append("(");
    if (const json::Value* delta = json::find(data, "delta"))
      for (const char* key : {"partial_json", "text", "thinking", "stop_reason"})
        out += json::text_at(*delta, key);
    if (type == "content_block_stop") out += ") ";
  }
  return out;
}

TEST(AnthropicEvents, CallsAreWholeHoweverTheirPiecesCome) {
  for (const std::vector<std::string>& deltas : std::vector<std::vector<std::string>>{
           {R"({"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{"}},
                              {"index":1,"id":"u","function":{"name":"g","arguments":"["}}]})",
            R"({"tool_calls":[{"index":0,"function":{"arguments":"}"}},
                              {"index":1,"function":{"arguments":"]"}}]})"},
           {R"({"tool_calls":[{"id":"t","function":{"name":"f","arguments":{}}}]})",
            R"({"tool_calls":[{"id":"u","function":{"name":"g","arguments":[]}}]})"},
           {R"({"tool_calls":[{"index":0,"id":"t"}]})",
            R"({"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]})",
            R"({"tool_calls":[7,{"index":0,"id":"u","function":{"name":"g","arguments":"[]"}}]})"}})
    EXPECT_EQ(told(deltas), "ft({}) gu([]) tool_use") << deltas.front();
  std::string nameless = told({R"({"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]})"});
  EXPECT_TRUE(nameless.starts_with("ftoolu_")) << nameless;
  EXPECT_EQ(told({R"({"thinking":"hm"})", R"({"content":"so"})"}), "(hm) (so) end_turn");
}

TEST(ToAnthropic, WhatProvidersLeaveOutIsAdded) {
  json::Value out =
      to_anthropic(json::parse_value(R"({"choices":[{"finish_reason":"stop","message":{"reasoning":"hm",
        "tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]}}]})"),
                   "m", "msg_1");
  EXPECT_EQ(json::text_at(out, "stop_reason"), "tool_use");
  const json::Array& content = *json::array_at(out, "content");
  ASSERT_EQ(content.size(), 2u);
  EXPECT_EQ(json::text_at(content[0], "thinking"), "hm");
  EXPECT_TRUE(json::text_at(content[1], "id").starts_with("toolu_"));
  EXPECT_EQ(json::serialize(*json::find(content[1], "input")), R"({"x":1})");
}

TEST(FromAnthropic, APictureFromAToolIsShownToTheModel) {
  json::Object out = from_anthropic(json::parse_value(
      R"({"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":
        [{"type":"text","text":"see"},{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]}]})"));
  EXPECT_EQ(json::serialize(out["messages"]),
            R"([{"role":"tool","tool_call_id":"t","content":"see"},{"role":"user","content":)"
            R"([{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}])");
  EXPECT_THROW(from_anthropic(json::parse_value(R"({"messages":[{"content":"hi"}]})")), Problem);
  EXPECT_THROW(from_anthropic(json::parse_value(R"({"messages":["hi"]})")), Problem);
}

TEST(AnthropicError, HasTheirTypesAndOurDetail) {
  EXPECT_EQ(
      json::serialize(to_anthropic_error(429, "slow down")),
      R"({"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"detail":"slow down"})");
  EXPECT_EQ(json::text_at(to_anthropic_error(400, "x").at("error"), "type"), "invalid_request_error");
  EXPECT_EQ(json::text_at(to_anthropic_error(502, "x").at("error"), "type"), "api_error");
}

}  // namespace
}  // namespace antiphon::openai

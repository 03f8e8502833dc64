#include "features/ollama/convert.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/problem.h"
#include "features/ollama/backend.h"

namespace antiphon::ollama {
namespace {

json::Value chat(std::string_view body) {
  return to_chat(json::parse_value(body).as_object(), "pebble:1b");
}

std::string text(const json::Value& value) {
  return json::serialize(value);
}

TEST(ModelsIn, NamesOfAnyLengthAreKeptAsTheyAre) {
  auto connection = std::make_shared<const models::Connection>(models::Connection{});
  std::string longest(512, 'n');
  for (const std::string& name :
       {std::string("a"), std::string("tiny-counter:latest"),
        std::string("hf.co/somebody/some-model-with-a-name-GGUF:Q4_K_M"), longest}) {
    json::Value tags =
        json::Object{{"models", json::Array{json::Object{{"model", name}, {"name", name}}}}};
    auto found = models_in(connection, tags, tags);
    ASSERT_EQ(found.size(), 1u) << name;
    EXPECT_EQ(found[0].id, name);
    EXPECT_EQ(found[0].upstream_id, name);
    EXPECT_EQ(json::text_at(found[0].shown, "name"), name);
    EXPECT_TRUE(json::bool_at(found[0].shown, "loaded"));
  }
}

TEST(ToChat, ParametersGoWhereOllamaLooksForThem) {
  json::Value out =
      chat(R"({"messages":[{"role":"user","content":"hi"}],"stream":true,"temperature":0.3,"num_ctx":7,
    "max_tokens":9,"stop":"a","seed":4,"keep_alive":"5m","think":true,"repeat_penalty":1.2,"foo":{"a":1},
    "tools":[{"type":"function"}],"model":"other","user":"u","stream_options":{"include_usage":true},
    "tool_choice":"auto","top_k":null})");

  EXPECT_EQ(json::text_at(out, "model"), "pebble:1b");
  EXPECT_EQ(
      text(*json::find(out, "options")),
      R"({"temperature":0.3,"num_ctx":7,"num_predict":9,"stop":["a"],"seed":4,"repeat_penalty":1.2,"foo":{"a":1}})");
  EXPECT_EQ(json::text_at(out, "keep_alive"), "5m");
  EXPECT_TRUE(json::bool_at(out, "think"));
  EXPECT_TRUE(json::bool_at(out, "stream"));
  EXPECT_TRUE(json::array_at(out, "tools"));
  for (const char* key :
       {"user", "stream_options", "tool_choice", "top_k", "temperature", "max_tokens"})
    EXPECT_FALSE(json::find(out, key)) << key;
}

TEST(ToChat, TheCallersOwnOptionsCountMost) {
  json::Value out =
      chat(R"({"messages":[],"temperature":0.3,"options":{"temperature":0.7,"num_gpu":1}})");
  EXPECT_EQ(text(*json::find(out, "options")), R"({"temperature":0.7,"num_gpu":1})");
}

TEST(ToChat, FormatAndEffortAreTranslated) {
  EXPECT_EQ(json::text_at(chat(R"({"response_format":{"type":"json_object"}})"), "format"), "json");
  json::Value schema =
      chat(R"({"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object"}}}})");
  EXPECT_EQ(text(*json::find(schema, "format")), R"({"type":"object"})");
  EXPECT_FALSE(json::find(chat(R"({"response_format":{"type":"text"}})"), "format"));
  EXPECT_EQ(json::text_at(chat(R"({"reasoning_effort":"high"})"), "think"), "high");
  EXPECT_EQ(text(*json::find(chat(R"({"reasoning_effort":"none"})"), "think")), "false");
  EXPECT_EQ(text(*json::find(chat(R"({"reasoning_effort":"high","think":false})"), "think")), "false");
}

TEST(ToMessages, PicturesBecomeBase64AndAddressesAreLeftOut) {
  json::Array in = json::parse_value(R"([{"role":"user","content":[{"type":"text","text":"look "},
    {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"here"},
    {"type":"image_url","image_url":{"url":"https://example.com/x.png"}},{"type":"image_url"},
    {"type":"image_url","image_url":"data:image/png;base64,BBBB"}]}])")
                       .as_array();
  EXPECT_EQ(text(to_messages(in)),
            R"([{"role":"user","content":"look here","images":["AAAA","BBBB"]}])");
}

TEST(ToMessages, ToolCallsAndTheirResultsKeepTogether) {
  json::Array in = json::parse_value(R"([
    {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function",
      "function":{"name":"clock","arguments":"{\"zone\":\"UTC\"}"}},{"id":"c2","function":{"name":"bad","arguments":"{"}}]},
    {"role":"tool","tool_call_id":"c1","content":"noon"},{"role":"developer","content":"be brief"}])")
                       .as_array();
  EXPECT_EQ(
      text(to_messages(in)),
      R"([{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"clock",)"
      R"("arguments":{"zone":"UTC"}}},{"function":{"name":"bad","arguments":{}}}]},)"
      R"({"role":"tool","content":"noon","tool_name":"clock"},{"role":"system","content":"be brief"}])");
}

std::vector<std::string> deltas(Mapper& mapper, std::string_view line) {
  std::vector<std::string> out;
  for (const json::Value& chunk : mapper.chunks(json::parse_value(line))) {
    const json::Value& choice = json::array_at(chunk, "choices")->front();
    out.push_back(text(*json::find(choice, "delta")) + " " +
                  text(*json::find(choice, "finish_reason")));
  }
  return out;
}

TEST(Mapper, LinesBecomeChunksWithReasoningTextAndAnEnd) {
  Mapper mapper("id", "m", 1);
  using Texts = std::vector<std::string>;

  EXPECT_EQ(
      deltas(mapper, R"({"message":{"role":"assistant","content":"","thinking":"r0"},"done":false})"),
      Texts{R"({"reasoning_content":"r0","role":"assistant"} null)"});
  EXPECT_EQ(deltas(mapper, R"({"message":{"content":"hi"},"done":false})"),
            Texts{R"({"content":"hi"} null)"});
  EXPECT_EQ(deltas(mapper, R"({"message":{"content":""},"done":false})"), Texts{});
  EXPECT_FALSE(mapper.done());
  auto last = mapper.chunks(json::parse_value(
      R"({"message":{"content":""},"done":true,"done_reason":"length","prompt_eval_count":30,"eval_count":2,
          "eval_duration":1000000000,"total_duration":61000000000})"));

  ASSERT_EQ(last.size(), 1u);
  EXPECT_TRUE(mapper.done());
  EXPECT_EQ(json::text_at(json::array_at(last[0], "choices")->front(), "finish_reason"), "length");
  const json::Value* usage = json::find(last[0], "usage");
  EXPECT_EQ(json::int_at(*usage, "prompt_tokens"), 30);
  EXPECT_EQ(json::int_at(*usage, "completion_tokens"), 2);
  EXPECT_EQ(json::int_at(*usage, "total_tokens"), 32);
  EXPECT_EQ(text(*json::find(*usage, "response_token/s")), "2");
  EXPECT_EQ(json::text_at(*usage, "approximate_total"), "0h1m1s");
}

TEST(Mapper, ToolCallsGetIdsNumbersAndTextArguments) {
  Mapper mapper("id", "m", 1);
  auto first = mapper.chunks(json::parse_value(
      R"({"message":{"tool_calls":[{"function":{"name":"clock","arguments":{"zone":"UTC"}}},
          {"function":{"name":"b","arguments":{}}}]},"done":false})"));
  ASSERT_EQ(first.size(), 1u);
  const json::Array& calls =
      *json::array_at(*json::find(json::array_at(first[0], "choices")->front(), "delta"), "tool_calls");
  EXPECT_EQ(json::text_at(*json::find(calls[0], "function"), "arguments"), R"({"zone":"UTC"})");
  EXPECT_EQ(json::int_at(calls[1], "index"), 1);
  EXPECT_FALSE(json::text_at(calls[0], "id").empty());
  EXPECT_NE(json::text_at(calls[0], "id"), json::text_at(calls[1], "id"));

  auto last = mapper.chunks(
      json::parse_value(R"({"message":{"content":""},"done":true,"done_reason":"stop"})"));
  EXPECT_EQ(json::text_at(json::array_at(last[0], "choices")->front(), "finish_reason"), "tool_calls");
}

TEST(Mapper, AnErrorLineIsAProblemInTheServersWords) {
  Mapper mapper("id", "m", 1);
  try {
    mapper.chunks(json::parse_value(R"({"error":"out of memory"})"));
    ADD_FAILURE();
  } catch (const Problem& p) {
    EXPECT_EQ(p.detail(), "out of memory");
    EXPECT_EQ(p.kind(), Problem::Kind::upstream);
  }
}

TEST(ToCompletion, AWholeAnswerSaysTheSame) {
  json::Value out = to_completion(
      json::parse_value(
          R"({"message":{"content":"hi","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{}}}]},
                            "done":true,"eval_count":2,"prompt_eval_count":3})"),
      "id", "m", 1);
  const json::Value& choice = json::array_at(out, "choices")->front();
  EXPECT_EQ(json::text_at(choice, "finish_reason"), "tool_calls");
  EXPECT_EQ(json::text_at(*json::find(choice, "message"), "content"), "hi");
  EXPECT_EQ(json::text_at(*json::find(choice, "message"), "reasoning_content"), "hm");
  EXPECT_EQ(json::int_at(*json::find(out, "usage"), "total_tokens"), 5);
}

}  // namespace
}  // namespace antiphon::ollama

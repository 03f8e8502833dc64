#include "features/openai/responses.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/problem.h"

namespace antiphon::openai {
namespace {

using models::Connection;

Connection connection() {
  return {.kind = models::Kind::openai, .url = "https://h/v1", .type = "external", .responses = true};
}

std::string request(std::string_view body) {
  return json::serialize(to_responses(json::parse_value(body).as_object(), connection(), "m"));
}

TEST(ToResponses, MessagesBecomeItemsAndTheFirstSystemPromptInstructions) {
  EXPECT_EQ(
      request(R"({"messages":[
      {"role":"system","content":"Be brief."},
      {"role":"user","content":"Hi"},
      {"role":"assistant","content":"Hello","reasoning_content":"hm"},
      {"role":"system","content":"Now French."}]})"),
      R"({"model":"m","instructions":"Be brief.","input":[)"
      R"({"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]},)"
      R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]},)"
      R"({"type":"message","role":"system","content":[{"type":"input_text","text":"Now French."}]}],)"
      R"("store":false})");
}

TEST(ToResponses, PicturesAndFilesAreParts) {
  EXPECT_EQ(request(R"({"messages":[{"role":"user","content":[
      {"type":"text","text":"What?"},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},
      {"type":"file","file":{"filename":"a.pdf","file_data":"data:x"}},
      {"type":"of another world"},{"type":"image_url"},7]}]})"),
            R"({"model":"m","input":[{"type":"message","role":"user","content":[)"
            R"({"type":"input_text","text":"What?"},)"
            R"({"type":"input_image","image_url":"data:image/png;base64,AA","detail":"auto"},)"
            R"({"filename":"a.pdf","file_data":"data:x","type":"input_file"}]}],"store":false})");
}

TEST(ToResponses, CallsAndTheirResultsAreItemsOfTheirOwn) {
  EXPECT_EQ(
      request(R"({"messages":[
      {"role":"assistant","content":"","tool_calls":[
        {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
      {"role":"tool","tool_call_id":"c1","content":"42"}],
      "tools":[{"type":"function","function":{"name":"f","parameters":{}}},{"type":"web_search"}],
      "tool_choice":{"type":"function","function":{"name":"f"}}})"),
      R"({"model":"m","input":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":""}]},)"
      R"({"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},)"
      R"({"type":"function_call_output","call_id":"c1","output":"42"}],)"
      R"("tools":[{"name":"f","parameters":{},"type":"function","strict":false},{"type":"web_search"}],)"
      R"("tool_choice":{"name":"f","type":"function"},"store":false})");
}

TEST(ToResponses, ParametersGetTheirNamesThereAndTheUnknownOnesStay) {
  EXPECT_EQ(
      request(R"({"messages":[],"max_tokens":9,"reasoning_effort":"low","temperature":0.5,
      "stop":["x"],"seed":1,"stream_options":{},"continue_final_message":true,"chat_id":"c",
      "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}}})"),
      R"({"temperature":0.5,"model":"m","input":[],"max_output_tokens":9,)"
      R"("reasoning":{"effort":"low"},"text":{"format":{"name":"n","schema":{},"type":"json_schema"}},)"
      R"("store":false})");
}

json::Value event(std::string_view text) {
  return json::parse_value(text);
}

std::string chunk_of(ResponseEvents& events, std::string_view text) {
  auto chunk = events.take(event(text));
  if (!chunk) return "";
  const json::Array& choices = chunk->as_object()["choices"].as_array();
  return choices.empty() ? "[]" : json::serialize(choices[0].as_object().at("delta"));
}

TEST(ResponseEvents, AreChunksOfTheSame) {
  ResponseEvents events(true);
  EXPECT_EQ(
      chunk_of(events, R"({"type":"response.created","sequence_number":0,"response":{"id":"r"}})"),
      "[]");
  EXPECT_EQ(events.id(), "r");
  EXPECT_EQ(
      chunk_of(events, R"({"type":"response.in_progress","sequence_number":1,"response":{"id":"x"}})"),
      "");
  EXPECT_EQ(
      chunk_of(events,
               R"({"type":"response.reasoning_summary_text.delta","sequence_number":2,"delta":"hm"})"),
      R"({"reasoning_content":"hm"})");
  EXPECT_EQ(
      chunk_of(events, R"({"type":"response.output_text.delta","sequence_number":3,"delta":"Hi"})"),
      R"({"content":"Hi"})");
  EXPECT_EQ(chunk_of(events, R"({"type":"response.of_tomorrow","sequence_number":4})"), "");
  EXPECT_EQ(
      chunk_of(events,
               R"({"type":"response.function_call_arguments.delta","sequence_number":5,"delta":"{"})"),
      "");
  EXPECT_EQ(
      chunk_of(events, R"({"type":"response.output_item.done","sequence_number":6,"output_index":2,
      "item":{"type":"function_call","id":"i","call_id":"c","name":"f","arguments":"{}"}})"),
      R"({"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"index":2}]})");
  EXPECT_EQ(events.seen(), 6);
  auto last = events.take(
      event(R"({"type":"response.completed","sequence_number":7,"response":{"status":"completed",
      "usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5,"output_tokens_details":{"reasoning_tokens":1},
               "input_tokens_details":{"cached_tokens":-4}}}})"));
  ASSERT_TRUE(last);
  EXPECT_EQ(
      json::serialize(*json::find(*last, "usage")),
      R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"completion_tokens_details":{"reasoning_tokens":1}})");
  EXPECT_EQ(json::text_at(last->as_object()["choices"].as_array()[0], "finish_reason"), "tool_calls");
  EXPECT_TRUE(events.ended());
  EXPECT_EQ(events.seen(), 6) << "the end can be told again";
}

TEST(ResponseEvents, WhatWasSeenIsNotSaidTwice) {
  ResponseEvents events(true, "r", 5);
  EXPECT_EQ(
      chunk_of(events, R"({"type":"response.output_text.delta","sequence_number":5,"delta":"old"})"),
      "");
  EXPECT_EQ(
      chunk_of(events, R"({"type":"response.output_text.delta","sequence_number":6,"delta":"new"})"),
      R"({"content":"new"})");
  // Where numbers do not count, they are not looked at: some servers send the same with every event.
  ResponseEvents plain(false);
  for (int i = 0; i != 2; ++i)
    EXPECT_EQ(
        chunk_of(plain, R"({"type":"response.output_text.delta","sequence_number":0,"delta":"x"})"),
        R"({"content":"x"})");
}

TEST(ResponseEvents, AServerThatDoesNotCountCannotBeTakenUp) {
  for (std::string_view number : {R"("7")", "-1", "1.5", "1e300", "18446744073709551615", "null"}) {
    ResponseEvents events(true, "r", 3);
    (void)events.take(event(R"({"type":"response.output_text.delta","delta":"x","sequence_number":)" +
                            std::string(number) + "}"));
    EXPECT_EQ(events.seen(), -1) << number;
  }
}

std::string failure(std::string_view text) {
  ResponseEvents events(true);
  try {
    (void)events.take(event(text));
  } catch (const Problem& p) {
    return p.detail();
  }
  return "";
}

TEST(ResponseEvents, FailuresAreToldInTheServersWords) {
  EXPECT_EQ(
      failure(
          R"({"type":"response.failed","response":{"error":{"code":"server_error","message":"Too hot"}}})"),
      "Too hot");
  EXPECT_EQ(failure(R"({"type":"error","code":"x","message":"Slow down"})"), "Slow down");
  EXPECT_NE(failure(R"({"type":"response.failed"})"), "");
  EXPECT_NE(failure(R"({"type":"response.output_text.delta","delta":7})"), "");
  EXPECT_NE(failure(R"({"type":"response.output_item.done","item":[]})"), "");
  EXPECT_NE(failure(R"([])"), "");
}

TEST(ResponseEvents, AnIncompleteOneSaysWhy) {
  for (auto [why, reason] :
       {std::pair("max_output_tokens", "length"), {"content_filter", "content_filter"}}) {
    ResponseEvents events(false);
    auto last = events.take(
        event(R"({"type":"response.incomplete","response":{"incomplete_details":{"reason":")" +
              std::string(why) + R"("}}})"));
    ASSERT_TRUE(last);
    EXPECT_EQ(json::text_at(last->as_object()["choices"].as_array()[0], "finish_reason"), reason);
  }
}

TEST(FromResponse, IsAChatCompletion) {
  json::Value whole =
      from_response(event(R"({"id":"r","created_at":7,"model":"m","status":"completed","output":[
      {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
      {"type":"message","content":[{"type":"output_text","text":"Hi"}]},
      {"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"usage":{"input_tokens":1}})"));
  EXPECT_EQ(
      json::serialize(whole),
      R"({"id":"r","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":)"
      R"({"role":"assistant","content":"Hi","reasoning_content":"hm","tool_calls":[{"id":"c","type":"function",)"
      R"("function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1}})");
  EXPECT_THROW((void)from_response(event(R"({"status":"failed","error":{"message":"No"}})")), Problem);
  EXPECT_THROW((void)from_response(event(R"({"status":"completed"})")), Problem);
}

TEST(ResponseCursor, ComesBackAsItWasAndTellsNoAddress) {
  Connection c = connection();
  ResponseCursor cursor{server_mark(c), "resp_1", 17};
  EXPECT_EQ(cursor.text().find("https"), std::string::npos);
  auto back = ResponseCursor::parse(cursor.text());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->connection, server_mark(c));
  EXPECT_EQ(back->id, "resp_1");
  EXPECT_EQ(back->seen, 17);
  for (std::string_view odd : {"", "[]", R"({"at":"a","id":"r"})", R"({"at":"a","id":"","seen":1})"})
    EXPECT_FALSE(ResponseCursor::parse(odd)) << odd;
}

TEST(ResponsesAddress, IsOfTheConnectionsKind) {
  Connection c = connection();
  EXPECT_EQ(responses_address(c, "/r?stream=true"), "https://h/v1/responses/r?stream=true");
  c.url = "https://x.openai.azure.com";
  c.azure = true;
  c.api_version = "2025-04-01-preview";
  EXPECT_EQ(responses_address(c, ""),
            "https://x.openai.azure.com/openai/responses?api-version=2025-04-01-preview");
  EXPECT_EQ(responses_address(c, "/r?stream=true"),
            "https://x.openai.azure.com/openai/responses/r?stream=true&api-version=2025-04-01-preview");
}

}  // namespace
}  // namespace antiphon::openai

#include "features/openai/protocol.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/problem.h"

namespace antiphon::openai {
namespace {

using models::Connection;
using models::Kind;

std::shared_ptr<Connection> connection() {
  return std::make_shared<Connection>(
      Connection{.kind = Kind::openai, .index = 2, .url = "https://h/v1", .type = "external"});
}

TEST(Address, OrdinaryAndAzureServersAreAskedWhereTheyListen) {
  auto c = connection();
  EXPECT_EQ(address(*c, "chat/completions", "m"), "https://h/v1/chat/completions");
  EXPECT_EQ(list_address(*c), "https://h/v1/models");

  c->url = "https://x.openai.azure.com";
  c->azure = true;
  c->api_version = "2024-06-01";
  EXPECT_EQ(address(*c, "chat/completions", "my gpt/4"),
            "https://x.openai.azure.com/openai/deployments/my%20gpt%2F4/chat/"
            "completions?api-version=2024-06-01");
}

TEST(Prepare, WhatIsOursDoesNotLeave) {
  json::Object body =
      json::parse_value(R"({"model":"pp.m","messages":[],"metadata":{"user":"x"},"chat_id":"c",
    "session_id":"s","max_tokens":5,"temperature":1})")
          .as_object();
  prepare(body, *connection(), "m");
  EXPECT_EQ(json::serialize(body), R"({"model":"m","messages":[],"max_tokens":5,"temperature":1})");
}

TEST(Prepare, NewerModelsGetTheNameTheyWant) {
  json::Object body{{"max_tokens", 5}};
  prepare(body, *connection(), "o3-mini");
  EXPECT_EQ(json::serialize(body), R"({"model":"o3-mini","max_completion_tokens":5})");
  EXPECT_TRUE(reasons("openai/gpt-5"));
  EXPECT_FALSE(reasons("gpt-4o"));
  EXPECT_FALSE(reasons("foo1"));
}

TEST(ModelsIn, AListBecomesModelsWithPrefixTagsAndPlace) {
  auto c = connection();
  c->prefix = "pp";
  c->tags = {json::Object{{"name", "t"}}};
  auto models = models_in(
      c, json::parse_value(R"({"data":[{"id":"a","created":7,"owned_by":"x"},{"name":"no id"},"b",
                                                  {"id":"c","name":"Sea"}]})"));
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].id, "pp.a");
  EXPECT_EQ(models[0].upstream_id, "a");
  json::Value shown = models[0].shown;
  EXPECT_EQ(json::text_at(shown, "name"), "pp.a");
  EXPECT_EQ(json::text_at(shown, "owned_by"), "openai");
  EXPECT_EQ(json::int_at(shown, "urlIdx"), 2);
  EXPECT_EQ(json::int_at(shown, "created"), 7);
  EXPECT_EQ(json::text_at(*json::find(shown, "openai"), "owned_by"), "x");
  EXPECT_EQ(json::text_at(json::array_at(shown, "tags")->front(), "name"), "t");
  EXPECT_EQ(json::text_at(json::Value(models[1].shown), "name"), "Sea");
}

TEST(ModelsIn, AnythingButAListIsAProblem) {
  for (const char* text : {"{}", "null", R"({"data":{}})", R"("x")"})
    EXPECT_THROW(models_in(connection(), json::parse_value(text)), Problem) << text;
  EXPECT_TRUE(models_in(connection(), json::parse_value("[]")).empty());
}

TEST(ModelsIn, OpenAiItselfListsOnlyWhatChats) {
  auto c = connection();
  c->url = "https://api.openai.com/v1";
  auto models = models_in(
      c, json::parse_value(R"([{"id":"gpt-5"},{"id":"whisper-1"},{"id":"text-embedding-3-small"}])"));
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].id, "gpt-5");
}

TEST(ConfiguredModels, AreTheseAndNoOthers) {
  auto c = connection();
  c->model_ids = {"x", "y"};
  auto models = configured_models(c);
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[1].id, "y");
}

TEST(AsChunk, AWholeAnswerIsOneChunk) {
  json::Value chunk = as_chunk(json::parse_value(
      R"({"id":"i","object":"chat.completion","usage":{"total_tokens":3},"choices":[{"index":0,"message":{"role":"assistant",
          "content":"hi","tool_calls":[{"id":"c"}]},"finish_reason":"tool_calls"}]})"));
  const json::Value& choice = json::array_at(chunk, "choices")->front();
  EXPECT_EQ(json::text_at(chunk, "object"), "chat.completion.chunk");
  EXPECT_EQ(json::serialize(*json::find(choice, "delta")),
            R"({"role":"assistant","content":"hi","tool_calls":[{"id":"c","index":0}]})");
  EXPECT_EQ(json::text_at(choice, "finish_reason"), "tool_calls");
  EXPECT_TRUE(json::find(chunk, "usage"));
}

}  // namespace
}  // namespace antiphon::openai

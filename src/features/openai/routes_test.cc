#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "client/test_server.h"
#include "features/openai/openai.h"
#include "testing/models_app.h"

namespace antiphon::openai {
namespace {

using client::TestServer;
using Peer = TestServer::Peer;

/// A provider that lists two models and answers as the model's name says.
void provide(Peer& peer, std::vector<std::string>& heads, std::vector<json::Value>& bodies) {
  heads.push_back(peer.head);
  json::Value body = json::try_parse(peer.body).value_or(json::Value());
  bodies.push_back(body);
  std::string_view model = json::text_at(body, "model");
  constexpr std::string_view kJson = "Content-Type: application/json\r\n";
  if (peer.head.starts_with("GET /v1/models"))
    return peer.reply(200, R"({"data":[{"id":"good"},{"id":"secret"}]})", kJson);
  if (peer.head.starts_with("GET /models/sse")) {
    peer.begin_chunked("Content-Type: text/event-stream\r\n");
    peer.chunk("data: {\"model\":\"good\",\"status\":\"loaded\"}\n\n");
    return peer.send("0\r\n\r\n");
  }
  if (peer.head.starts_with("POST /v1/audio/speech"))
    return peer.reply(200, "sound", "Content-Type: audio/mpeg\r\n");
  if (peer.head.find(" /models") != std::string::npos && model != "refusing" && model != "locked")
    return peer.reply(200, R"({"success":true})", kJson);
  if (model == "locked") return peer.reply(401, R"({"error":{"message":"no key"}})", kJson);
  if (model == "refusing")
    return peer.reply(429, R"({"error":{"message":"slow down","code":429}})", kJson);
  if (peer.head.starts_with("GET /inner"))
    return peer.reply(200, "<html>inner page</html>", "Content-Type: text/html\r\n");
  if (model == "listing-errors")
    return peer.reply(400, R"([{"error":{"code":400,"message":"wrapped"}}])", kJson);
  if (model == "page") return peer.reply(200, "<html>a page</html>", "Content-Type: text/html\r\n");
  if (model == "whole" || model == "sick")
    return peer.reply(
        200,
        model == "sick" ? R"({"error":"sick"})" : R"( {"choices":[{"message":{"content":"whole"}}]})",
        "Content-Type: text/event-stream\r\n");
  if (model == "misnamed")
    return peer.reply(200, "data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n", kJson);
  if (model == "odd")
    return peer.reply(200,
                      "data: {\"error\":false,\"choices\":[{\"delta\":{\"content\":\"a\\ud83d\"}}]}\n\n"
                      "data: {\"error\":\"\",\"choices\":[{\"delta\":{\"content\":\"b\xc3\"}}]}\n\n"
                      "data: {\"choices\":[{\"delta\":{\"content\":\"c\\u0000\"},\"p\":-Infinity}]}\n\n"
                      "event: error\ndata: {\"message\":\"over\"}\n\n",
                      "Content-Type: text/event-stream\r\n");
  if (!json::bool_at(body, "stream"))
    return peer.reply(200, R"({"choices":[{"message":{"content":"whole"}}]})", kJson);
  peer.begin_chunked("Content-Type: text/event-stream\r\n");
  peer.chunk("data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\nda");
  if (model == "breaking") return peer.close();
  peer.chunk("ta: not json\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"two\"}}]}\n\n");
  if (model == "failing") peer.chunk("data: {\"error\":{\"message\":\"boom\"}}\n\n");
  peer.chunk("data: [DONE]\n\n");
  peer.send("0\r\n\r\n");
}

class OpenAiTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  OpenAiTest() : app(GetParam()), backend(*app.client, app.settings) {
    app.settings.openai_urls.set({server.url("/v1")});
    app.settings.openai_keys.set({"stored-key"});
    app.settings.list_seconds.set(3600);
    app.start(backend, backend);  // Ollama is off.
    add_routes(app.router, *app.models, backend, *app.client, *app.config);
    app.user("admin");
  }
  std::string ask(const std::string& model, bool stream = false) {
    return json::serialize(
        json::Object{{"model", model},
                     {"stream", stream},
                     {"messages", json::Array{json::Object{{"role", "user"}, {"content", "hi"}}}}});
  }
  /// What the backend's stream yields, with the Problem that ended it, if any.
  std::string streamed(const std::string& model) {
    std::string out;
    try {
      run([&]() -> Task<> {
        models::Target target = co_await app.models->resolve(app.user("admin"), "good");
        auto base = std::make_shared<models::BaseModel>(*target.base);
        base->upstream_id = model;
        target.base = base;
        auto chunks =
            co_await app.models->stream(target, json::Object{{"messages", json::Array()}}, {});
        while (auto chunk = co_await chunks->next())
          out += json::text_at(*json::find(json::array_at(*chunk, "choices")->front(), "delta"),
                               "content");
      });
    } catch (const Problem& p) {
      out += "!" + std::to_string(p.status()) + p.detail();
    }
    return out;
  }
  std::size_t asked(std::string_view path) {
    return static_cast<std::size_t>(std::count_if(
        heads.begin(), heads.end(), [&](auto& h) { return h.find(path) != std::string::npos; }));
  }

  std::vector<std::string> heads;
  std::vector<json::Value> bodies;
  TestServer server{[this](Peer& peer) { provide(peer, heads, bodies); }};
  testing::ModelsApp app;
  Backend backend;
};

INSTANTIATE_TEST_SUITE_P(, OpenAiTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(OpenAiTest, AStreamYieldsEveryChunkOnceAndPassesOverWhatIsNoJson) {
  EXPECT_EQ(streamed("good"), "onetwo");
  EXPECT_NE(heads.back().find("Authorization: Bearer stored-key"), std::string::npos);
  EXPECT_EQ(json::text_at(bodies.back(), "model"), "good");
}

TEST_P(OpenAiTest, WhatTheProviderSaysIsTold) {
  EXPECT_EQ(streamed("refusing"), "!429slow down");
  EXPECT_EQ(streamed("failing"), "onetwo!502boom");
  std::string broken = streamed("breaking");
  EXPECT_TRUE(broken.starts_with("one!502")) << broken;
}

TEST_P(OpenAiTest, AnAnswerIsKnownByItsBytesNotByItsName) {
  EXPECT_EQ(streamed("whole"), "whole");
  EXPECT_EQ(streamed("misnamed"), "one");
  EXPECT_EQ(streamed("sick"), "!502sick");
  EXPECT_EQ(streamed("page"), "!502The model's server sent an answer that cannot be read.");
}

TEST_P(OpenAiTest, WhatIsNoUnicodeCostsNoWord) {
  EXPECT_EQ(streamed("odd"), "a\uFFFDb\uFFFDc\uFFFD!502over");
  EXPECT_EQ(streamed("listing-errors"), "!400wrapped");
}

TEST_P(OpenAiTest, ProgramsGetTheProvidersBytes) {
  auto whole = app.post("admin", "/openai/chat/completions", ask("good"));
  EXPECT_EQ(whole.body, R"({"choices":[{"message":{"content":"whole"}}]})");
  auto stream = app.post("admin", "/openai/chat/completions", ask("good", true));
  EXPECT_NE(stream.body.find("data: not json"), std::string::npos);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n")) << stream.body;
}

// row 68
TEST_P(OpenAiTest, NoPathLeadsToAModelOneMayNotUse) {
  app.post("admin", "/api/v1/models/create",
           R"({"id":"door","base_model_id":"secret","name":"D","meta":{},"params":{},
               "access_grants":[{"principal_type":"user","principal_id":"*","permission":"read"}]})");
  for (const char* path : {"/openai/chat/completions", "/openai/responses", "/openai/embeddings",
                           "/api/embeddings", "/api/v1/embeddings"})
    for (const char* model : {"secret", "door", "nowhere"}) {
      auto reply = app.post("eve", path, ask(model));
      EXPECT_EQ(reply.status, 403) << path << model;
      EXPECT_EQ(reply.detail(), "Model not found") << path << model;
    }
  auto bypass = app.post("eve", "/openai/chat/completions?bypass_filter=true&url_idx=0", ask("secret"));
  EXPECT_EQ(bypass.status, 403);
  EXPECT_EQ(app.get("eve", "/openai/models/0").status, 401);
  EXPECT_EQ(app.get("eve", "/openai/models").body, R"({"data":[]})");
  EXPECT_EQ(asked("POST"), 0u) << "the provider was asked";
}

TEST_P(OpenAiTest, AdministratorsManageTheModelsOfAServer) {
  EXPECT_EQ(app.shown("admin").size(), 2u);
  auto first_line = [&] { return heads.back().substr(0, heads.back().find(" HTTP")); };

  EXPECT_EQ(app.get("admin", "/openai/models/0/catalog").body, R"({"success":true})");
  EXPECT_EQ(first_line(), "GET /models");
  EXPECT_NE(heads.back().find("Authorization: Bearer stored-key"), std::string::npos);
  EXPECT_EQ(app.post("admin", "/openai/models/0/load", R"({"model":"m","n":1})").status, 200);
  EXPECT_EQ(first_line(), "POST /models/load");
  EXPECT_EQ(json::int_at(bodies.back(), "n"), 1);
  EXPECT_EQ(app.call("admin", "DELETE", "/openai/models/0?model=a b").status, 200);
  EXPECT_EQ(first_line(), "DELETE /models?model=a%20b");
  EXPECT_NE(app.get("admin", "/openai/models/0/sse").body.find("loaded"), std::string::npos);
  heads.clear();
  app.shown("admin");
  EXPECT_EQ(asked("GET /v1/models"), 1u) << "the list is read anew after a change";

  EXPECT_EQ(app.post("admin", "/openai/models/0/unload", R"({"model":"locked"})").status, 502);
  EXPECT_EQ(app.post("admin", "/openai/models/0/unload", R"({"model":"locked"})").detail(), "no key");
  EXPECT_EQ(app.post("admin", "/openai/models/0/load", "{}").status, 422);
  EXPECT_EQ(app.post("admin", "/openai/models/9/load", R"({"model":"m"})").status, 404);
  EXPECT_EQ(app.get("admin", "/openai/models/0/download/status/1").status, 400);
  heads.clear();
  for (const char* path : {"load", "unload", "download"})
    EXPECT_EQ(app.post("eve", std::string("/openai/models/0/") + path, R"({"model":"m"})").status, 401);
  for (const char* path : {"catalog", "sse", "download/status/1"})
    EXPECT_EQ(app.get("eve", std::string("/openai/models/0/") + path).status, 401);
  app.settings.enable_openai.set(false);
  EXPECT_EQ(app.get("admin", "/openai/models/0/catalog").status, 503);
  EXPECT_TRUE(heads.empty());
}

TEST_P(OpenAiTest, TextIsSpokenForWhoMayHearIt) {
  auto reply = app.post("eve", "/openai/audio/speech", R"({"model":"tts-1","input":"Hi"})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "sound");
  EXPECT_EQ(json::text_at(bodies.back(), "input"), "Hi");
  heads.clear();
  json::Value permissions = app.access.everybody();
  permissions.as_object()["chat"].as_object()["tts"] = false;
  app.auth_settings.user_permissions.set(permissions);
  EXPECT_EQ(app.post("eve", "/openai/audio/speech", "{}").status, 403);
  EXPECT_EQ(app.post("", "/openai/audio/speech", "{}").status, 401);
  EXPECT_TRUE(heads.empty());
}

TEST_P(OpenAiTest, AnthropicsClientsAreToldOfAnErrorInTheirShape) {
  app.settings.openai_configs.set(
      json::Object{{"0", json::Object{{"model_ids", json::Array{"failing"}}}}});
  auto failed = app.post("admin", "/api/v1/messages", ask("failing", true));
  EXPECT_NE(failed.body.find(R"("text":"two")"), std::string::npos) << failed.body;
  EXPECT_NE(
      failed.body.find("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
                       "\"message\":\"boom\"}"),
      std::string::npos)
      << failed.body;
  EXPECT_EQ(failed.body.find("message_stop"), std::string::npos);
  EXPECT_EQ(json::serialize(*json::find(bodies.back(), "stream_options")), R"({"include_usage":true})");
}

// row 14
TEST_P(OpenAiTest, NothingIsPassedOnForStrangers) {
  for (const char* path :
       {"/openai/chat/completions", "/openai/responses", "/openai/embeddings", "/openai/anything"})
    EXPECT_EQ(app.post("", path, ask("good")).status, 401) << path;
  EXPECT_EQ(app.post("admin", "/openai/anything", "{}").status, 403) << "switched off unless asked for";
  EXPECT_TRUE(heads.empty());
}

// row 16
TEST_P(OpenAiTest, APageThatIsNoModelServersIsNotPassedOn) {
  app.settings.openai_passthrough.set(true);
  app.settings.openai_urls.set({server.url("")});
  auto reply = app.get("admin", "/openai/inner");
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.body.find("inner page"), std::string::npos);
  EXPECT_EQ(app.get("eve", "/openai/inner").status, 403) << "without a model: administrators only";
}

// row 16
TEST_P(OpenAiTest, OnlyHttpConnectionsAreTried) {
  for (const char* url : {"file:///etc/passwd", "gopher://127.0.0.1:1/", "http://u:p@h/", "ftp://h/"}) {
    std::string form = json::serialize(json::Object{{"url", url}, {"key", ""}});
    EXPECT_EQ(app.post("admin", "/openai/verify", form).status, 400) << url;
    std::string config = json::serialize(json::Object{{"OPENAI_API_BASE_URLS", json::Array{url}},
                                                      {"OPENAI_API_KEYS", json::Array{""}},
                                                      {"OPENAI_API_CONFIGS", json::Object()}});
    EXPECT_EQ(app.post("admin", "/openai/config/update", config).status, 400) << url;
  }
  std::string good = json::serialize(json::Object{{"url", server.url("/v1")}, {"key", "k"}});
  EXPECT_EQ(app.post("admin", "/openai/verify", good).status, 200);
  EXPECT_NE(app.post("eve", "/openai/verify", good).status, 200);
}

// row 13
TEST_P(OpenAiTest, AChangedUrlLosesItsKeyAndTheListIsAskedForAnew) {
  TestServer evil([this](Peer& peer) { provide(peer, heads, bodies); });
  EXPECT_EQ(app.shown("admin").size(), 2u);
  heads.clear();
  auto config = app.get("admin", "/openai/config").json();
  config.as_object()["OPENAI_API_BASE_URLS"] = json::Array{evil.url("/v1")};

  auto reply = app.post("admin", "/openai/config/update", json::serialize(config));

  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json::serialize(*json::find(reply.json(), "OPENAI_API_KEYS")), R"([""])");
  EXPECT_EQ(app.shown("admin").size(), 2u);
  EXPECT_EQ(asked("stored-key"), 0u);
  EXPECT_EQ(evil.requests(), 1);
}

TEST_P(OpenAiTest, ConfigurationIsTheAdministratorsAndKeepsItsShape) {
  EXPECT_NE(app.get("eve", "/openai/config").status, 200);
  auto reply =
      app.post("admin", "/openai/config/update",
               R"({"ENABLE_OPENAI_API":true,"OPENAI_API_BASE_URLS":["http://a/v1","http://b/v1"],
                            "OPENAI_API_KEYS":["x"],"OPENAI_API_CONFIGS":{"0":{"enable":false},"7":{"enable":true}}})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json::serialize(*json::find(reply.json(), "OPENAI_API_KEYS")), R"(["x",""])");
  EXPECT_EQ(json::serialize(*json::find(reply.json(), "OPENAI_API_CONFIGS")),
            R"({"0":{"enable":false}})");
  EXPECT_EQ(app.get("admin", "/openai/config").body, reply.body);
}

TEST_P(OpenAiTest, APresetsParametersReachTheProvider) {
  app.post(
      "admin", "/api/v1/models/create",
      R"({"id":"door","base_model_id":"good","name":"D","meta":{},"params":{"system":"SYS","temperature":0.5}})");
  app.post("admin", "/openai/chat/completions", ask("door"));
  EXPECT_EQ(json::text_at(bodies.back(), "model"), "good");
  EXPECT_EQ(json::text_at(json::array_at(bodies.back(), "messages")->front(), "content"), "SYS");
  EXPECT_EQ(json::serialize(*json::find(bodies.back(), "temperature")), "0.5");
}

}  // namespace
}  // namespace antiphon::openai

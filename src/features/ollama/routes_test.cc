#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "client/test_server.h"
#include "features/ollama/ollama.h"
#include "testing/models_app.h"

namespace antiphon::ollama {
namespace {

using client::TestServer;
using Peer = TestServer::Peer;

/// An Ollama with two models.
void provide(Peer& peer, std::vector<std::string>& heads, std::vector<json::Value>& bodies) {
  heads.push_back(peer.head);
  json::Value body = json::try_parse(peer.body).value_or(json::Value());
  bodies.push_back(body);
  constexpr std::string_view kJson = "Content-Type: application/json\r\n";
  auto to = [&](std::string_view start) { return peer.head.starts_with(start); };
  if (to("GET /api/tags"))
    return peer.reply(200, R"({"models":[{"model":"good:latest","size":1},{"model":"secret:1b"}]})",
                      kJson);
  if (to("GET /api/ps")) return peer.reply(200, R"({"models":[{"model":"good:latest"}]})", kJson);
  if (to("GET /api/version")) return peer.reply(200, R"({"version":"0.30.0"})", kJson);
  if (to("DELETE ") || to("POST /api/copy")) return peer.reply(200, "");
  if (to("POST /api/show")) return peer.reply(200, R"({"license":""})", kJson);
  if (!json::bool_at(body, "stream", true) || to("POST /v1/"))
    return peer.reply(200, R"({"message":{"content":"whole"},"done":true})", kJson);
  peer.begin_chunked("Content-Type: application/x-ndjson\r\n");
  if (to("POST /api/pull")) {
    peer.chunk("{\"status\":\"pulling\",\"completed\":1}\n");
    peer.chunk("{\"status\":\"success\"}\n");
  } else {
    peer.chunk("{\"message\":{\"thinking\":\"hm\"},\"done\":false}\n{\"message\":{\"con");
    peer.chunk("tent\":\"one\"},\"done\":false}\nnot json\n");
    peer.chunk("{\"message\":{\"content\":\"two\"},\"done\":true,\"eval_count\":2}\n");
  }
  peer.send("0\r\n\r\n");
}

class OllamaTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  OllamaTest() : app(GetParam()), backend(*app.client, app.settings) {
    app.settings.enable_openai.set(false);
    app.settings.enable_ollama.set(true);
    app.settings.ollama_urls.set({server.url("")});
    app.settings.list_seconds.set(3600);
    app.start(backend, backend);
    add_routes(app.router, *app.models, backend, *app.client, *app.config, "/tmp");
    app.user("admin");
  }
  std::size_t asked(std::string_view what) {
    return static_cast<std::size_t>(std::count_if(
        heads.begin(), heads.end(), [&](auto& h) { return h.find(what) != std::string::npos; }));
  }

  std::vector<std::string> heads;
  std::vector<json::Value> bodies;
  TestServer server{[this](Peer& peer) { provide(peer, heads, bodies); }};
  testing::ModelsApp app;
  Backend backend;
};

INSTANTIATE_TEST_SUITE_P(, OllamaTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(OllamaTest, ItsModelsAreListedAsClientsKnowThem) {
  json::Value list = app.get("admin", "/api/models").json();
  const json::Value& first = json::array_at(list, "data")->front();
  EXPECT_EQ(json::text_at(first, "id"), "good:latest");
  EXPECT_EQ(json::text_at(first, "owned_by"), "ollama");
  EXPECT_TRUE(json::bool_at(first, "loaded"));
  EXPECT_EQ(json::serialize(*json::find(first, {"ollama", "urls"})), "[0]");
  EXPECT_EQ(json::array_at(app.get("admin", "/ollama/api/tags").json(), "models")->size(), 2u);
  EXPECT_EQ(json::array_at(app.get("admin", "/ollama/v1/models").json(), "data")->size(), 2u);
  EXPECT_EQ(app.get("eve", "/ollama/api/tags").body, R"({"models":[]})");
}

TEST_P(OllamaTest, AStreamBecomesOpenAisChunks) {
  std::string reasoning, text, last;
  run([&]() -> Task<> {
    models::Target target = co_await app.models->resolve(app.user("admin"), "good:latest");
    json::Object body{{"messages", json::Array{json::Object{{"role", "user"}, {"content", "hi"}}}},
                      {"temperature", 1}};
    auto chunks = co_await app.models->stream(target, body, {});
    while (auto chunk = co_await chunks->next()) {
      const json::Value& choice = json::array_at(*chunk, "choices")->front();
      reasoning += json::text_at(*json::find(choice, "delta"), "reasoning_content");
      text += json::text_at(*json::find(choice, "delta"), "content");
      last = json::serialize(*chunk);
    }
  });
  EXPECT_EQ(reasoning, "hm");
  EXPECT_EQ(text, "onetwo");
  EXPECT_NE(last.find("\"completion_tokens\":2"), std::string::npos) << last;
  EXPECT_EQ(json::serialize(*json::find(bodies.back(), "options")), R"({"temperature":1})");
}

// row 68
TEST_P(OllamaTest, NoPathLeadsToAModelOneMayNotUse) {
  app.post("admin", "/api/v1/models/create",
           R"({"id":"door","base_model_id":"secret:1b","name":"D","meta":{},"params":{},
               "access_grants":[{"principal_type":"user","principal_id":"*","permission":"read"}]})");
  for (const char* path :
       {"/ollama/api/chat", "/ollama/api/generate", "/ollama/api/embed", "/ollama/api/embeddings",
        "/ollama/api/show", "/ollama/v1/chat/completions", "/ollama/v1/completions",
        "/ollama/v1/embeddings", "/ollama/v1/responses", "/ollama/v1/messages", "/ollama/api/chat/0",
        "/ollama/api/generate/0", "/ollama/v1/chat/completions/0", "/ollama/api/chat?url_idx=0",
        "/ollama/api/chat?bypass_filter=true"})
    for (const char* model : {"secret:1b", "door", "nowhere"}) {
      auto reply = app.post("eve", path, R"({"model":")" + std::string(model) + R"(","messages":[]})");
      EXPECT_EQ(reply.status, 403) << path << " " << model;
      EXPECT_EQ(reply.detail(), "Model not found") << path << " " << model;
    }
  EXPECT_EQ(asked("POST"), 0u) << "the server was asked";
}

TEST_P(OllamaTest, ProgramsGetTheServersLines) {
  auto reply = app.post("admin", "/ollama/api/chat", R"({"model":"good","messages":[]})");
  EXPECT_TRUE(reply.body.starts_with("{\"message\":{\"thinking\":\"hm\"}")) << reply.body;
  EXPECT_EQ(json::text_at(bodies.back(), "model"), "good:latest");
  EXPECT_EQ(
      app.post("admin", "/ollama/api/chat/0", R"({"model":"good:latest","stream":false,"messages":[]})")
          .body,
      R"({"message":{"content":"whole"},"done":true})");
  EXPECT_EQ(app.post("admin", "/ollama/api/chat/7", R"({"model":"good:latest","messages":[]})").status,
            404);
}

TEST_P(OllamaTest, APresetsParametersTakeOllamasShape) {
  app.post("admin", "/api/v1/models/create",
           R"({"id":"door","base_model_id":"good:latest","name":"D","meta":{},
               "params":{"system":"SYS","temperature":0.5,"num_ctx":9,"keep_alive":"5m"}})");
  app.post(
      "admin", "/ollama/api/chat",
      R"({"model":"door","stream":false,"options":{"temperature":1},"messages":[{"role":"user","content":"hi"}]})");
  const json::Value& body = bodies.back();
  EXPECT_EQ(json::int_at(*json::find(body, "options"), "temperature"), 1);
  EXPECT_EQ(json::int_at(*json::find(body, "options"), "num_ctx"), 9);
  EXPECT_EQ(json::text_at(body, "keep_alive"), "5m");
  EXPECT_EQ(json::text_at(json::array_at(body, "messages")->front(), "content"), "SYS");
}

TEST_P(OllamaTest, AdministratorsPullWithProgressAndDelete) {
  app.shown("admin");
  auto pulled = app.post("admin", "/ollama/api/pull", R"({"model":"new:1b"})");
  EXPECT_EQ(pulled.body, "{\"status\":\"pulling\",\"completed\":1}\n{\"status\":\"success\"}\n");
  std::size_t before = asked("GET /api/tags");
  app.shown("admin");
  EXPECT_EQ(asked("GET /api/tags"), before + 1) << "the list is asked for anew";

  EXPECT_EQ(app.call("admin", "DELETE", "/ollama/api/delete", R"({"model":"good:latest"})").body,
            "true");
  EXPECT_EQ(app.call("admin", "DELETE", "/ollama/api/delete", R"({"model":"nowhere"})").status, 404);
  EXPECT_EQ(app.post("admin", "/ollama/api/copy", R"({"source":"good:latest","destination":"x"})").body,
            "true");
  for (const char* path : {"/ollama/api/pull", "/ollama/api/create", "/ollama/api/copy"})
    EXPECT_NE(app.post("eve", path, R"({"model":"good:latest","source":"good:latest"})").status, 200)
        << path;
  EXPECT_NE(app.call("eve", "DELETE", "/ollama/api/delete", R"({"model":"good:latest"})").status, 200);
}

TEST_P(OllamaTest, VersionConfigurationAndVerification) {
  EXPECT_EQ(app.get("eve", "/ollama/api/version").body, R"({"version":"0.30.0"})");
  EXPECT_NE(app.get("eve", "/ollama/config").status, 200);
  auto verified =
      app.post("admin", "/ollama/verify", json::serialize(json::Object{{"url", server.url("")}}));
  EXPECT_EQ(verified.body, R"({"version":"0.30.0"})");
  EXPECT_EQ(app.post("admin", "/ollama/verify", R"({"url":"file:///etc/passwd"})").status, 400);
  auto changed = app.post(
      "admin", "/ollama/config/update",
      R"({"ENABLE_OLLAMA_API":false,"OLLAMA_BASE_URLS":["http://h:1"],"OLLAMA_API_CONFIGS":{"0":{"key":"k"}}})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(app.get("eve", "/ollama/api/version").body, R"({"version":false})");
  EXPECT_EQ(app.get("admin", "/ollama/api/tags").status, 503);
  // row 13
  auto moved =
      app.post("admin", "/ollama/config/update",
               R"({"OLLAMA_BASE_URLS":["http://evil:1"],"OLLAMA_API_CONFIGS":{"0":{"key":"k"}}})");
  EXPECT_EQ(json::text_at(*json::find(moved.json(), {"OLLAMA_API_CONFIGS", "0"}), "key"), "");
}

}  // namespace
}  // namespace antiphon::ollama

#include "features/evaluations/feedbacks.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "config/registry.h"
#include "features/evaluations/routes.h"
#include "http/testing.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::evaluations {
namespace {

using json::Object;
using json::Value;

struct World {
  explicit World(store::Engine engine) : store(engine, 2), feedbacks(*store.db) {
    registry.add(settings);
    config.emplace(*store.db, registry, nullptr);
    run([&] { return store::migrate(*store.db); });
    for (const char* name : {"alice", "bob", "root"}) store::add_user(store, name);
    add_routes(router, {.feedbacks = feedbacks,
                        .settings = settings,
                        .config = *config,
                        .permitted = [this](const User&, std::string_view name) -> Task<bool> {
                          co_return name != denied;
                        },
                        .may_export = [this] { return exports; }});
  }
  struct Reply {
    int status;
    Value body;
    std::string text;
  };
  Reply as(const std::string& name, std::string method, std::string path,
           std::optional<Value> body = {}) {
    http::Request request = http::testing::request(
        std::move(method), "/api/v1/evaluations" + path.substr(0, path.find('?')));
    if (auto at = path.find('?'); at != path.npos) {
      std::string rest = path.substr(at + 1);
      request.query.emplace(rest.substr(0, rest.find('=')), rest.substr(rest.find('=') + 1));
    }
    if (body) request.body = json::serialize(*body);
    Caller who{.via = name.empty() ? Caller::Via::nothing : Caller::Via::session,
               .role = name == "root" ? Role::admin : Role::user};
    who.id.value = name;
    http::testing::StringStream stream;
    auto response = http::testing::serve(router, std::move(request), who, &stream);
    std::string text = response ? response->body : stream.text_;
    return {response ? response->status : 200, json::try_parse(text).value_or(nullptr), text};
  }
  std::string rate(const std::string& name, std::string model, int rating = 1) {
    auto reply = as(name, "POST", "/feedback",
                    Object{{"type", "rating"},
                           {"data", Object{{"rating", rating}, {"model_id", model}, {"own", 7}}},
                           {"snapshot", Object{{"chat", Object{{"title", "t"}}}}}});
    EXPECT_EQ(reply.status, 200) << reply.text;
    return std::string(json::text_at(reply.body, "id"));
  }

  store::Store store;
  config::Registry registry;
  Settings settings;
  std::optional<config::Store> config;
  Feedbacks feedbacks;
  http::Router router;
  std::string denied;
  bool exports = true;
};

class FeedbacksTest : public ::testing::TestWithParam<store::Engine> {};
INSTANTIATE_TEST_SUITE_P(Engines, FeedbacksTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& engine) { return store::engine_name(engine.param); });

TEST_P(FeedbacksTest, AreKeptAndChanged) {
  World w(GetParam());
  std::string id = w.rate("alice", "m");

  Value first = w.as("alice", "GET", "/feedback/" + id).body;
  EXPECT_EQ(
      json::serialize(*json::find(first, "data")),
      R"({"rating":1,"model_id":"m","own":7,"sibling_model_ids":null,"reason":null,"comment":null})");
  EXPECT_EQ(json::text_at(first, "user_id"), "alice");
  auto reply = w.as("alice", "POST", "/feedback/" + id,
                    Object{{"type", "rating"}, {"data", Object{{"rating", -1}, {"model_id", "n"}}}});
  EXPECT_EQ(json::int_at(*json::find(reply.body, "data"), "rating"), -1);
  EXPECT_EQ(json::int_at(reply.body, "version"), 1);
  EXPECT_NE(json::find(reply.body, {"snapshot", "chat"}), nullptr);  // What is not sent stays.
  EXPECT_EQ(json::serialize(w.as("root", "GET", "/feedbacks/models").body), R"(["n"])");
  EXPECT_EQ(w.as("alice", "DELETE", "/feedback/" + id).text, "true");
  EXPECT_EQ(w.as("alice", "GET", "/feedback/" + id).status, 404);
  EXPECT_EQ(w.as("alice", "POST", "/feedback", Object{{"type", "rating"}, {"data", 5}}).status, 422);
}

TEST_P(FeedbacksTest, OfOthersLookLikeNone) {  // row 69
  World w(GetParam());
  std::string id = w.rate("alice", "m");
  for (std::string method : {"GET", "POST", "DELETE"}) {
    std::optional<Value> body;
    if (method == "POST") body = Object{{"type", "rating"}};
    EXPECT_EQ(w.as("bob", method, "/feedback/" + id, body).status, 404);
    EXPECT_EQ(w.as("bob", method, "/feedback/" + id, body).text,
              w.as("bob", method, "/feedback/nowhere", body).text);
    EXPECT_EQ(w.as("", method, "/feedback/" + id, body).status, 401);
  }
  EXPECT_EQ(w.as("root", "GET", "/feedback/" + id).status, 200);
  EXPECT_EQ(json::int_at(w.as("bob", "GET", "/feedbacks/user").body, "total"), 0);
  EXPECT_EQ(w.as("bob", "DELETE", "/feedbacks").text, "false");
  EXPECT_EQ(w.as("alice", "GET", "/feedback/" + id).status, 200);
}

TEST_P(FeedbacksTest, AreListedInPagesToAdministratorsOnly) {
  World w(GetParam());
  for (int i = 0; i != 35; ++i) w.rate("alice", i % 2 ? "odd" : "even");
  w.store.script("UPDATE \"user\" SET name = 'Alice' WHERE id = 'alice'");

  Value first = w.as("root", "GET", "/feedbacks/list?page=1").body;
  EXPECT_EQ(json::int_at(first, "total"), 35);
  EXPECT_EQ(json::array_at(first, "items")->size(), 30u);
  const Value& line = json::array_at(first, "items")->front();
  EXPECT_EQ(json::text_at(*json::find(line, "user"), "name"), "Alice");
  EXPECT_EQ(json::find(line, "snapshot"), nullptr);
  EXPECT_EQ(json::array_at(w.as("root", "GET", "/feedbacks/list?page=2").body, "items")->size(), 5u);
  EXPECT_EQ(json::int_at(w.as("root", "GET", "/feedbacks/list?model_id=odd").body, "total"), 17);
  EXPECT_EQ(json::int_at(w.as("alice", "GET", "/feedbacks/user").body, "total"), 35);
  EXPECT_EQ(w.as("root", "GET", "/feedbacks/all/ids").body.as_array().size(), 35u);
  EXPECT_EQ(w.as("root", "GET", "/feedbacks/all/export").body.as_array().size(), 35u);
  EXPECT_EQ(w.as("root", "GET", "/feedbacks/all/export?model_id=none").text, "[]");
  for (std::string path : {"/feedbacks/list", "/feedbacks/all/ids", "/feedbacks/all/export",
                           "/feedbacks/models", "/leaderboard", "/config"})
    EXPECT_EQ(w.as("alice", "GET", path).status, 401) << path;
  EXPECT_EQ(w.as("alice", "DELETE", "/feedbacks/all").status, 401);
  w.exports = false;
  EXPECT_EQ(w.as("root", "GET", "/feedbacks/all/export").status, 401);
  EXPECT_EQ(w.as("root", "DELETE", "/feedbacks/all").text, "true");
  EXPECT_EQ(w.as("root", "DELETE", "/feedbacks/all").text, "false");
}

TEST_P(FeedbacksTest, NoParameterReachesTheDatabaseAsSql) {  // row 115
  World w(GetParam());
  w.rate("alice", "m");
  for (std::string payload : {"'", "id; DROP TABLE feedback", "(SELECT 1)", "data->>'rating'", "rating",
                              "updated_at", "model_id"})
    for (std::string name : {"order_by", "direction", "model_id"})
      EXPECT_EQ(w.as("root", "GET", "/feedbacks/list?" + name + "=" + payload).status, 200) << payload;
  EXPECT_EQ(json::int_at(w.as("root", "GET", "/feedbacks/list").body, "total"), 1);
}

TEST_P(FeedbacksTest, NeedThePermission) {  // row 69
  World w(GetParam());
  w.denied = "chat.rate_response";
  EXPECT_EQ(w.as("alice", "POST", "/feedback", Object{{"type", "rating"}}).status, 403);
}

TEST_P(FeedbacksTest, MakeALeaderboard) {
  World w(GetParam());
  w.rate("alice", "good");
  w.rate("bob", "bad", -1);

  Value board = w.as("root", "GET", "/leaderboard").body;

  ASSERT_EQ(json::array_at(board, "entries")->size(), 2u);
  EXPECT_EQ(json::text_at(json::array_at(board, "entries")->front(), "model_id"), "bad");
}

TEST_P(FeedbacksTest, TellHowAModelDidDayByDay) {
  World w(GetParam());
  w.rate("alice", "m");
  w.rate("bob", "m", -1);
  w.rate("bob", "n");

  Value reply = w.as("root", "GET", "/leaderboard/m/history?days=7").body;

  EXPECT_EQ(json::text_at(reply, "model_id"), "m") << json::serialize(reply);
  ASSERT_EQ(json::array_at(reply, "history")->size(), 7u);
  EXPECT_EQ(json::int_at(json::array_at(reply, "history")->back(), "won"), 1);
  EXPECT_EQ(json::int_at(json::array_at(reply, "history")->back(), "lost"), 1);
  EXPECT_EQ(w.as("root", "GET", "/leaderboard/m/history?days=-1").status, 422);
  EXPECT_EQ(w.as("alice", "GET", "/leaderboard/m/history").status, 401);
}

TEST_P(FeedbacksTest, KeepTheArenasSettings) {
  World w(GetParam());
  auto reply =
      w.as("root", "POST", "/config",
           Object{{"ENABLE_EVALUATION_ARENA_MODELS", true}, {"EVALUATION_ARENA_MODELS", nullptr}});
  EXPECT_EQ(reply.text, R"({"ENABLE_EVALUATION_ARENA_MODELS":true,"EVALUATION_ARENA_MODELS":[]})");
}

}  // namespace
}  // namespace antiphon::evaluations

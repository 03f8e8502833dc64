#include "features/analytics/analytics.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "auth/accounts.h"
#include "auth/principals.h"
#include "http/testing.h"
#include "json/text.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::analytics {
namespace {

using json::Array;
using json::Value;

constexpr std::int64_t kDay = 86'400, kNoon = 20'000 * kDay + 43'200;  // 2024-10-04

struct World {
  explicit World(store::Engine engine)
      : store(engine, 2), principals(*store.db), accounts(*store.db, principals), analytics(*store.db) {
    run([&] { return store::migrate(*store.db); });
    run([&] { return principals.load(); });
    alice = account("alice"), bob = account("bob");
    add_routes(router, {.analytics = analytics,
                        .settings = options,
                        .votes = [](std::string, std::int64_t days) -> Task<std::vector<VotesOfDay>> {
                          co_return std::vector<VotesOfDay>(static_cast<std::size_t>(days));
                        },
                        .chat_access = [this] { return chat_access; }});
  }
  std::string account(const std::string& name) {
    auth::NewAccount form{
        .name = name, .email = name + "@x.io", .password_hash = "-", .role = Role::user};
    auto made = run([&] { return accounts.create(form, nullptr, nullptr); });
    return made.account.value().id;
  }
  void script(const std::string& sql) { store.script(sql); }
  /// A chat of one question and one answer; its id.
  std::string talk(const std::string& owner, std::string model, std::int64_t at, std::int64_t in,
                   std::int64_t out, std::string question = "What?") {
    std::string id = "chat" + std::to_string(++chats), time = std::to_string(at);
    auto row = [&](std::string name, std::string parent, std::string role, std::string more) {
      return "INSERT INTO chat_message (chat_id, id, parent_id, user_id, role, content, text, done,"
             " position, created_at, updated_at, model_id, usage) VALUES ('" +
             id + "', '" + name + "', " + parent + ", '" + owner + "', '" + role + "', '\"" +
             (role == "user" ? question : "So.") + "\"', '', TRUE, 1, " + time + ", " + time + ", " +
             more + ");";
    };
    script(
        "INSERT INTO chat (id, user_id, title, title_folded, created_at, updated_at, archived, pinned,"
        " meta, data) VALUES ('" +
        id + "', '" + owner + "', 'Chat', 'chat', " + time + ", " + time +
        ", FALSE, FALSE, '{}', '{}');" + row("u1", "NULL", "user", "NULL, NULL") +
        row("a1", "'u1'", "assistant",
            "'" + model + "', '{\"prompt_tokens\":" + std::to_string(in) +
                ",\"output_tokens\":" + std::to_string(out) + "}'"));
    return id;
  }
  struct Reply {
    int status;
    std::string text;
    Value body;
  };
  Reply get(std::string path, Role role = Role::admin) {
    http::Request request =
        http::testing::request("GET", "/api/v1/analytics" + path.substr(0, path.find('?')));
    if (auto at = path.find('?'); at != path.npos)
      for (std::string rest = path.substr(at + 1); !rest.empty();) {
        std::string one = rest.substr(0, rest.find('&'));
        rest.erase(0, one.size() + 1);
        request.query.emplace(one.substr(0, one.find('=')), one.substr(one.find('=') + 1));
      }
    auto reply = http::testing::serve(router, std::move(request),
                                      http::testing::a_caller(Caller::Via::session, role));
    return {reply->status, reply->body, json::try_parse(reply->body).value_or(nullptr)};
  }
  std::string text(std::string path) { return get(path).text; }

  store::Store store;
  auth::Principals principals;
  auth::Accounts accounts;
  Analytics analytics;
  http::Router router;
  Settings options;
  bool chat_access = true;
  int chats = 0;
  std::string alice, bob;
};

class AnalyticsTest : public ::testing::TestWithParam<store::Engine> {};
INSTANTIATE_TEST_SUITE_P(Engines, AnalyticsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& engine) { return store::engine_name(engine.param); });

TEST_P(AnalyticsTest, CountsAnswersByModelUserAndToken) {
  World w(GetParam());
  w.talk(w.alice, "big", kNoon, 100, 10);
  w.talk(w.bob, "big", kNoon + kDay, 200, 20);
  w.talk(w.bob, "small", kNoon + kDay, 1, 2);

  EXPECT_EQ(w.text("/models"),
            R"({"models":[{"model_id":"big","count":2,"unique_users":2,"unique_chats":2},)"
            R"({"model_id":"small","count":1,"unique_users":1,"unique_chats":1}]})");
  EXPECT_EQ(w.text("/summary"),
            R"({"total_messages":3,"total_chats":3,"total_models":2,"total_users":2})");
  EXPECT_EQ(
      w.text("/tokens"),
      R"({"models":[{"model_id":"big","input_tokens":300,"output_tokens":30,"total_tokens":330,"message_count":2},)"
      R"({"model_id":"small","input_tokens":1,"output_tokens":2,"total_tokens":3,"message_count":1}],)"
      R"("total_input_tokens":301,"total_output_tokens":32,"total_tokens":333})");
  Value users = w.get("/users").body;
  ASSERT_EQ(json::array_at(users, "users")->size(), 2u);
  const Value& first = json::array_at(users, "users")->front();
  EXPECT_EQ(json::text_at(first, "name"), "bob");
  EXPECT_EQ(json::text_at(first, "email"), "bob@x.io");
  EXPECT_EQ(json::int_at(first, "count"), 2);
  EXPECT_EQ(json::int_at(first, "total_tokens"), 223);
  EXPECT_EQ(json::array_at(w.get("/users?limit=1").body, "users")->size(), 1u);
  w.talk(w.alice, "big", kNoon, 1000, 0);
  w.talk(w.bob, "small", kNoon, 0, 0);
  EXPECT_EQ(json::text_at(json::array_at(w.get("/users?metric=tokens").body, "users")->front(), "name"),
            "alice");
  EXPECT_EQ(
      json::text_at(json::array_at(w.get("/users?metric=messages").body, "users")->front(), "name"),
      "bob");
}

TEST_P(AnalyticsTest, KeepsToTheSpanAndTheGroup) {
  World w(GetParam());
  w.talk(w.alice, "big", kNoon, 1, 1);
  w.talk(w.bob, "big", kNoon + kDay, 1, 1);
  auto messages = [&](std::string query) {
    return json::int_at(w.get("/summary?" + query).body, "total_messages");
  };
  std::string noon = std::to_string(kNoon);

  EXPECT_EQ(messages("start_date=" + noon), 2);
  EXPECT_EQ(messages("start_date=" + std::to_string(kNoon + 1)), 1);
  EXPECT_EQ(messages("end_date=" + noon), 1);
  EXPECT_EQ(messages("end_date=" + std::to_string(kNoon - 1)), 0);
  EXPECT_EQ(messages("start_date=-5&end_date=999999999999999999"), 2);

  w.script(
      "INSERT INTO \"group\" (id, user_id, name, description, parent_group_id, created_at, updated_at)"
      " VALUES ('all', 'root', 'all', '', NULL, 1, 1), ('team', 'root', 'team', '', 'all', 1, 1),"
      " ('none', 'root', 'none', '', NULL, 1, 1);"
      "INSERT INTO group_member (id, group_id, user_id, created_at, updated_at)"
      " VALUES ('m', 'team', '" +
      w.alice + "', 1, 1)");
  EXPECT_EQ(messages("group_id=team"), 1);
  EXPECT_EQ(messages("group_id=all"), 1) << "members of groups below it count";
  EXPECT_EQ(messages("group_id=none"), 0);
  EXPECT_EQ(messages("group_id='x"), 0);
}

TEST_P(AnalyticsTest, TellsHowUseGoesOverTime) {
  World w(GetParam());
  w.talk(w.alice, "big", kNoon, 5, 6);
  w.talk(w.alice, "big", kNoon + 60, 5, 6);
  w.talk(w.alice, "small", kNoon + kDay, 1, 1);
  std::string span =
      "start_date=" + std::to_string(kNoon) + "&end_date=" + std::to_string(kNoon + kDay);

  EXPECT_EQ(
      w.text("/daily?" + span),
      R"({"data":[{"date":"2024-10-04","models":{"big":2},"start":null,"end":null,"previous":null},)"
      R"({"date":"2024-10-05","models":{"small":1},"start":null,"end":null,"previous":null}]})");
  Value tokens = w.get("/daily?metric=tokens&compare=true&" + span).body;
  EXPECT_EQ(json::serialize(*json::find(json::array_at(tokens, "data")->at(0), "models")),
            R"({"big":22})");
  std::string later =
      "start_date=" + std::to_string(kNoon + kDay) + "&end_date=" + std::to_string(kNoon + kDay);
  Value compared = w.get("/daily?compare=true&" + later).body;
  const Value& day = json::array_at(compared, "data")->at(0);
  EXPECT_EQ(json::text_at(day, "start"), "2024-10-05T00:00:00Z");
  EXPECT_EQ(json::text_at(day, "end"), "2024-10-06T00:00:00Z");
  ASSERT_EQ(json::array_at(compared, "data")->size(), 1u);
  EXPECT_EQ(json::serialize(*json::find(json::array_at(compared, "data")->at(0), "previous")),
            R"({"models":{"big":2},"start":"2024-10-04T00:00:00Z","end":"2024-10-05T00:00:00Z"})");
  Value hours = w.get("/daily?granularity=hourly&" + span).body;
  ASSERT_EQ(json::array_at(hours, "data")->size(), 25u);
  EXPECT_EQ(json::text_at(json::array_at(hours, "data")->at(0), "date"), "2024-10-04 12:00");
  EXPECT_EQ(
      json::array_at(w.get("/daily?granularity=10m&start_date=0&" + span.substr(span.find("end"))).body,
                     "data")
          ->size(),
      std::size_t(Analytics::kMostStretches));
  EXPECT_EQ(json::array_at(w.get("/daily").body, "data")->size(), 30u);
  EXPECT_EQ(w.get("/daily?granularity=yearly").status, 422);
}

TEST_P(AnalyticsTest, NamesTheChatsOfAModelAndItsMessages) {
  World w(GetParam());
  std::string first = w.talk(w.alice, "big", kNoon, 1, 1, "First question");
  std::string second = w.talk(w.bob, "big", kNoon + kDay, 1, 1, std::string(30'000, 'x'));
  w.talk(w.bob, "small", kNoon, 1, 1);
  w.script("INSERT INTO chat_tag (user_id, tag_id, chat_id) VALUES ('" + w.alice + "', 'deep', '" +
           first + "')");
  w.script("UPDATE chat SET updated_at = created_at; UPDATE chat SET updated_at = 5 WHERE id = '" +
           first + "'");

  Value chats = w.get("/models/big/chats").body;
  EXPECT_EQ(json::int_at(chats, "total"), 2);
  const Array& list = *json::array_at(chats, "chats");
  EXPECT_EQ(json::text_at(list.at(0), "chat_id"), second);
  EXPECT_TRUE(json::find(list.at(0), "first_message")->is_null()) << "too long to fetch";
  EXPECT_EQ(json::text_at(list.at(1), "first_message"), "First question");
  EXPECT_EQ(json::text_at(list.at(1), "user_name"), "alice");
  Value page = w.get("/models/big/chats?skip=1&limit=1&direction=asc").body;
  EXPECT_EQ(json::text_at(json::array_at(page, "chats")->at(0), "chat_id"), second);

  EXPECT_EQ(w.get("/messages").body.as_array().size(), 6u);
  Value mine = w.get("/messages?model_id=big&user_id=" + w.alice + "&chat_id=" + first).body;
  ASSERT_EQ(mine.as_array().size(), 1u);
  EXPECT_EQ(json::text_at(mine.as_array()[0], "content"), "So.");
  EXPECT_EQ(w.get("/messages?skip=4&limit=10").body.as_array().size(), 2u);
  EXPECT_EQ(w.get("/messages?limit=101").status, 422);

  Value overview = w.get("/models/big/overview?days=0").body;
  EXPECT_EQ(json::array_at(overview, "history")->size(), 366u);
  EXPECT_EQ(json::array_at(overview, "tags")->size(), 0u) << "long ago";
  w.script("UPDATE chat_message SET created_at = 4000000000");
  overview = w.get("/models/big/overview?days=7").body;
  EXPECT_EQ(json::array_at(overview, "history")->size(), 8u);
  EXPECT_EQ(json::serialize(*json::find(overview, "tags")), R"([{"tag":"deep","count":1}])");
}

TEST_P(AnalyticsTest, IsForAdministratorsWhileItIsOnAndKeepsWordsFromThem) {
  World w(GetParam());
  w.talk(w.alice, "big", kNoon, 1, 1, "Secret");
  int routes = 0;
  auto all = [&](Role role, int status) {
    for (const http::Route& route : w.router.routes()) {
      if (!route.path.starts_with("/api/v1/analytics")) continue;
      std::string path = route.path.substr(17);
      if (auto at = path.find("{model_id}"); at != path.npos) path.replace(at, 10, "big");
      EXPECT_EQ(w.get(path, role).status, status) << path;
      ++routes;
    }
  };
  all(Role::admin, 200);
  EXPECT_EQ(routes, 8);
  all(Role::user, 401);
  w.chat_access = false;
  EXPECT_EQ(w.get("/messages").status, 401);
  EXPECT_EQ(w.text("/models/big/chats").find("Secret"), std::string::npos);
  w.options.enable.set(false);
  all(Role::admin, 404);
}

}  // namespace
}  // namespace antiphon::analytics

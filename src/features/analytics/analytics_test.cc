#include "features/analytics/analytics.h"

#include "auth/accounts.h"
#include "features/chats/testing.h"

namespace antiphon::analytics {
namespace {

using chats::testing::message;
using json::Array;
using json::Object;
using json::Value;

constexpr std::int64_t kDay = 86'400, kNoon = 20'000 * kDay + 43'200;  // 2024-10-04

struct World : chats::testing::World {
  explicit World(store::Engine engine)
      : chats::testing::World(engine),
        accounts(*store.db, principals),
        analytics(*store.db),
        feedbacks(*store.db) {
    antiphon::run([&] { return principals.load(); });
    alice = account("alice"), bob = account("bob");
    add_routes(router, {.analytics = analytics,
                        .feedbacks = feedbacks,
                        .settings = options,
                        .chat_access = [this] { return settings.admin_access(); }});
  }
  std::string account(const std::string& name) {
    auth::NewAccount form{
        .name = name, .email = name + "@x.io", .password_hash = "-", .role = Role::user};
    auto made = antiphon::run([&] { return accounts.create(form, nullptr, nullptr); });
    return made.account.value().id;
  }
  /// A chat of one question and one answer.
  std::string talk(const std::string& owner, std::string model, std::int64_t at, std::int64_t in,
                   std::int64_t out, std::string question = "What?") {
    Object asked = message("u1", "", "user", question), said = message("a1", "u1", "assistant", "So.");
    asked["timestamp"] = said["timestamp"] = at;
    said["model"] = model;
    said["usage"] = Object{{"prompt_tokens", in}, {"output_tokens", out}};
    return add(owner, "Chat", {asked, said});
  }
  Reply get(std::string path, Role role = Role::admin) {
    return ask(caller("root", role), "GET", "/api/v1/analytics" + path);
  }
  std::string text(std::string path) { return get(path).text; }

  auth::Accounts accounts;
  Analytics analytics;
  evaluations::Feedbacks feedbacks;
  Settings options;
  std::string alice, bob;
};

class AnalyticsTest : public chats::testing::OnEngines {};
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
      R"({"data":[{"date":"2024-10-04","models":{"big":2},"start":"2024-10-04T00:00:00Z","end":"2024-10-05T00:00:00Z","previous":null},)"
      R"({"date":"2024-10-05","models":{"small":1},"start":"2024-10-05T00:00:00Z","end":"2024-10-06T00:00:00Z","previous":null}]})");
  Value tokens = w.get("/daily?metric=tokens&compare=true&" + span).body;
  EXPECT_EQ(json::serialize(*json::find(json::array_at(tokens, "data")->at(0), "models")),
            R"({"big":22})");
  std::string later =
      "start_date=" + std::to_string(kNoon + kDay) + "&end_date=" + std::to_string(kNoon + kDay);
  Value compared = w.get("/daily?compare=true&" + later).body;
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
  w.as(w.alice, "POST", "/" + first + "/tags", Object{{"name", "Deep"}});
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
  EXPECT_EQ(json::array_at(overview, "history")->size(), 7u);
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
  w.settings.admin_access.set(false);
  EXPECT_EQ(w.get("/messages").status, 401);
  EXPECT_EQ(w.text("/models/big/chats").find("Secret"), std::string::npos);
  w.options.enable.set(false);
  all(Role::admin, 404);
}

}  // namespace
}  // namespace antiphon::analytics

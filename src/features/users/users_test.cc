#include "features/users/users.h"

#include <gmock/gmock.h>

#include "testing/test_app.h"

namespace antiphon::users {
namespace {

using testing::TestApp;

class UsersTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  TestApp app{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Engines, UsersTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

std::vector<std::string> names_in(const testing::Reply& reply) {
  std::vector<std::string> out;
  json::Value page = reply.json();
  if (const json::Array* users = json::array_at(page, "users"))
    for (const json::Value& user : *users) out.emplace_back(json::text_at(user, "name"));
  return out;
}

TEST_P(UsersTest, TheListIsForAdministratorsAndHasPages) {
  auto root = app.admin();
  for (int i = 0; i < 35; ++i) app.as("user" + std::to_string(100 + i));

  auto first = root.get("/api/v1/users/?order_by=name&direction=asc");
  auto second = root.get("/api/v1/users/?order_by=name&direction=asc&page=2");

  EXPECT_EQ(first.at({"total"}), "36");
  EXPECT_EQ(names_in(first).size(), 30u);
  EXPECT_EQ(names_in(first).front(), "root");
  EXPECT_EQ(names_in(second).size(), 6u);
  EXPECT_EQ(names_in(second).back(), "user134");
  EXPECT_EQ(app.as("user100").get("/api/v1/users/").status, 401);
  EXPECT_EQ(app.anonymous().get("/api/v1/users/").status, 401);
}

// U4, row 115
TEST_P(UsersTest, ColumnsAndDirectionsNeverReachTheStatement) {
  auto root = app.admin();
  app.as("ann");
  for (const char* order :
       {"(select%201)", "password", "name;--", "id'", "%00", "1", "created_at%20desc"})
    for (const char* direction : {"sideways", "asc;drop", "desc"}) {
      auto reply =
          root.get(std::string("/api/v1/users/?order_by=") + order + "&direction=" + direction);
      EXPECT_TRUE(reply.status == 200 || reply.status == 422) << order << direction << reply.body;
    }
}

// U18
TEST_P(UsersTest, SearchTakesWildcardsAsText) {
  app.admin();
  auto ann = app.as("ann");
  app.as("a%b");
  app.as("a_b");

  EXPECT_THAT(names_in(ann.get("/api/v1/users/search?query=%25")), ::testing::ElementsAre("a%b"));
  EXPECT_THAT(names_in(ann.get("/api/v1/users/search?query=_")), ::testing::ElementsAre("a_b"));
  EXPECT_TRUE(names_in(ann.get("/api/v1/users/search?query=%5C")).empty());
  EXPECT_THAT(names_in(ann.get("/api/v1/users/search?query=ANN")), ::testing::ElementsAre("ann"));
}

TEST_P(UsersTest, SettingsAreOnesOwn) {
  app.admin();
  auto ann = app.as("ann");
  EXPECT_EQ(ann.get("/api/v1/users/user/settings").body, "null");

  auto saved =
      ann.post("/api/v1/users/user/settings/update", R"({"ui":{"system":"be brief"},"role":"admin"})");

  EXPECT_EQ(saved.body, R"({"ui":{"system":"be brief"}})");
  EXPECT_EQ(ann.get("/api/v1/users/user/settings").body, R"({"ui":{"system":"be brief"}})");
  EXPECT_EQ(app.as("bob").get("/api/v1/users/user/settings").body, "null");
  EXPECT_EQ(json::serialize(run([&] { return app.users->settings(ann.id); })), saved.body);
}

TEST_P(UsersTest, InfoIsMergedAndVariablesAreReplaced) {
  auto ann = app.as("ann");
  EXPECT_EQ(ann.post("/api/v1/users/user/info/update", R"({"a":1})").body, R"({"a":1})");
  EXPECT_EQ(ann.post("/api/v1/users/user/info/update", R"({"b":1})").body, R"({"a":1,"b":1})");
  EXPECT_EQ(ann.get("/api/v1/users/user/info").body, R"({"a":1,"b":1})");

  EXPECT_EQ(ann.post("/api/v1/users/user/variables/update", R"({"variables":{"city":"Bern"}})").status,
            200);
  EXPECT_EQ(ann.post("/api/v1/users/user/variables/update", R"({"variables":{"town":"x"}})").body,
            R"({"variables":{"town":"x"}})");
  for (const char* bad :
       {R"({"variables":{"City":"x"}})", R"({"variables":{"_x":"x"}})", R"({"variables":{"k":5}})"})
    EXPECT_EQ(ann.post("/api/v1/users/user/variables/update", bad).status, 400) << bad;
}

TEST_P(UsersTest, PermissionsAreTheDefaultsOrWhatAGroupAllows) {
  auto root = app.admin();
  auto ann = app.as("ann");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").at({"features", "api_keys"}), "false");
  auto group =
      root.post("/api/v1/groups/create",
                R"({"name":"g","description":"","permissions":{"features":{"api_keys":true}}})");
  std::string path = "/api/v1/groups/id/" + group.at({"id"}) + "/users/";

  root.post(path + "add", R"({"user_ids":[")" + ann.id.value + "\"]}");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").at({"features", "api_keys"}), "true");
  root.post(path + "remove", R"({"user_ids":[")" + ann.id.value + "\"]}");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").at({"features", "api_keys"}), "false");

  json::Value tree = root.get("/api/v1/users/default/permissions").json();
  tree.as_object()["features"].as_object()["api_keys"] = true;
  EXPECT_EQ(root.post("/api/v1/users/default/permissions", json::serialize(tree))
                .at({"features", "api_keys"}),
            "true");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").at({"features", "api_keys"}), "true");
  EXPECT_EQ(root.post("/api/v1/users/default/permissions", "{}").status, 422);
  EXPECT_EQ(ann.post("/api/v1/users/default/permissions", json::serialize(tree)).status, 401);
}

TEST_P(UsersTest, APreviewShowsWhatGroupsComeTo) {
  auto root = app.admin();
  auto ann = app.as("ann");
  auto make = [&](const std::string& name, const std::string& more) {
    return root
        .post("/api/v1/groups/create", R"({"name":")" + name + R"(","description":"",)" + more + "}")
        .at({"id"});
  };
  std::string outer = make("outer", R"("permissions":{"features":{"api_keys":true}})");
  std::string inner = make(
      "inner", R"("parent_group_id":")" + outer + R"(","permissions":{"workspace":{"models":true}})");
  root.post("/api/v1/groups/id/" + inner + "/users/add", R"({"user_ids":[")" + ann.id.value + R"("]})");

  auto user = root.get("/api/v1/users/" + ann.id.value + "/preview");
  EXPECT_EQ(user.at({"user", "id"}), ann.id.value);
  EXPECT_EQ(user.json().at("groups").as_array().size(), 2u);
  EXPECT_EQ(user.at({"models", "total"}), "3");
  EXPECT_EQ(user.at({"knowledge", "total"}), "0");

  auto group = root.get("/api/v1/groups/id/" + inner + "/preview");
  EXPECT_EQ(group.at({"group", "name"}), "inner");
  EXPECT_EQ(group.at({"models", "total"}), "3");
  EXPECT_EQ(group.at({"inherited_permissions", "features", "api_keys"}), "true");
  EXPECT_EQ(group.at({"inherited_permissions", "workspace", "models"}), "false");
  EXPECT_EQ(group.at({"effective_permissions", "workspace", "models"}), "true");
  EXPECT_EQ(root.get("/api/v1/groups/id/" + outer + "/preview").at({"models", "total"}), "2");

  EXPECT_EQ(root.get("/api/v1/users/nobody/preview").status, 404);
  EXPECT_EQ(root.get("/api/v1/groups/id/none/preview").status, 404);
  EXPECT_EQ(ann.get("/api/v1/users/" + ann.id.value + "/preview").status, 401);
  EXPECT_EQ(ann.get("/api/v1/groups/id/" + inner + "/preview").status, 401);
}

// row 79
TEST_P(UsersTest, ADemotedOrRevokedUserIsOutAtOnce) {
  auto root = app.admin();
  auto ann = app.as("ann");
  std::string path = "/api/v1/users/" + ann.id.value;

  EXPECT_EQ(root.post(path + "/update", R"({"role":"pending"})").at({"role"}), "pending");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").status, 401);
  ann = app.as("ann");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").status, 401);

  root.post(path + "/update", R"({"role":"user"})");
  ann = app.as("ann");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").status, 200);
  EXPECT_EQ(root.post(path + "/sessions/revoke").body, "true");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").status, 401);

  ann = app.as("ann");
  EXPECT_EQ(root.del(path).body, "true");
  EXPECT_EQ(ann.get("/api/v1/users/permissions").status, 401);
  EXPECT_EQ(root.get(path).status, 400);
}

TEST_P(UsersTest, ThePrimaryAdministratorIsSafeFromOthersAndHimself) {
  auto root = app.admin();
  auto second = app.as("second", Role::admin);
  std::string path = "/api/v1/users/" + root.id.value;

  EXPECT_EQ(second.post(path + "/update", R"({"role":"user"})").status, 403);
  EXPECT_EQ(second.del(path).status, 403);
  EXPECT_EQ(root.post(path + "/update", R"({"role":"user"})").status, 403);
  EXPECT_EQ(root.del(path).status, 403);
  EXPECT_EQ(root.post(path + "/update", R"({"name":"Root"})").at({"name"}), "Root");
  EXPECT_EQ(root.del("/api/v1/users/" + second.id.value).status, 200);
}

// U3, row 37
TEST_P(UsersTest, AnAdministratorCannotStoreNonsenseEither) {
  auto root = app.admin();
  std::string path = "/api/v1/users/" + app.as("ann").id.value + "/update";

  EXPECT_EQ(root.post(path, R"({"role":"robot"})").status, 400);
  EXPECT_EQ(root.post(path, R"({"email":"root@x.io"})").status, 400);
  EXPECT_EQ(root.post(path, R"({"email":"a@x.io\r\nX: y"})").status, 400);
  EXPECT_EQ(root.post(path, R"({"name":"a\u001b[0m"})").status, 400);
  EXPECT_EQ(root.post(path, R"({"password":"12345678"})").status, 400);
  EXPECT_EQ(root.post(path, R"({"profile_image_url":"javascript:1"})").status, 422);
}

TEST_P(UsersTest, OthersSeeWhoSomebodyIs) {
  app.admin();
  auto ann = app.as("ann"), bob = app.as("bob");

  auto seen = bob.get("/api/v1/users/" + ann.id.value + "/info");

  EXPECT_EQ(seen.at({"name"}), "ann");
  EXPECT_EQ(seen.at({"is_active"}), "true");
  EXPECT_EQ(bob.get("/api/v1/users/" + ann.id.value).status, 401);
  EXPECT_EQ(bob.get("/api/v1/users/nobody/info").status, 400);
  EXPECT_EQ(bob.get("/api/v1/users/nobody/active").body, R"({"active":false})");
  EXPECT_EQ(bob.get("/api/v1/users/" + ann.id.value + "/profile/image").status, 200);
  EXPECT_EQ(app.anonymous().get("/api/v1/users/" + ann.id.value + "/profile/image").status, 401);
}

TEST_P(UsersTest, AStatusCanBeSetAndTurnedOff) {
  auto ann = app.as("ann");

  auto set =
      ann.post("/api/v1/users/user/status/update", R"({"status_emoji":"x","status_message":"away"})");
  EXPECT_EQ(set.at({"status_message"}), "away");
  EXPECT_EQ(ann.get("/api/v1/users/user/status").at({"status_emoji"}), "x");
  app.general.enable_user_status.set(false);
  EXPECT_EQ(ann.get("/api/v1/users/user/status").status, 403);
}

TEST_P(UsersTest, NamesAreFoundForMessages) {
  auto ann = app.as("ann");

  auto names = run([&] { return app.users->names({ann.id.value, "nobody"}); });

  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].name, "ann");
}

}  // namespace
}  // namespace antiphon::users

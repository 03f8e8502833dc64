#include "features/users/groups.h"

#include <gmock/gmock.h>

#include "testing/test_app.h"

namespace antiphon::users {
namespace {

using testing::Reply;
using testing::TestApp;

class GroupsTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  std::string create(std::string name, std::string parent = "", std::string more = "") {
    std::string above = parent.empty() ? "" : R"(,"parent_group_id":")" + parent + "\"";
    return root
        .post("/api/v1/groups/create",
              R"({"name":")" + name + R"(","description":"")" + above + more + "}")
        .at({"id"});
  }
  Reply add(const std::string& group, const std::string& user) {
    return root.post("/api/v1/groups/id/" + group + "/users/add",
                     R"({"user_ids":[")" + user + R"(","nobody"]})");
  }
  static std::size_t count(const Reply& reply) { return reply.json().as_array().size(); }

  TestApp app{GetParam()};
  TestApp::Client root = app.admin();
  TestApp::Client ann = app.as("ann");
};
INSTANTIATE_TEST_SUITE_P(Engines, GroupsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(GroupsTest, AGroupIsMadeChangedAndDeleted) {
  std::string id = create("writers");

  EXPECT_EQ(root.get("/api/v1/groups/id/" + id).at({"data", "config", "share"}), "members");
  Reply changed =
      root.post("/api/v1/groups/id/" + id + "/update", R"({"name":"authors","description":"d"})");
  EXPECT_EQ(changed.at({"name"}), "authors");
  EXPECT_EQ(changed.at({"data", "config", "share"}), "members");
  EXPECT_EQ(root.del("/api/v1/groups/id/" + id + "/delete").body, "true");
  EXPECT_EQ(root.get("/api/v1/groups/id/" + id).status, 404);
  EXPECT_EQ(root.del("/api/v1/groups/id/" + id + "/delete").status, 404);
  EXPECT_EQ(root.post("/api/v1/groups/create", R"({"name":"","description":""})").status, 422);
}

TEST_P(GroupsTest, OnlyAdministratorsMayChangeThem) {
  std::string id = create("writers");

  EXPECT_EQ(ann.post("/api/v1/groups/create", R"({"name":"x","description":""})").status, 401);
  EXPECT_EQ(ann.post("/api/v1/groups/id/" + id + "/users/add", "{}").status, 401);
  EXPECT_EQ(ann.get("/api/v1/groups/id/" + id).status, 401);
  EXPECT_EQ(ann.get("/api/v1/groups/id/" + id + "/info").status, 200);
}

TEST_P(GroupsTest, MembersInheritFromAbove) {
  std::string top = create("top"), low = create("low", top);

  EXPECT_EQ(add(low, ann.id.value).at({"member_count"}), "1");

  EXPECT_EQ(count(ann.get("/api/v1/users/groups")), 1u);
  EXPECT_EQ(count(ann.get("/api/v1/users/groups?include_inherited=true")), 2u);
  Reply members = root.get("/api/v1/groups/id/" + top + "/members");
  EXPECT_EQ(members.at({"total"}), "1");
  EXPECT_EQ(members.at({"counts", "inherited"}), "1");
  EXPECT_NE(members.at({"items"}).find("\"last_active_at\":"), std::string::npos);
  EXPECT_EQ(root.get("/api/v1/groups/id/" + top + "/members?membership=direct").at({"total"}), "0");
  EXPECT_EQ(root.get("/api/v1/groups/id/" + top + "/members?query=zzz").at({"total"}), "0");
  EXPECT_EQ(count(root.post("/api/v1/groups/id/" + low + "/users")), 1u);
}

// row 120
TEST_P(GroupsTest, NoGroupIsAboveItself) {
  std::string top = create("top"), low = create("low", top);
  auto move = [&](const std::string& id, const std::string& parent) {
    return root
        .post("/api/v1/groups/id/" + id + "/update",
              R"({"name":"x","description":"","parent_group_id":")" + parent + "\"}")
        .status;
  };

  EXPECT_EQ(move(top, low), 400);
  EXPECT_EQ(move(top, top), 400);
  EXPECT_EQ(move(low, "nowhere"), 400);
  EXPECT_EQ(move(low, ""), 200);
  EXPECT_EQ(root.get("/api/v1/groups/id/" + low).at({"parent_group_id"}), "null");
}

TEST_P(GroupsTest, OthersSeeTheirOwnAndThoseForEverybody) {
  std::string mine = create("mine");
  create("open", "", R"(,"data":{"config":{"share":true}})");
  std::string closed = create("closed", "", R"(,"data":{"config":{"share":false}})");
  add(mine, ann.id.value);
  add(closed, ann.id.value);
  create("foreign");

  EXPECT_EQ(count(root.get("/api/v1/groups/")), 4u);
  EXPECT_EQ(count(ann.get("/api/v1/groups/")), 3u);
  EXPECT_EQ(count(ann.get("/api/v1/groups/?share=true")), 2u);
}

TEST_P(GroupsTest, ADeletedGroupLeavesNoGrantAndNoMember) {
  std::string top = create("top"), low = create("low", top);
  add(top, ann.id.value);
  auth::Grants& grants = app.auth->grants;
  run([&] {
    return app.store->transact([&](store::Connection& tx) {
      return grants.set(tx, {"model", "m"}, {{"group", top, "read"}});
    });
  });

  root.del("/api/v1/groups/id/" + top + "/delete");

  EXPECT_TRUE(run([&] { return grants.list({"model", "m"}); }).empty());
  EXPECT_EQ(count(ann.get("/api/v1/users/groups")), 0u);
  EXPECT_EQ(root.get("/api/v1/groups/id/" + low).at({"parent_group_id"}), "null");
}

}  // namespace
}  // namespace antiphon::users

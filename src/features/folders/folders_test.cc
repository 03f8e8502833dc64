#include "features/folders/folders.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "auth/access.h"
#include "auth/accounts.h"
#include "auth/principals.h"
#include "auth/settings.h"
#include "base/named_tree.h"
#include "http/testing.h"
#include "json/text.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::folders {
namespace {

using json::Object;
using json::Value;

User user(std::string name) {
  User out;
  out.via = Caller::Via::session;
  out.role = Role::user;
  out.id.value = name;
  return out;
}

struct World {
  explicit World(store::Engine engine)
      : store(engine, 2),
        principals(*store.db),
        access(principals, auth_settings, permissions),
        grants(*store.db, access),
        folders(*store.db, grants),
        guard(folders, grants, permitted()) {
    run([&] { return store::migrate(*store.db); });
    run([&] { return principals.load(); });
    store::add_user(store, "bob");  // It is shared with him before he asks for anything.
    add_routes(router,
               {.folders = folders,
                .guard = guard,
                .permitted = permitted(),
                .empty = [this](const User&, std::vector<std::string> ids, bool and_delete) -> Task<> {
                  emptied = ids;
                  deleted = and_delete;
                  co_return;
                },
                .unread = [this](const User&) -> Task<std::map<std::string, std::int64_t>> {
                  co_return unread;
                },
                .read = [this](const User&, std::vector<std::string> ids) -> Task<std::int64_t> {
                  unread.clear();
                  co_return static_cast<std::int64_t>(ids.size());
                },
                .chats = [](const User&, std::string folder, SharedQuery) -> Task<json::Object> {
                  co_return json::Object{{"chats", json::Array{"chats of " + folder}}};
                },
                .name_of = [](UserId id) -> Task<std::string> { co_return "Name of " + id.value; }});
  }
  Guard::Permitted permitted() {
    return [this](const User& me, std::string_view name) -> Task<bool> {
      co_return name != denied&& me.id.value + " " + std::string(name) != denied;
    };
  }
  http::Response as(const std::string& name, std::string method, std::string path,
                    std::optional<Value> body = {}) {
    store::add_user(store, name);
    http::Request request =
        http::testing::request(std::move(method), "/api/v1/folders" + path.substr(0, path.find('?')));
    if (path.ends_with("?delete_contents=false")) request.query.emplace("delete_contents", "false");
    if (body) request.body = json::serialize(*body);
    return *http::testing::serve(router, std::move(request), user(name));
  }
  std::string add(const std::string& name, std::string title, std::optional<std::string> parent = {}) {
    Object form{{"name", title}};
    if (parent) form["parent_id"] = *parent;
    auto reply = as(name, "POST", "/", Value(form));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return std::string(json::text_at(json::parse_value(reply.body), "id"));
  }
  int move(const std::string& id, Value parent) {
    return as("alice", "POST", "/" + id + "/update/parent", Object{{"parent_id", std::move(parent)}})
        .status;
  }
  Value list(const std::string& name) { return json::parse_value(as(name, "GET", "/").body); }

  std::string prompt(std::string name, std::string id) {
    User me = user(name);
    return run([&] { return guard.prompt(me, id); });
  }
  bool may(std::string name, std::string id, Right right) {
    User me = user(name);
    return run([&] { return guard.may(me, id, right); });
  }
  /// As the route, for somebody who may give whatever he likes.
  void share(const std::string& id, std::string with, std::string permission,
             std::string type = "user") {
    run([&] {
      return store.db->transact([&](store::Connection& c) {
        return grants.set(c, {Folder::kKind, id}, {{type, with, permission}});
      });
    });
  }
  /// Every route that names a folder, asked for it.
  std::map<std::string, int> statuses(const std::string& name, const std::string& id) {
    std::map<std::string, int> out;
    for (const http::Route& route : router.routes()) {
      if (route.path.find("{id}") == route.path.npos) continue;
      std::string path = route.path.substr(std::string_view("/api/v1/folders").size());
      path.replace(path.find("{id}"), 4, id);
      bool reads = route.method == "GET" || route.method == "DELETE";
      Value form = Object{{"name", "x"}, {"is_expanded", true}, {"parent_id", nullptr}};
      if (path.ends_with("/update")) form = Object{{"name", "x"}};
      if (path.ends_with("/access/update")) form = Object{{"access_grants", json::Array()}};
      out[route.method + " " + route.path.substr(std::string_view("/api/v1/folders/{id}").size())] =
          as(name, route.method, path, reads ? std::optional<Value>() : form).status;
    }
    return out;
  }

  store::Store store;
  auth::Settings auth_settings;
  auth::PermissionDefaults permissions;
  auth::Principals principals;
  auth::Access access;
  auth::Grants grants;
  Folders folders;
  Guard guard;
  http::Router router;
  std::string denied;
  std::vector<std::string> emptied;
  bool deleted = false;
  std::map<std::string, std::int64_t> unread;
};

class FoldersTest : public ::testing::TestWithParam<store::Engine> {};
INSTANTIATE_TEST_SUITE_P(Engines, FoldersTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& engine) { return store::engine_name(engine.param); });

TEST_P(FoldersTest, NestAndAreListedToTheirOwnerOnly) {
  World w(GetParam());
  std::string work = w.add("alice", "Work");
  std::string inner = w.add("alice", "Inner", work);
  w.unread[inner] = 3;

  Value list = w.list("alice");

  ASSERT_EQ(list.as_array().size(), 2u);
  const Value& first = list.as_array()[0];  // By name.
  EXPECT_EQ(json::text_at(first, "name"), "Inner");
  EXPECT_EQ(json::text_at(first, "parent_id"), work);
  EXPECT_EQ(json::int_at(first, "unread_count"), 3);
  EXPECT_EQ(json::find(first, "user_id"), nullptr);
  EXPECT_EQ(w.list("bob").as_array().size(), 0u);
}

TEST_P(FoldersTest, NeverComeToLieInThemselves) {  // row 120
  World w(GetParam());
  std::string a = w.add("alice", "a"), b = w.add("alice", "b", a), c = w.add("alice", "c", b);

  EXPECT_EQ(w.move(a, Value(a)), 400);
  EXPECT_EQ(w.move(a, Value(b)), 400);
  EXPECT_EQ(w.move(a, Value(c)), 400);
  EXPECT_EQ(w.move(c, Value(a)), 200);
  EXPECT_EQ(w.move(b, nullptr), 200);
  EXPECT_EQ(w.move(a, Value(b)), 200);
}

TEST_P(FoldersTest, ACircleThatIsThereEndsEveryWalk) {  // row 120
  World w(GetParam());
  std::string a = w.add("alice", "a"), b = w.add("alice", "b", a);
  w.store.script("UPDATE folder SET parent_id = '" + b + "' WHERE id = '" + a + "'");

  EXPECT_EQ(w.as("alice", "GET", "/").status, 200);
  EXPECT_EQ(w.prompt("alice", a), "");
  EXPECT_EQ(w.as("alice", "POST", "/" + a + "/read").status, 200);
  EXPECT_EQ(w.as("alice", "DELETE", "/" + a).status, 200);
}

TEST_P(FoldersTest, OfOthersLookLikeNone) {  // rows 65, 69
  World w(GetParam());
  std::string id = w.add("alice", "Secret");
  std::string mine = w.add("bob", "mine");
  int routes = 0;
  for (const http::Route& route : w.router.routes()) {
    if (route.path.find("{id}") == route.path.npos) continue;
    auto ask = [&](const std::string& folder) {
      std::string path = route.path.substr(std::string_view("/api/v1/folders").size());
      path.replace(path.find("{id}"), 4, folder);
      bool reads = route.method == "GET" || route.method == "DELETE";
      Object form{{"name", "x"}, {"is_expanded", true}, {"parent_id", nullptr}};
      if (path.ends_with("/access/update")) form = {{"access_grants", json::Array()}};
      return w.as("bob", route.method, path, reads ? std::optional<Value>() : Value(form));
    };
    EXPECT_EQ(ask(id).status, 404) << route.path;
    EXPECT_EQ(ask(id).body, ask("nowhere").body) << route.path;
    ++routes;
  }
  EXPECT_EQ(routes, 8);
  EXPECT_EQ(w.as("bob", "POST", "/", Object{{"name", "x"}, {"parent_id", id}}).status, 404);
  EXPECT_EQ(w.as("bob", "POST", "/" + mine + "/update/parent", Object{{"parent_id", id}}).status, 404);
  EXPECT_TRUE(w.emptied.empty());
  EXPECT_FALSE(w.may("bob", id, Right::read));
}

TEST_P(FoldersTest, CannotBeMadeForSomebodyElse) {  // row 65
  World w(GetParam());
  w.as("bob", "POST", "/", Object{{"name", "gift"}, {"user_id", "alice"}});
  EXPECT_EQ(w.list("alice").as_array().size(), 0u);
}

TEST_P(FoldersTest, PromptsOfOuterFoldersComeFirst) {
  World w(GetParam());
  std::string outer = w.add("alice", "outer"), inner = w.add("alice", "inner", outer),
              bare = w.add("alice", "bare", inner);
  w.as("alice", "POST", "/" + outer + "/update",
       Object{{"data", Object{{"system_prompt", "Be brief."}}}});
  w.as("alice", "POST", "/" + inner + "/update",
       Object{{"data", Object{{"system_prompt", "Speak Latin."}, {"files", nullptr}}}});

  EXPECT_EQ(w.prompt("alice", bare), "Be brief.\n\nSpeak Latin.");
  EXPECT_EQ(w.prompt("alice", outer), "Be brief.");
  EXPECT_EQ(w.prompt("bob", bare), "");
}

TEST_P(FoldersTest, UpdatesMergeAndNullTakesAway) {
  World w(GetParam());
  std::string id = w.add("alice", "f");
  w.as("alice", "POST", "/" + id + "/update",
       Object{{"data", Object{{"a", 1}, {"b", 2}}}, {"meta", Object{{"icon", "x"}}}});
  auto reply = w.as("alice", "POST", "/" + id + "/update",
                    Object{{"name", "g"}, {"data", Object{{"a", nullptr}}}});

  Value folder = json::parse_value(reply.body);
  EXPECT_EQ(json::text_at(folder, "name"), "g");
  EXPECT_EQ(json::serialize(*json::find(folder, "data")), R"({"b":2})");
  EXPECT_EQ(json::serialize(*json::find(folder, "meta")), R"({"icon":"x"})");
}

TEST_P(FoldersTest, NamesAreThereAndNotTwiceInOnePlace) {
  World w(GetParam());
  std::string a = w.add("alice", "a"), b = w.add("alice", "b");
  std::string inner = w.add("alice", "a", b);

  for (std::string bad : {std::string(), std::string(" \t"), std::string(257, 'x'), std::string("a")})
    EXPECT_EQ(w.as("alice", "POST", "/", Object{{"name", bad}}).status, 400) << bad;
  EXPECT_EQ(w.as("alice", "POST", "/" + b + "/update", Object{{"name", "a"}}).status, 400);
  EXPECT_EQ(w.move(inner, nullptr), 400);
  EXPECT_EQ(w.as("alice", "POST", "/" + a + "/update", Object{{"name", "a"}}).status, 200);
}

TEST_P(FoldersTest, GoThirtyTwoDeepAndNoDeeper) {  // row 120
  World w(GetParam());
  std::string top = w.add("alice", "0"), at = top;
  for (int i = 1; i != NamedTree<Folder>::kMaxDepth; ++i) at = w.add("alice", std::to_string(i), at);

  EXPECT_EQ(w.as("alice", "POST", "/", Object{{"name", "deeper"}, {"parent_id", at}}).status, 400);
  EXPECT_EQ(w.move(top, Value(w.add("alice", "around"))), 400);
}

TEST_P(FoldersTest, DeletingTakesTheFoldersBelowAndSaysWhatBecomesOfTheChats) {
  World w(GetParam());
  std::string a = w.add("alice", "a"), other = w.add("alice", "other");
  w.add("alice", "b", a);

  w.denied = "chat.delete";
  EXPECT_EQ(w.as("alice", "DELETE", "/" + a).status, 403);
  EXPECT_TRUE(w.emptied.empty());
  EXPECT_EQ(w.as("alice", "DELETE", "/" + a + "?delete_contents=false").status, 200);
  EXPECT_EQ(w.emptied.size(), 2u);
  EXPECT_FALSE(w.deleted);
  w.denied.clear();
  EXPECT_EQ(w.as("alice", "DELETE", "/" + other).status, 200);
  EXPECT_TRUE(w.deleted);
  EXPECT_EQ(w.list("alice").as_array().size(), 0u);
}

TEST_P(FoldersTest, AGrantIsForWhatItSaysAndForThisFolderOnly) {
  World w(GetParam());
  std::string outer = w.add("alice", "outer"), shared = w.add("alice", "shared", outer),
              inner = w.add("alice", "inner", shared);
  auto works = [&](const std::string& name, const std::string& id) {
    std::vector<std::string> out;
    for (const auto& [route, status] : w.statuses(name, id)) {
      EXPECT_TRUE(status == 200 || status == 404) << route << " " << status;
      if (status == 200) out.push_back(route);
    }
    return out;
  };

  w.share(shared, "bob", "read");
  EXPECT_EQ(works("bob", shared),
            (std::vector<std::string>{"GET ", "GET /shared/chats", "POST /read"}));
  EXPECT_FALSE(w.may("bob", shared, Right::write));
  EXPECT_TRUE(works("bob", outer).empty());
  EXPECT_TRUE(works("bob", inner).empty());
  EXPECT_TRUE(works("eve", shared).empty());

  w.share(shared, "bob", "write");
  EXPECT_EQ(works("bob", shared),
            (std::vector<std::string>{"GET ", "GET /shared/chats", "POST /read", "POST /update"}));
  EXPECT_FALSE(w.may("bob", shared, Right::own));
  EXPECT_TRUE(w.emptied.empty());
  EXPECT_EQ(w.as("bob", "POST", "/", Object{{"name", "x"}, {"parent_id", shared}}).status, 404);

  w.denied = "bob features.folders";
  EXPECT_FALSE(w.may("bob", shared, Right::read));
  for (const auto& [route, status] : w.statuses("bob", shared)) EXPECT_EQ(status, 403) << route;
}

TEST_P(FoldersTest, ThoseOfOthersAreListedWithTheirOwnerAndTheRight) {
  World w(GetParam());
  std::string outer = w.add("alice", "outer"), read = w.add("alice", "b", outer),
              write = w.add("alice", "a", outer);
  w.share(read, "bob", "read");
  w.share(write, "*", "write");

  Value list = json::parse_value(w.as("bob", "GET", "/shared").body);

  ASSERT_EQ(list.as_array().size(), 2u);
  const Value& first = list.as_array()[0];
  EXPECT_EQ(json::text_at(first, "id"), write);
  EXPECT_EQ(json::text_at(first, "owner_name"), "Name of alice");
  EXPECT_EQ(json::text_at(first, "permission"), "write");
  EXPECT_TRUE(json::find(first, "parent_id")->is_null());
  EXPECT_EQ(json::text_at(list.as_array()[1], "permission"), "read");
  EXPECT_EQ(w.list("bob").as_array().size(), 0u);
  EXPECT_EQ(json::parse_value(w.as("alice", "GET", "/shared").body).as_array().size(), 0u);
}

TEST_P(FoldersTest, WhatAModelIsToldIsForWhoMayWrite) {
  World w(GetParam());
  std::string outer = w.add("alice", "outer"), id = w.add("alice", "shared", outer);
  for (const std::string& folder : {outer, id})
    w.as("alice", "POST", "/" + folder + "/update",
         Object{{"data", Object{{"system_prompt", folder == id ? "Inner." : "Outer."}}}});
  auto shown = [&] { return json::parse_value(w.as("bob", "GET", "/" + id).body); };

  w.share(id, "bob", "read");
  EXPECT_TRUE(json::find(shown(), "data")->is_null());
  EXPECT_FALSE(json::bool_at(shown(), "write_access"));
  EXPECT_EQ(w.prompt("bob", id), "");
  w.share(id, "bob", "write");
  EXPECT_EQ(json::text_at(*json::find(shown(), "data"), "system_prompt"), "Inner.");
  EXPECT_TRUE(json::bool_at(shown(), "write_access"));
  EXPECT_TRUE(json::find(shown(), "parent_id")->is_null());
  EXPECT_EQ(json::find(shown(), "access_grants")->as_array().size(), 0u);  // The owner's to know.
  EXPECT_EQ(w.prompt("bob", id), "Inner.");
  EXPECT_EQ(w.prompt("alice", id), "Outer.\n\nInner.");
}

TEST_P(FoldersTest, AreSharedByTheirOwnerAsFarAsHeMay) {
  World w(GetParam());
  std::string id = w.add("alice", "f");
  auto share = [&](Value grants, Value mode = nullptr, Role role = Role::user) {
    http::Request request = http::testing::request("POST", "/api/v1/folders/" + id + "/access/update");
    request.body = json::serialize(Object{{"access_grants", std::move(grants)}, {"share_mode", mode}});
    User me = user("alice");
    me.role = role;
    return *http::testing::serve(w.router, std::move(request), me);
  };
  auto grant = [](std::string type, std::string principal, std::string permission) {
    return Value(
        Object{{"principal_type", type}, {"principal_id", principal}, {"permission", permission}});
  };

  EXPECT_EQ(share(json::Array{grant("user", "bob", "read")}).status, 403);  // sharing.folders is off.
  EXPECT_EQ(share(json::Array{grant("anyone", "*", "read")}, nullptr, Role::admin).status, 400);
  EXPECT_EQ(share(json::Array{grant("user", "bob", "own")}, nullptr, Role::admin).status, 400);
  EXPECT_EQ(share(json::Array(), "continue", Role::admin).status, 400);
  EXPECT_FALSE(w.may("bob", id, Right::read));

  auto reply = share(json::Array{grant("user", "bob", "write")}, nullptr, Role::admin);
  ASSERT_EQ(reply.status, 200) << reply.body;
  Value grants = *json::find(json::parse_value(reply.body), "access_grants");
  ASSERT_EQ(grants.as_array().size(), 1u);
  EXPECT_EQ(json::text_at(grants.as_array()[0], "resource_id"), id);
  EXPECT_TRUE(w.may("bob", id, Right::write));
  EXPECT_EQ(share(json::Array{grant("user", "bob", "write")}).status, 200);  // One that is there stays.
  EXPECT_EQ(share(json::Array()).status, 200);
  EXPECT_FALSE(w.may("bob", id, Right::read));
}

TEST_P(FoldersTest, GrantsGoWithTheFolderAndWithItsOwner) {
  World w(GetParam());
  std::string a = w.add("alice", "a"), b = w.add("alice", "b", a), c = w.add("alice", "c");
  for (const std::string& id : {a, b, c}) w.share(id, "bob", "read");
  auto granted = [&] {
    User bob = user("bob");
    return run([&] { return w.grants.accessible(bob, Folder::kKind, Right::read); });
  };

  w.as("alice", "DELETE", "/" + a);
  EXPECT_EQ(granted(), std::vector<std::string>{c});
  UserId alice{"alice"};
  run([&] {
    return w.store.db->transact([&](store::Connection& tx) { return w.folders.remove_all(tx, alice); });
  });
  EXPECT_TRUE(granted().empty());
}

TEST_P(FoldersTest, AreNowhereWhenSwitchedOff) {  // row 69
  World w(GetParam());
  std::string id = w.add("alice", "a");
  w.denied = "features.folders";
  for (const http::Route& route : w.router.routes()) {
    std::string path = route.path.substr(std::string_view("/api/v1/folders").size());
    if (auto at = path.find("{id}"); at != path.npos) path.replace(at, 4, id);
    bool reads = route.method == "GET" || route.method == "DELETE";
    Value form = Object{{"name", "x"}, {"is_expanded", true}};
    if (path.ends_with("/access/update")) form = Object{{"access_grants", json::Array()}};
    EXPECT_EQ(
        w.as("alice", route.method, path, reads ? std::optional<Value>() : std::optional<Value>(form))
            .status,
        403)
        << route.path;
  }
}

}  // namespace
}  // namespace antiphon::folders

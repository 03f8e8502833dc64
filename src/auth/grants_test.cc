#include "auth/grants.h"

#include <gmock/gmock.h>

#include "auth/auth.h"
#include "auth/test_identities.h"
#include "base/async.h"
#include "base/scope.h"
#include "json/text.h"

namespace antiphon::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class GrantsTest : public Identities {
 protected:
  GrantsTest() {
    root = user(add("root"));
    ann = user(add("ann"));
    bob = user(add("bob"));
  }
  User user(const Created& created) {
    User out;
    out.via = Caller::Via::session;
    out.id = id_of(created);
    out.role = role_of(created.account->role);
    return out;
  }
  void set(std::string kind, std::string id, std::vector<Grant> grants) {
    run([&] {
      return store->transact([&](store::Connection& tx) { return here_.set(tx, {kind, id}, grants); });
    });
  }
  bool may(const User& who, std::string id, Right right, std::string kind = "model") {
    return run([&] { return here_.may(who, {kind, id}, right); });
  }
  std::vector<std::string> ids(const User& who, Right right) {
    return run([&] { return here_.accessible(who, "model", right); });
  }
  std::vector<Grant> allowed(const User& who, std::vector<Grant> wanted,
                             Disallowed otherwise = Disallowed::drop,
                             std::vector<Grant> existing = {}) {
    return run([&] { return here_.allowed(who, "models", wanted, otherwise, existing); });
  }
  void permit(std::string_view tree) { settings.user_permissions.set(json::try_parse(tree).value()); }

  Settings settings;
  PermissionDefaults defaults;
  Access access{here->principals, settings, defaults};
  Grants here_{*store.db, access};
  User root, ann, bob;
};
INSTANTIATE_TEST_SUITE_P(Engines, GrantsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(GrantsTest, OnlyThoseItIsSharedWithMay) {
  set("model", "m1", {{"user", ann.id.value, "read"}});
  set("model", "m2", {{"user", "*", "read"}});
  set("model", "m3", {{"user", ann.id.value, "write"}});
  set("folder", "m4", {{"user", ann.id.value, "read"}});

  EXPECT_TRUE(may(ann, "m1", Right::read));
  EXPECT_FALSE(may(ann, "m1", Right::write));
  EXPECT_FALSE(may(bob, "m1", Right::read));
  EXPECT_TRUE(may(bob, "m2", Right::read));
  EXPECT_TRUE(may(ann, "m3", Right::read));
  EXPECT_FALSE(may(ann, "m4", Right::read));
  EXPECT_FALSE(may(ann, "m3", Right::own));
  EXPECT_THAT(ids(ann, Right::read), UnorderedElementsAre("m1", "m2", "m3"));
  EXPECT_THAT(ids(ann, Right::write), ElementsAre("m3"));
  EXPECT_THAT(ids(bob, Right::read), ElementsAre("m2"));
}

TEST_P(GrantsTest, AGroupCountsForItsMembersAndThoseBelow) {
  store.script(R"(
    INSERT INTO "group" (id, user_id, name, description, created_at, updated_at, parent_group_id)
    VALUES ('top', 'x', 'top', '', 1, 1, NULL), ('low', 'x', 'low', '', 1, 1, 'top'))");
  store.script("INSERT INTO group_member (id, group_id, user_id) VALUES ('m', 'low', '" + ann.id.value +
               "')");
  set("model", "m1", {{"group", "top", "read"}});

  EXPECT_TRUE(may(ann, "m1", Right::read));
  EXPECT_FALSE(may(bob, "m1", Right::read));
}

TEST_P(GrantsTest, OpenToAnyoneIsOnlyWhatSaysSo) {
  set("shared_chat", "c1", {{"anyone", "*", "read"}});
  set("shared_chat", "c2", {{"user", "*", "read"}});

  EXPECT_TRUE(run([&] { return here_.open_to_anyone({"shared_chat", "c1"}); }));
  EXPECT_FALSE(run([&] { return here_.open_to_anyone({"shared_chat", "c2"}); }));
  EXPECT_FALSE(may(bob, "c1", Right::read, "shared_chat"));
}

TEST_P(GrantsTest, SettingReplacesAll) {
  set("model", "m1", {{"user", ann.id.value, "read"}, {"user", ann.id.value, "write"}});
  set("model", "m1", {{"user", bob.id.value, "read"}});

  auto grants = run([&] { return here_.list({"model", "m1"}); });

  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0].principal_id, bob.id.value);
  EXPECT_EQ(run([&] { return here_.list_many("model", {"m1", "m2"}); }).size(), 1u);
}

TEST_P(GrantsTest, WhoIsNotThereIsGivenNothing) {
  set("model", "m1", {{"user", "nobody", "read"}, {"user", ann.id.value, "read"}});
  EXPECT_EQ(run([&] { return here_.list({"model", "m1"}); }).size(), 1u);
}

/// Else the grant stays behind: his others were taken away before.
TEST_P(GrantsTest, WhoIsBeingDeletedIsGivenNothing) {
  Scope scope;
  run([&] {
    return store->transact([&](store::Connection& tx) -> Task<> {
      co_await tx.script("DELETE FROM auth WHERE id = '" + bob.id.value + "'");
      co_await tx.script("DELETE FROM \"user\" WHERE id = '" + bob.id.value + "'");
      scope.start(store.loops.at(0), "share", [&]() -> Task<> {
        co_await store->transact([&](store::Connection& other) {
          return here_.set(other, {"model", "m1"}, {{"user", bob.id.value, "read"}});
        });
      });
      co_await sleep_for(std::chrono::milliseconds(100));
    });
  });
  EXPECT_TRUE(run([&] { return scope.close(std::chrono::seconds(20)); }));
  EXPECT_THAT(run([&] { return here_.list({"model", "m1"}); }), IsEmpty());
}

TEST_P(GrantsTest, WhatOneMayNotGiveIsDroppedOrRefused) {
  Grant to_bob{"user", bob.id.value, "read"}, to_all{"user", "*", "read"},
      to_group{"group", "g", "read"}, to_anyone{"anyone", "*", "read"};
  std::vector<Grant> all{to_bob, to_all, to_group, to_anyone};

  EXPECT_THAT(allowed(ann, all), IsEmpty());
  permit(R"({"sharing":{"models":true},"access_grants":{"allow_groups":false}})");
  EXPECT_THAT(allowed(ann, all), ElementsAre(to_bob));
  permit(R"({"sharing":{"models":true,"public_models":true,"open_models":true}})");
  EXPECT_EQ(allowed(ann, all).size(), 4u);
  EXPECT_EQ(allowed(root, all).size(), 4u);

  permit(R"({})");
  EXPECT_THROW(allowed(ann, {to_all}, Disallowed::refuse), Problem);
  EXPECT_THAT(allowed(ann, {to_all}, Disallowed::refuse, {to_all}), ElementsAre(to_all));
}

TEST_P(GrantsTest, NonsenseIsNoGrant) {
  for (const Grant& bad :
       {Grant{"user", "", "read"}, Grant{"robot", "1", "read"}, Grant{"user", "1", "own"},
        Grant{"anyone", "*", "write"}, Grant{"anyone", "1", "read"}, Grant{"group", "*", "read"}})
    EXPECT_THROW(allowed(root, {bad}), Problem) << bad.principal_type << bad.permission;
}

}  // namespace
}  // namespace antiphon::auth

#include "auth/principals.h"

#include <gmock/gmock.h>

#include "auth/test_identities.h"
#include "base/time.h"

namespace antiphon::auth {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;

class PrincipalsTest : public Identities {};
INSTANTIATE_TEST_SUITE_P(Engines, PrincipalsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

auto of_kind(Change::Kind kind) {
  return Field(&Change::kind, kind);
}

TEST_P(PrincipalsTest, AUserIsReadOnceAndThenKnown) {
  UserId ann = id_of(add("ann"));
  auto first = who(*here, ann);
  auto before = store->stats().statements;

  auto second = who(*here, ann);

  EXPECT_EQ(first, second);
  EXPECT_EQ(store->stats().statements, before);
  EXPECT_EQ(first->email, "ann@x.io");
  EXPECT_EQ(first->role, Role::admin);
  EXPECT_EQ(who(*here, {"nobody"}), nullptr);
}

TEST_P(PrincipalsTest, AChangeCountsAtOnceHere) {
  add("root");
  UserId bob = id_of(add("bob"));
  std::string stamp = who(*here, bob)->session_stamp;

  run([&] { return here->accounts.edit(bob, {.role = Role::pending}); });

  EXPECT_EQ(who(*here, bob)->role, Role::pending);
  EXPECT_NE(who(*here, bob)->session_stamp, stamp);
  EXPECT_THAT(here->changes, ElementsAre(of_kind(Change::Kind::user)));
}

TEST_P(PrincipalsTest, AnotherReplicaLearnsOfChangesOnce) {
  add("root");
  UserId bob = id_of(add("bob"));
  Replica there(*store.db);
  who(there, bob);

  run([&] { return here->accounts.edit(bob, {.name = "Robert"}); });
  run([&]() -> Task<> {
    co_await here->principals.commit([&](store::Connection&) -> Task<std::vector<Change>> {
      co_return std::vector{
          Change{.kind = Change::Kind::session, .user = bob, .jti = "j1", .exp = unix_seconds() + 100}};
    });
  });
  EXPECT_EQ(who(there, bob)->name, "bob");
  run([&] { return there.principals.catch_up(); });
  run([&] { return there.principals.catch_up(); });
  run([&] { return here->principals.catch_up(); });

  EXPECT_EQ(who(there, bob)->name, "Robert");
  EXPECT_TRUE(there.principals.revoked("j1"));
  EXPECT_THAT(there.changes,
              ElementsAre(of_kind(Change::Kind::refresh), of_kind(Change::Kind::session)));
  EXPECT_THAT(here->changes,
              ElementsAre(of_kind(Change::Kind::refresh), of_kind(Change::Kind::session)));
}

TEST_P(PrincipalsTest, AKeyIsKnownElsewhereAsSoonAsItIsMade) {
  add("root");
  UserId bob = id_of(add("bob"));
  Replica there(*store.db);
  who(there, bob);

  std::string hash =
      key_hash(run([&] { return here->api_keys.add(bob, {.name = "ci"}); }).key.reveal());

  auto owner = run([&] { return there.principals.find_by_key(hash); });
  ASSERT_TRUE(owner);
  EXPECT_THAT(owner->keys, ElementsAre(::testing::Field(&KnownKey::hash, hash)));
}

TEST_P(PrincipalsTest, AReplicaThatSleptTooLongStartsOver) {
  UserId ann = id_of(add("ann"));
  Replica there(*store.db);
  who(there, ann);
  for (int i = 0; i < 3; ++i)
    run([&] { return here->accounts.edit(ann, {.name = "ann" + std::to_string(i)}); });
  store.script("DELETE FROM auth_change WHERE version < 3");

  run([&] { return there.principals.catch_up(); });

  EXPECT_EQ(who(there, ann)->name, "ann2");
  EXPECT_THAT(there.changes, ElementsAre(of_kind(Change::Kind::anything)));
}

TEST_P(PrincipalsTest, RevocationsSurviveARestart) {
  UserId ann = id_of(add("ann"));
  auto revoke = [&](std::string jti, std::int64_t exp) {
    run([&]() -> Task<> {
      co_await here->principals.commit([&](store::Connection&) -> Task<std::vector<Change>> {
        co_return std::vector{
            Change{.kind = Change::Kind::session, .user = ann, .jti = jti, .exp = exp}};
      });
    });
  };
  revoke("alive", unix_seconds() + 1000);
  revoke("over", unix_seconds() - 1000);

  Replica later(*store.db);

  EXPECT_TRUE(later.principals.revoked("alive"));
  EXPECT_FALSE(later.principals.revoked("over"));
}

TEST_P(PrincipalsTest, AFailedTransactionChangesNothing) {
  UserId ann = id_of(add("ann"));
  auto fail = [&]() -> Task<> {
    co_await here->principals.commit([&](store::Connection&) -> Task<std::vector<Change>> {
      throw Problem(Problem::Kind::conflict, "no");
      co_return std::vector<Change>{};
    });
  };

  EXPECT_THROW(run(fail), Problem);
  EXPECT_EQ(who(*here, ann)->name, "ann");
  EXPECT_TRUE(here->changes.empty());
}

TEST_P(PrincipalsTest, GroupsAllowWhatTheyOrThoseAboveThemAllow) {
  UserId ann = id_of(add("ann"));
  // A cycle, as a database edited by hand may hold, must end.
  store.script(R"(
    INSERT INTO "group" (id, user_id, name, description, permissions, created_at, updated_at)
    VALUES ('top', 'x', 'top', '', '{"features":{"api_keys":true,"notes":false}}', 1, 1),
           ('low', 'x', 'low', '', '{"chat":{"delete":true},"odd":7}', 1, 1),
           ('other', 'x', 'other', '', '{"workspace":{"models":true}}', 1, 1);
    UPDATE "group" SET parent_group_id = 'top' WHERE id = 'low';
    UPDATE "group" SET parent_group_id = 'low' WHERE id = 'top';)");
  store.script("INSERT INTO group_member (id, group_id, user_id) VALUES ('m', 'low', '" + ann.value +
               "')");

  auto principal = who(*here, ann);

  EXPECT_THAT(principal->groups, ElementsAre("low", "top"));
  EXPECT_THAT(principal->allowed, ElementsAre("chat.delete", "features.api_keys"));
}

TEST_P(PrincipalsTest, PresenceIsWrittenOnceForMany) {
  UserId ann = id_of(add("ann"));
  store.script(R"(UPDATE "user" SET last_active_at = 5)");
  auto principal = who(*here, ann);
  for (int i = 0; i < 100; ++i) here->principals.seen(*principal, "");
  auto before = store->stats().statements;

  run([&] { return here->principals.flush_presence(); });
  run([&] { return here->principals.flush_presence(); });

  EXPECT_EQ(store->stats().statements, before + 1);
  Replica later(*store.db);
  EXPECT_GT(who(later, ann)->seen_at, 5);
}

// D.9, U13: fail closed
TEST_P(PrincipalsTest, WithoutTheDatabaseNobodyIsIdentifiedForLong) {
  UserId ann = id_of(add("ann"));
  who(*here, ann);
  here->principals.pretend_stale();
  EXPECT_NE(who(*here, ann), nullptr);
  run([&] { return store->close(); });

  EXPECT_NE(who(*here, ann), nullptr);
  here->principals.pretend_stale();

  EXPECT_EQ(store::problem_of([&] { return here->principals.find(ann); }).status(), 503);
}

}  // namespace
}  // namespace antiphon::auth

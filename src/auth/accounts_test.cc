#include "auth/accounts.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "auth/password.h"
#include "auth/test_identities.h"
#include "base/async.h"

namespace antiphon::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

class AccountsTest : public Identities {};
INSTANTIATE_TEST_SUITE_P(Engines, AccountsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

// row 72
TEST_P(AccountsTest, OneOfSixtyFourSimultaneousFirstSignUpsIsTheAdministrator) {
  constexpr int kMany = 64;
  std::atomic<int> done = 0, admins = 0, made = 0, first_ran = 0;
  Loops loops(4);
  loops.start();
  for (int i = 0; i < kMany; ++i)
    spawn_detached(loops.next(), [&, i]() -> Task<> {
      NewAccount form{.name = "u", .email = "u" + std::to_string(i) + "@x.io", .password_hash = "-"};
      Created created =
          co_await here->accounts.create(form, nullptr, [&](store::Connection&) -> Task<> {
            ++first_ran;
            co_return;
          });
      admins += created.outcome == Creation::first_admin;
      made += created.outcome == Creation::made;
      ++done;
    });
  while (done < kMany) std::this_thread::yield();

  EXPECT_EQ(admins, 1);
  EXPECT_EQ(made, kMany - 1);
  EXPECT_EQ(first_ran, 1);
  auto primary = run([&] { return here->accounts.primary_admin(); });
  EXPECT_EQ(who(*here, primary.value())->role, Role::admin);
}

TEST_P(AccountsTest, WhoIsNotFirstMayBeRefused) {
  add("root");
  auto no = [](store::Connection&) -> Task<bool> { co_return false; };

  Created created = run([&] {
    return here->accounts.create({.name = "x", .email = "x@x.io", .password_hash = "-"}, no, nullptr);
  });

  EXPECT_EQ(created.outcome, Creation::refused);
  EXPECT_FALSE(run([&] { return here->accounts.by_email("x@x.io"); }));
}

TEST_P(AccountsTest, AnAddressIsTakenInAnyCase) {
  EXPECT_EQ(add("root").outcome, Creation::first_admin);
  EXPECT_EQ(add("ROOT").outcome, Creation::email_taken);

  UserId bob = id_of(add("bob"));
  EXPECT_FALSE(run([&] { return here->accounts.edit(bob, {.email = "Root@X.io"}); }));
  EXPECT_TRUE(run([&] { return here->accounts.edit(bob, {.email = "Bob@X.io"}); }));
  EXPECT_EQ(run([&] { return here->accounts.by_email("BOB@x.io"); })->id, bob.value);
}

TEST_P(AccountsTest, PasswordAndRoleEndSessionsAndANameDoesNot) {
  add("root");
  UserId bob = id_of(add("bob"));
  auto stamp = [&] { return who(*here, bob)->session_stamp; };
  std::string before = stamp();

  run([&] { return here->accounts.edit(bob, {.name = "Bobby"}); });
  EXPECT_EQ(stamp(), before);
  run([&] { return here->accounts.edit(bob, {.role = Role::user}); });
  EXPECT_EQ(stamp(), before);
  run([&] { return here->accounts.set_password(bob, "h2", true); });
  EXPECT_EQ(stamp(), before);

  run([&] { return here->accounts.edit(bob, {.role = Role::admin}); });
  std::string second = stamp();
  EXPECT_NE(second, before);
  run([&] { return here->accounts.set_password(bob, "h3"); });
  EXPECT_NE(stamp(), second);
  EXPECT_EQ(run([&] { return here->accounts.find(bob); })->password, "h3");
}

// row 84
TEST_P(AccountsTest, StandInsAreAsSlowAsTheAccountsAre) {
  WorkerPool pool(1);
  Passwords passwords(pool);
  add("ann");
  add("bob");
  auto stand_in = [&](int i) {
    return run([&] { return here->accounts.stand_in(std::to_string(i) + "@x.io"); });
  };
  EXPECT_TRUE(stand_in(1).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_FALSE(run([&] { return passwords.verify(Secret("password"), stand_in(1)); }));

  store.script("UPDATE auth SET password = '$2b$12$x' WHERE email = 'ann@x.io'");
  Replica later(*store.db);
  int slow = 0;
  for (int i = 0; i < 200; ++i) {
    std::string email = std::to_string(i) + "@x.io";
    std::string first = run([&] { return later.accounts.stand_in(email); });
    EXPECT_EQ(first, run([&] { return later.accounts.stand_in(email); }));
    if (!first.starts_with("$2b$")) continue;
    ++slow;
    if (slow == 1) {
      EXPECT_FALSE(run([&] { return passwords.verify(Secret("password"), first); }));
    }
  }

  EXPECT_GT(slow, 60);
  EXPECT_LT(slow, 140);
}

TEST_P(AccountsTest, ARemovedUserLeavesNothing) {
  add("root");
  UserId bob = id_of(add("bob"));
  run([&] { return here->api_keys.add(bob, {.name = "k"}); });
  std::vector<std::string> told;
  here->accounts.on_remove([&](store::Connection&, const UserId& id) -> Task<> {
    told.push_back(id.value);
    co_return;
  });

  EXPECT_TRUE(run([&] { return here->accounts.remove(bob); }));
  EXPECT_FALSE(run([&] { return here->accounts.remove(bob); }));

  EXPECT_EQ(who(*here, bob), nullptr);
  EXPECT_EQ(told.front(), bob.value);
  EXPECT_TRUE(run([&] { return here->api_keys.list(bob); }).empty());
  EXPECT_THAT(here->changes.back(), Field(&Change::kind, Change::Kind::user));
}

// U3
TEST(AccountFields, ControlCharactersAndNonsenseAreRefused) {
  for (std::string bad :
       {"", "x", "@x.io", "a@", "a@x.io\r\nX: y", "a\t@x.io", "a b@x.io", "a@b@c", "a@x.io\x7f",
        "a@\xc2\x85.io", "a@x\xff.io", "a@x.io,b@x.io", "a@.io", "a@x."})
    EXPECT_THROW(check_email(bad), Problem) << bad;
  EXPECT_THROW(check_email(std::string(320, 'a') + "@x.io"), Problem);
  for (std::string good : {"a@x.io", "admin@localhost", "a.b+c@sub.example.org", "jörg@bücher.example"})
    EXPECT_NO_THROW(check_email(good)) << good;

  for (std::string bad : {"", "  ", "a\nb", "\x1b]0;x\x07", "a\u2028b", "\xff"})
    EXPECT_THROW(check_name(bad), Problem) << bad;
  EXPECT_THROW(check_name(std::string(101, 'a')), Problem);
  EXPECT_NO_THROW(check_name("Ødegård-李"));
}

// U14
TEST_P(AccountsTest, AKeyIsStoredHashedAndShownOnce) {
  UserId ann = id_of(add("ann"));

  auto made = run([&] { return here->api_keys.add(ann, {.name = "ci", .scopes = {"chat"}}); });

  std::string key = made.key.reveal();
  EXPECT_EQ(key.size(), 3u + 64u);
  auto principal = run([&] { return here->principals.find_by_key(key_hash(key)); });
  ASSERT_TRUE(principal);
  ASSERT_EQ(principal->keys.size(), 1u);
  EXPECT_EQ(principal->keys[0].hash, key_hash(key));
  EXPECT_THAT(principal->keys[0].scopes, ElementsAre("chat"));
  auto listed = run([&] { return here->api_keys.list(ann); });
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].name, "ci");
  EXPECT_EQ(listed[0].hint.find(key.substr(8, 20)), std::string::npos);
  EXPECT_TRUE(run([&] { return here->api_keys.remove(ann, listed[0].id); }));
  EXPECT_TRUE(who(*here, ann)->keys.empty());
}

TEST_P(AccountsTest, TheDefaultKeyIsReplacedAndOthersStay) {
  UserId ann = id_of(add("ann"));
  run([&] { return here->api_keys.add(ann, {.name = "ci"}); });

  auto first = run([&] { return here->api_keys.replace_default(ann); });
  auto second = run([&] { return here->api_keys.replace_default(ann); });

  EXPECT_EQ(run([&] { return here->api_keys.list(ann); }).size(), 2u);
  EXPECT_TRUE(run([&] { return here->principals.find_by_key(key_hash(second.key.reveal())); }));
  EXPECT_FALSE(run([&] { return here->principals.find_by_key(key_hash(first.key.reveal())); }));
  EXPECT_TRUE(run([&] { return here->api_keys.remove_default(ann); }));
  EXPECT_FALSE(run([&] { return here->api_keys.remove_default(ann); }));
}

TEST_P(AccountsTest, NobodyHasMoreKeysThanAllowed) {
  UserId ann = id_of(add("ann"));
  for (std::size_t i = 0; i < kMaxKeysPerUser; ++i)
    run([&] { return here->api_keys.add(ann, {.name = "k"}); });

  EXPECT_THROW(run([&] { return here->api_keys.add(ann, {.name = "k"}); }), Problem);
}

// row 83
TEST(KeyScopes, AllowWhatTheySay) {
  EXPECT_TRUE(scopes_allow({}, "DELETE", "/api/v1/chats/1"));
  EXPECT_TRUE(scopes_allow({"read"}, "GET", "/api/v1/chats/1"));
  EXPECT_FALSE(scopes_allow({"read"}, "POST", "/api/chat/completions"));
  EXPECT_TRUE(scopes_allow({"chat"}, "POST", "/api/chat/completions"));
  EXPECT_TRUE(scopes_allow({"chat"}, "POST", "/openai/chat/completions"));
  EXPECT_FALSE(scopes_allow({"chat"}, "POST", "/api/chat/completionsx"));
  EXPECT_FALSE(scopes_allow({"chat"}, "GET", "/api/v1/chats/1"));
  EXPECT_FALSE(scopes_allow({"admin"}, "GET", "/api/v1/chats/1"));
  EXPECT_FALSE(scopes_allow({"???"}, "GET", "/"));
  EXPECT_TRUE(scopes_keep_admin({}));
  EXPECT_FALSE(scopes_keep_admin({"write"}));
  EXPECT_TRUE(scopes_keep_admin({"write", "admin"}));
  EXPECT_THROW(check_scopes({"root"}), Problem);
}

}  // namespace
}  // namespace antiphon::auth

#include "auth/identify.h"

#include <gtest/gtest.h>

#include <chrono>

#include "auth/auth.h"
#include "base/time.h"
#include "json/text.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::auth {
namespace {

class IdentifyTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  IdentifyTest() : store(GetParam()) {
    run([&] { return store::migrate(*store.db); });
    auth.emplace(*store.db, KeyRing(parse_keys("a-secret-of-some-length")), settings, defaults);
    run([&] { return auth->load(); });
    root = add("root", Role::admin);
    ann = add("ann", Role::user);
    settings.enable_api_keys.set(true);
    settings.user_permissions.set(json::try_parse(R"({"features":{"api_keys":true}})").value());
  }
  Account add(const std::string& name, Role role) {
    NewAccount form{.name = name, .email = name + "@x.io", .password_hash = "-", .role = role};
    return run([&] { return auth->accounts.create(form, nullptr, nullptr); }).account.value();
  }
  Caller ask(http::Request request) {
    return run([&] { return auth->identify(request); });
  }
  static http::Request with(std::string_view name, std::string_view value,
                            std::string path = "/api/models") {
    http::Request out;
    out.method = "GET";
    out.path = out.raw_path = std::move(path);
    out.headers.add(name, value);
    return out;
  }
  static http::Request bearer(const std::string& token, std::string path = "/api/models") {
    return with("Authorization", "Bearer " + token, std::move(path));
  }
  std::string session(const Account& account) {
    return auth->sessions.begin(account, "password").token;
  }
  std::string key(const Account& account, ApiKeys::Form form = {.name = "k"}) {
    return run([&] { return auth->api_keys.add({account.id}, form); }).key.reveal();
  }
  UserId id(const Account& account) { return {account.id}; }

  store::Store store;
  Settings settings;
  PermissionDefaults defaults;
  std::optional<Auth> auth;
  Account root, ann;
};
INSTANTIATE_TEST_SUITE_P(Engines, IdentifyTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(IdentifyTest, ASessionIsFoundInHeaderCookieAndKeyHeader) {
  std::string token = session(ann);

  Caller by_header = ask(bearer(token));
  Caller by_cookie = ask(with("Cookie", "x=1; token=" + token));
  Caller by_key_header = ask(with("x-api-key", token));
  Caller nobody = ask(http::Request{.method = "GET", .path = "/"});

  EXPECT_EQ(by_header.id.value, ann.id);
  EXPECT_EQ(by_header.email, "ann@x.io");
  EXPECT_EQ(by_header.via, Caller::Via::session);
  EXPECT_FALSE(by_header.by_cookie);
  EXPECT_TRUE(by_cookie.by_cookie);
  EXPECT_EQ(by_cookie.id.value, ann.id);
  EXPECT_EQ(by_key_header.id.value, ann.id);
  EXPECT_EQ(nobody.via, Caller::Via::nothing);
  EXPECT_TRUE(nobody.failure.empty());
  EXPECT_EQ(ask(with("Authorization", "Basic dTpw")).failure, "");
  EXPECT_EQ(ask(with("Authorization", "bearer " + token)).id.value, ann.id);
}

TEST_P(IdentifyTest, TheCookieThatNoOtherHostCanSetCountsBeforeTheOther) {
  std::string mine = session(ann), planted = session(root);

  EXPECT_EQ(ask(with("Cookie", "token=" + planted + "; __Host-token=" + mine)).id.value, ann.id);
  EXPECT_EQ(ask(with("Cookie", "__Host-token=" + mine + "; token=" + planted)).id.value, ann.id);
  EXPECT_TRUE(ask(with("Cookie", "__Host-token=" + mine)).by_cookie);
  EXPECT_EQ(ask(with("Cookie", "__Host-token=; token=" + mine)).id.value, ann.id);
  EXPECT_FALSE(ask(with("Cookie", "__Host-token=dead; token=" + planted)).failure.empty());
  EXPECT_EQ(session_token_in(with("Cookie", "token=" + planted + "; __Host-token=" + mine)), mine);
}

TEST_P(IdentifyTest, TheHeaderCountsBeforeTheCookie) {
  http::Request request = bearer(session(root));
  request.headers.add("Cookie", "token=" + session(ann));

  EXPECT_EQ(ask(request).id.value, root.id);
}

// row 87
TEST_P(IdentifyTest, WhatIsNoTokenIsNobody) {
  for (const std::string& bad :
       {std::string("x"), std::string("sk-x"), std::string("sk-") + std::string(64, 'a'),
        std::string(100'000, 'a'), session(ann) + "x"}) {
    Caller caller = ask(bearer(bad));
    EXPECT_EQ(caller.via, Caller::Via::nothing);
    EXPECT_EQ(caller.failure_status, 401);
    EXPECT_FALSE(caller.failure.empty());
  }
}

// U2
TEST_P(IdentifyTest, ASessionThatWasSignedOutIsDeadAndOthersLive) {
  std::string token = session(ann), other = session(ann);
  Caller caller = ask(bearer(token));

  run([&] { return auth->sessions.end(caller); });

  EXPECT_EQ(ask(bearer(token)).via, Caller::Via::nothing);
  EXPECT_EQ(ask(bearer(other)).via, Caller::Via::session);
  EXPECT_FALSE(run([&] { return auth->identify.session(token); }));
  EXPECT_FALSE(run([&] { return auth->identify.renew(caller); }));
}

// rows 79, 82
TEST_P(IdentifyTest, RightsThatWentAreGoneAtOnce) {
  std::string token = session(ann), api_key = key(ann);
  Caller caller = run([&] { return auth->identify.session(token); }).value();
  EXPECT_TRUE(run([&] { return auth->identify.renew(caller); }));
  EXPECT_EQ(ask(bearer(api_key)).via, Caller::Via::api_key);

  run([&] { return auth->accounts.edit(id(ann), {.role = Role::pending}); });

  EXPECT_EQ(ask(bearer(token)).via, Caller::Via::nothing);
  EXPECT_EQ(ask(bearer(api_key)).failure_status, 401);
  EXPECT_FALSE(run([&] { return auth->identify.renew(caller); }));
  run([&] { return auth->accounts.remove(id(ann)); });
  EXPECT_EQ(ask(bearer(api_key)).via, Caller::Via::nothing);
}

TEST_P(IdentifyTest, APendingUserHasASession) {
  Account pending = add("paul", Role::pending);

  EXPECT_EQ(ask(bearer(session(pending))).role, Role::pending);
}

TEST_P(IdentifyTest, WhoIsLetInGoesOnWithTheSessionHeWaitedWith) {
  Account pending = add("paul", Role::pending);
  std::string token = session(pending);

  run([&] { return auth->accounts.edit(id(pending), {.role = Role::user}); });

  EXPECT_EQ(ask(bearer(token)).role, Role::user);
  run([&] { return auth->accounts.edit(id(pending), {.role = Role::pending}); });
  EXPECT_EQ(ask(bearer(token)).via, Caller::Via::nothing);
}

// row 82
TEST_P(IdentifyTest, AKeyThatMayNotSaysForbidden) {
  std::string api_key = key(ann);
  EXPECT_EQ(ask(bearer(api_key)).id.value, ann.id);

  settings.user_permissions.set(json::try_parse("{}").value());
  EXPECT_EQ(ask(bearer(api_key)).failure_status, 403);
  EXPECT_EQ(ask(bearer(key(root))).via, Caller::Via::api_key);
  settings.user_permissions.set(json::try_parse(R"({"features":{"api_keys":true}})").value());
  settings.enable_api_keys.set(false);
  EXPECT_EQ(ask(bearer(api_key)).failure_status, 403);
}

TEST_P(IdentifyTest, KeysMayBeRestrictedToPaths) {
  std::string api_key = key(ann);
  settings.restrict_api_keys.set(true);
  settings.api_key_endpoints.set("/api/models, /api/v1/chats/");

  EXPECT_EQ(ask(bearer(api_key, "/api/models")).via, Caller::Via::api_key);
  EXPECT_EQ(ask(bearer(api_key, "/api/v1/chats/1")).via, Caller::Via::api_key);
  EXPECT_EQ(ask(bearer(api_key, "/api/v1/chatsx")).failure_status, 403);
  EXPECT_EQ(ask(bearer(api_key, "/api/v1/users/")).failure_status, 403);
}

TEST_P(IdentifyTest, AKeyExpiresAndKeepsToItsScopes) {
  std::string old = key(ann, {.name = "old", .expires_at = unix_seconds() - 1});
  std::string chat = key(root, {.name = "chat", .scopes = {"chat"}});

  EXPECT_EQ(ask(bearer(old)).failure, "This API key has expired.");
  EXPECT_EQ(ask(bearer(chat)).role, Role::user);
  EXPECT_EQ(ask(bearer(chat, "/api/v1/users/")).failure_status, 403);
}

// row 89
TEST_P(IdentifyTest, OnlyATrustedProxyMayNameAnotherUser) {
  settings.trusted_email_header.set("X-Forwarded-Email");
  http::Request request = bearer(session(ann));
  request.headers.add("X-Forwarded-Email", "root@x.io");

  EXPECT_EQ(ask(request).id.value, ann.id);
  request.from_proxy = true;
  EXPECT_EQ(ask(request).via, Caller::Via::nothing);
  http::Request same = bearer(session(ann));
  same.headers.add("X-Forwarded-Email", "Ann@X.io");
  same.from_proxy = true;
  EXPECT_EQ(ask(same).id.value, ann.id);
}

TEST_P(IdentifyTest, ASessionEndsWithItsTime) {
  settings.jwt_expires_in.set("-1");
  Session for_ever = auth->sessions.begin(ann, "password");
  EXPECT_EQ(for_ever.expires_at, 0);
  EXPECT_EQ(ask(bearer(for_ever.token)).expires_at, 0);
  settings.jwt_expires_in.set("1h");
  EXPECT_NEAR(static_cast<double>(auth->sessions.begin(ann, "password").expires_at),
              static_cast<double>(unix_seconds() + 3'600), 2);
}

TEST_P(IdentifyTest, IdentifyingCostsNoStatement) {
  http::Request request = bearer(session(ann));
  ask(request);
  auto before = store->stats().statements;

  auto start = std::chrono::steady_clock::now();
  run([&]() -> Task<> {
    for (int i = 0; i < 2'000; ++i) (void)co_await auth->identify(request);
  });
  auto each = (std::chrono::steady_clock::now() - start) / 2'000;

  EXPECT_EQ(store->stats().statements, before);
  RecordProperty("nanoseconds", static_cast<int>(each.count()));
}

TEST_P(IdentifyTest, TheSecretInTheDatabaseIsMadeOnceAndShared) {
  auto first = run([&] { return load_keys(*store.db, {}); });
  auto second = run([&] { return load_keys(*store.db, {}); });
  auto given =
      run([&] { return load_keys(*store.db, {.secret = Secret("one-from-the-environment")}); });

  EXPECT_EQ(first.front().secret.reveal(), second.front().secret.reveal());
  EXPECT_EQ(first.front().secret.reveal().size(), 64u);
  EXPECT_NE(given.front().kid, first.front().kid);
  // What was made still verifies, so an operator may set one of his own at any time.
  ASSERT_EQ(given.size(), 2u);
  EXPECT_EQ(given.back().kid, first.front().kid);
  EXPECT_EQ(given.back().source, "the database");
  EXPECT_THROW(run([&] { return load_keys(*store.db, {.file = "/nowhere/at/all"}); }), Problem);
}

}  // namespace
}  // namespace antiphon::auth

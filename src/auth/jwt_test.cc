#include "auth/jwt.h"

#include <gtest/gtest.h>

#include "base/encode.h"
#include "base/problem.h"

namespace antiphon::auth {
namespace {

constexpr std::int64_t kNow = 1'795'000'000;

KeyRing ring_of(std::string_view keys) {
  return KeyRing(parse_keys(keys));
}

Claims some_claims() {
  return {.id = "u1",
          .typ = "session",
          .auth_method = "password",
          .auth_time = kNow,
          .session_stamp = "stamp",
          .exp = kNow + 100,
          .jti = "j1",
          .iat = kNow};
}

/// As Open WebUI, or an attacker who knows `key`, would write it.
std::string forge(std::string header, std::string payload, std::string_view key) {
  std::string input = base64url(header) + "." + base64url(payload);
  return input + "." + base64url(hmac_sha256(key, input));
}

const std::string kPlain = R"({"alg":"HS256","typ":"JWT"})";
const std::string kClaims =
    R"({"id":"u1","typ":"session","session_stamp":"s","exp":1795000100,"jti":"j","iat":1795000000})";

bool accepted(std::string_view token, std::int64_t now = kNow) {
  return verify(ring_of("a-secret-of-some-length"), Purpose::session, token, now).has_value();
}

TEST(Jwt, WhatIsSignedIsReadBack) {
  KeyRing ring = ring_of("a-secret-of-some-length");

  auto claims = verify(ring, Purpose::session, sign(ring, Purpose::session, some_claims()), kNow);

  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->id, "u1");
  EXPECT_EQ(claims->session_stamp, "stamp");
  EXPECT_EQ(claims->exp, kNow + 100);
  EXPECT_EQ(claims->jti, "j1");
}

TEST(Jwt, TakesTokensThatOpenWebUiSignedWithTheSameSecret) {
  EXPECT_TRUE(accepted(forge(kPlain, kClaims, "a-secret-of-some-length")));
}

TEST(Jwt, OldKeysVerifyAndTheFirstSigns) {
  KeyRing before = ring_of("old:an-older-secret-key");
  KeyRing after = ring_of("new:a-newer-secret-key,old:an-older-secret-key");
  KeyRing later = ring_of("new:a-newer-secret-key");
  std::string old_token = sign(before, Purpose::session, some_claims());
  std::string new_token = sign(after, Purpose::session, some_claims());

  EXPECT_TRUE(verify(after, Purpose::session, old_token, kNow));
  EXPECT_TRUE(verify(later, Purpose::session, new_token, kNow));
  EXPECT_FALSE(verify(later, Purpose::session, old_token, kNow));
  EXPECT_TRUE(verify(after, Purpose::session, forge(kPlain, kClaims, "an-older-secret-key"), kNow));
}

// row 88
TEST(Jwt, ATokenOfOnePurposeIsRefusedForEveryOther) {
  KeyRing ring = ring_of("a-secret-of-some-length");
  for (Purpose made : {Purpose::session, Purpose::challenge, Purpose::sealing, Purpose::signed_url})
    for (Purpose used : {Purpose::session, Purpose::challenge, Purpose::sealing, Purpose::signed_url})
      EXPECT_EQ(verify(ring, used, sign(ring, made, some_claims()), kNow).has_value(), made == used);
  EXPECT_FALSE(
      verify(ring, Purpose::challenge, forge(kPlain, kClaims, "a-secret-of-some-length"), kNow));
}

// row 87
TEST(Jwt, OtherAlgorithmsAndHeadersAreRefused) {
  for (const char* header :
       {R"({"alg":"none","typ":"JWT"})", R"({"alg":"RS256","typ":"JWT"})", R"({"alg":"HS512"})",
        R"({"alg":"hs256"})", R"({"typ":"JWT"})", R"({"alg":"HS256","typ":"JWE"})",
        R"({"alg":"HS256","alg":"none"})", R"({"alg":["HS256"]})", R"({"alg":"HS256","kid":""})",
        R"({"alg":"HS256","jku":"https://evil"})", R"({"alg":"HS256","crit":["x"]})", "{}", "[]", ""})
    EXPECT_FALSE(accepted(forge(header, kClaims, "a-secret-of-some-length"))) << header;
  std::string unsigned_token = base64url(R"({"alg":"none"})") + "." + base64url(kClaims) + ".";
  EXPECT_FALSE(accepted(unsigned_token));
}

// row 87
TEST(Jwt, ForeignKeysAndChangedPayloadsAreRefused) {
  std::string token = forge(kPlain, kClaims, "a-secret-of-some-length");
  std::string other = base64url(R"({"id":"admin","typ":"session","jti":"j","iat":1})");
  std::size_t dot = token.find('.'), last = token.rfind('.');

  EXPECT_FALSE(accepted(forge(kPlain, kClaims, "another secret")));
  EXPECT_FALSE(accepted(forge(kPlain, kClaims, "")));
  EXPECT_FALSE(accepted(token.substr(0, dot + 1) + other + token.substr(last)));
  EXPECT_FALSE(accepted(token.substr(0, last + 1)));
  EXPECT_FALSE(accepted(token + "A"));
  EXPECT_FALSE(accepted(token + "="));
  EXPECT_FALSE(accepted(token + ".x"));
  EXPECT_THROW(KeyRing({{"k", Secret("")}}), Problem);
  EXPECT_THROW(KeyRing({}), Problem);
}

// row 87
TEST(Jwt, TokensOutsideTheirTimeAreRefused) {
  auto with = [](std::string extra) {
    return forge(kPlain, R"({"id":"u","typ":"session","jti":"j",)" + extra + "}",
                 "a-secret-of-some-length");
  };
  EXPECT_TRUE(accepted(with(R"("iat":1795000000)")));
  EXPECT_TRUE(accepted(with(R"("iat":1795000060)")));
  EXPECT_FALSE(accepted(with(R"("iat":1795000061)")));
  EXPECT_TRUE(accepted(with(R"("nbf":1795000060)")));
  EXPECT_FALSE(accepted(with(R"("nbf":1795000061)")));
  EXPECT_FALSE(accepted(with(R"("exp":1795000000)")));
  EXPECT_FALSE(accepted(with(R"("exp":0)")));
  EXPECT_FALSE(accepted(with(R"("exp":-5)")));
  EXPECT_FALSE(accepted(with(R"("exp":"1799999999")")));
  EXPECT_FALSE(accepted(with(R"("exp":99999999999999999999)")));
  EXPECT_FALSE(accepted(with(R"("exp":1.8e9)")));
}

// row 87
TEST(Jwt, DoubtfulClaimsAreRefused) {
  auto with = [](std::string payload) { return forge(kPlain, payload, "a-secret-of-some-length"); };
  EXPECT_FALSE(accepted(with(R"({"id":"a","id":"b","typ":"session","jti":"j"})")));
  EXPECT_FALSE(accepted(with(R"({"id":"a","typ":"session"})")));
  EXPECT_FALSE(accepted(with(R"({"typ":"session","jti":"j"})")));
  EXPECT_FALSE(accepted(with(R"({"id":{"$ne":1},"typ":"session","jti":"j"})")));
  EXPECT_FALSE(accepted(with(R"({"id":"\u0061","typ":"session","jti":"j"})")));
  EXPECT_FALSE(accepted(with("{\"id\":\"a\n\",\"typ\":\"session\",\"jti\":\"j\"}")));
  EXPECT_FALSE(accepted(with(R"({"id":"a","typ":"session","jti":"j"} )"
                             "x")));
  EXPECT_FALSE(accepted(with(R"({"id":"a","typ":"session","jti":"j","iss":"other"})")));
  EXPECT_FALSE(accepted(with(std::string(100'000, '['))));
  EXPECT_FALSE(accepted(std::string(100'000, 'a')));
  EXPECT_FALSE(accepted(std::string(100'000, '.')));
  EXPECT_FALSE(accepted(""));
  EXPECT_FALSE(accepted(".."));
}

}  // namespace
}  // namespace antiphon::auth

#include "http/wire.h"

#include <gtest/gtest.h>

namespace antiphon::http {
namespace {

std::string head(const Response& response, Framing framing = {}) {
  std::string out;
  write_head(out, response, framing);
  return out;
}
bool has(const std::string& text, std::string_view line) {
  return text.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

TEST(Wire, FramesAResponse) {
  std::string text = head(Response{.status = 201, .body = "{}"},
                          {.request_id = "r1", .took = std::chrono::microseconds(1'234'567)});

  EXPECT_TRUE(text.starts_with("HTTP/1.1 201 Created\r\n"));
  EXPECT_TRUE(has(text, "Content-Length: 2"));
  EXPECT_TRUE(has(text, "Content-Type: application/json"));
  EXPECT_TRUE(has(text, "X-Request-Id: r1"));
  EXPECT_TRUE(has(text, "X-Process-Time: 1.234567"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  EXPECT_FALSE(has(text, "Connection: close"));
}

TEST(Wire, SaysHowTheConnectionGoesOn) {
  EXPECT_TRUE(has(head({}, {.keep_alive = false}), "Connection: close"));
  EXPECT_TRUE(has(head({}, {.minor = 0}), "Connection: keep-alive"));
  EXPECT_TRUE(has(head({}, {.streams = true}), "Transfer-Encoding: chunked"));
  EXPECT_FALSE(has(head({}, {.minor = 0, .streams = true}), "Transfer-Encoding: chunked"));
}

TEST(Wire, LetsAHandlerReplaceAPolicyButNotAddToIt) {
  Response response;
  response.header("cache-control", "max-age=60").header("Content-Security-Policy", "sandbox");
  std::string text = head(response);

  EXPECT_TRUE(has(text, "cache-control: max-age=60"));
  EXPECT_FALSE(has(text, "Cache-Control: no-store"));
  EXPECT_TRUE(has(text, "Content-Security-Policy: sandbox"));
  EXPECT_EQ(text.find("default-src"), std::string::npos);
  EXPECT_TRUE(has(text, "X-Content-Type-Options: nosniff"));
}

TEST(Wire, GivesPagesThePolicyOfPages) {  // regressions 2.8
  std::string text = head(Response{.type = "text/html; charset=utf-8"});

  EXPECT_NE(text.find("script-src 'self';"), std::string::npos);
  EXPECT_NE(text.find("frame-ancestors 'self'"), std::string::npos);
  EXPECT_TRUE(has(head({}, {.tls = true}), "Strict-Transport-Security: max-age=31536000"));
}

TEST(Wire, DropsFieldsThatWouldSplitTheResponse) {  // row 25
  Response response{.type = "text/plain\r\nX-Evil: 1"};
  response.header("X-A", "b\r\nX-Evil: 1").header("X-Evil: 1\r\nX", "y").header("Content-Length", "7");
  response.header("Connection", "x").header("X-Tab", "a\tb");
  std::string text = head(response);

  EXPECT_EQ(text.find("X-Evil"), std::string::npos) << text;
  EXPECT_FALSE(has(text, "Content-Length: 7"));
  EXPECT_FALSE(has(text, "Connection: x"));
  EXPECT_TRUE(has(text, "X-Tab: a\tb"));
}

TEST(Wire, TellsWhetherABodyFollows) {  // row 113
  EXPECT_TRUE(carries_body({.status = 200}, {}));
  EXPECT_FALSE(carries_body({.status = 204}, {}));
  EXPECT_FALSE(carries_body({.status = 304}, {}));
  EXPECT_FALSE(carries_body({.status = 200}, {.head_only = true}));
  EXPECT_EQ(head({.status = 204}).find("Content-Length"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::http

#include "client/url.h"

#include <gtest/gtest.h>

#include "base/problem.h"

namespace antiphon::client {
namespace {

std::string refusal(std::string_view text) {
  try {
    return "accepted " + parse_url(text).text;
  } catch (const Problem& p) {
    return p.status() == 400 ? "" : p.detail();
  }
}

// rows 3, 16
TEST(Url, WhatTwoParsersCouldReadDifferentlyIsRefused) {
  for (std::string_view text : {"http://127.0.0.1\\@1.1.1.1",
                                "http://user@host/",
                                "http://user:secret@host/",
                                "http://:x@host/",
                                "http://@host/",
                                "http://ho st/",
                                "http://host/a b",
                                "http://host/\ta",
                                "http://host/\r\nX: y",
                                "http://host\n",
                                " http://host/",
                                "http://host/ ",
                                "http:///path",
                                "http:/host/",
                                "http:host/",
                                "http://",
                                "",
                                "host",
                                "//host/x",
                                "file:///etc/passwd",
                                "gopher://host:70/_x",
                                "ftp://host/",
                                "ldap://host/",
                                "dict://host:11211/",
                                "javascript:alert(1)",
                                "data:text/plain,x",
                                "http://host:99999/",
                                "http://host:port/",
                                "http://[::1/",
                                "http://[zz]/",
                                "http://metadata.google.internal/computeMetadata/v1/",
                                "http://METADATA.google.internal./"})
    EXPECT_EQ(refusal(text), "") << text;
  EXPECT_EQ(refusal(std::string_view("http://ho\0st/", 13)), "");
  EXPECT_EQ(refusal("http://host/" + std::string(9000, 'a')), "");
}

TEST(Url, SaysWhoseItIs) {
  Url url = parse_url("HTTPS://API.Example.com/v1?x=1#part");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.text.find('#'), std::string::npos);
  EXPECT_EQ(parse_url("http://h:80/").origin, parse_url("http://h/other").origin);
  EXPECT_NE(parse_url("http://h/").origin, parse_url("https://h/").origin);
  EXPECT_NE(parse_url("http://h/").origin, parse_url("http://h:81/").origin);
}

TEST(Url, ARedirectIsReadAgainstWhereItCameFromAndCheckedAgain) {
  Url from = parse_url("https://host/a/b?x");
  EXPECT_EQ(join_url(from, "c").text, "https://host/a/c");
  EXPECT_EQ(join_url(from, "/c").text, "https://host/c");
  EXPECT_EQ(join_url(from, "//other/c").text, "https://other/c");
  EXPECT_EQ(join_url(from, "http://other/").text, "http://other/");
  EXPECT_THROW(join_url(from, "file:///etc/passwd"), Problem);
  EXPECT_THROW(join_url(from, "http://u:p@host/"), Problem);
  EXPECT_THROW(join_url(from, "http://a\\@b/"), Problem);
}

// row 9
TEST(Headers, NoCredentialGoesToAnotherOriginUnderAnyName) {
  std::vector<Header> kept = without_credentials({{"Authorization", "Bearer x"},
                                                  {"Cookie", "a=b"},
                                                  {"x-api-key", "k"},
                                                  {"api-key", "k"},
                                                  {"X-Anything", "t"},
                                                  {"Accept", "*/*"}});
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].first, "Accept");
}

TEST(Headers, ALineBreakCannotBeSmuggledIn) {
  EXPECT_THROW(check_header({"X", "a\r\nY: b"}), Problem);
  EXPECT_THROW(check_header({"X\r\nY", "a"}), Problem);
  EXPECT_THROW(check_header({"X:", "a"}), Problem);
  EXPECT_THROW(check_header({"", "a"}), Problem);
  EXPECT_NO_THROW(check_header({"X-Name", "é \t\"x\""}));
}

}  // namespace
}  // namespace antiphon::client

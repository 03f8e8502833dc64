#include "http/head.h"

#include <gtest/gtest.h>

#include "http/chunked.h"

namespace antiphon::http {
namespace {

/// 0 when the request is taken, else the status it is refused with; -1 when it has no end.
int verdict(std::string_view bytes) {
  HeadScanner scanner;
  auto end = scanner.scan(bytes);
  if (!end) return end.error().status;
  if (!*end) return -1;
  auto head = read_head(bytes.substr(0, **end));
  if (!head) return head.error().status;
  Request request;
  if (auto refusal = read_target(head->target, request)) return refusal->status;
  return 0;
}

std::string get(std::string_view lines, std::string_view target = "/x") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
}
std::string post(std::string_view lines) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
}
std::string repeat(std::string_view text, int times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

struct Case {
  std::string bytes;
  int status;
};

void expect_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(verdict(c.bytes), c.status) << c.bytes.substr(0, 300);
}

TEST(Head, TakesWhatClientsSend) {
  expect_all({
      {get(""), 0},
      {get("Accept: */*\r\nX-Empty:\r\nX-Text: caf\xc3\xa9\r\n"), 0},
      {get("", "/?a=1&b=%20+&c"), 0},
      {get("", "/a%20b/%C3%A9"), 0},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"OPTIONS /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0},
      {post("Content-Length: 5\r\n"), 0},
      {post("Transfer-Encoding: Chunked\r\n"), 0},
      {post("Content-Length: 0\r\nContent-Encoding: gzip\r\n"), 0},
  });
}

TEST(Head, RefusesEveryDoubtAboutWhereTheBodyEnds) {  // rows 101, 102
  expect_all({
      {post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {post("Transfer-Encoding: xchunked\r\n"), 501},
      {post("Transfer-Encoding: chunked, identity\r\n"), 501},
      {post("Transfer-Encoding: \"chunked\"\r\n"), 501},
      {post("Transfer-Encoding: chunked;x\r\n"), 501},
      {post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {post("Transfer-Encoding:\r\n"), 501},
      {"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {post("Content-Length: 5, 5\r\n"), 400},
      {post("Content-Length: +5\r\n"), 400},
      {post("Content-Length: -1\r\n"), 400},
      {post("Content-Length: 0x5\r\n"), 400},
      {post("Content-Length: 5 5\r\n"), 400},
      {post("Content-Length:\r\n"), 400},
      {post("Content-Length: 00000000000000000000005\r\n"), 400},
      {post("Content-Length: 99999999999999999999999\r\n"), 400},
  });
}

TEST(Head, RefusesBytesThatReadersTakeDifferently) {  // row 103
  expect_all({
      {get("X: a\r\n b\r\n"), 400},
      {get("X: a\r\n\tb\r\n"), 400},
      {"GET /x HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {get("X : a\r\n"), 400},
      {get(" X: a\r\n"), 400},
      {get(": a\r\n"), 400},
      {get("X\r\n"), 400},
      {get("X: a\nY: b\r\n"), 400},
      {get("X: a\rY: b\r\n"), 400},
      {"GET /x HTTP/1.1\nHost: h\n\n", 400},
      {get(std::string_view("X: a\0b\r\n", 8)), 400},
      {get("X: a\x01\r\n"), 400},
      {get("X\x7f: a\r\n"), 400},
      {get("X\xc3\xa9: a\r\n"), 400},
      {get("", "/caf\xc3\xa9"), 400},
      {get("", "/a\tb"), 400},
      {get("", "/a#b"), 400},
      {get("", "/a b"), 400},
      {"\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET  /x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /x  HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /x HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
      {"GET /x\r\n\r\n", 400},
      {"\x16\x03\x01\x02", 400},
  });
}

TEST(Head, WantsOneHost) {  // row 103, U11
  expect_all({
      {"GET /x HTTP/1.1\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {get("Authorization: a\r\nauthorization: b\r\n"), 400},
  });
}

TEST(Head, TakesOriginFormAndKnownMethodsOnly) {  // row 105
  expect_all({
      {get("", "http://h/x"), 400},
      {get("", "http:http://x"), 400},
      {get("", "*"), 400},
      {get("", "x"), 400},
      {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"TRACE /x HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"get /x HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"BREW /x HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"PRI * HTTP/2.0\r\n\r\n", 400},  // row 111
      {"GET /x HTTP/1.2\r\nHost: h\r\n\r\n", 400},
      {"GET /x HTTP/2.0\r\nHost: h\r\n\r\n", 400},
      {"GET /x HTTP/0.9\r\nHost: h\r\n\r\n", 400},
      {"GET /x http/1.1\r\nHost: h\r\n\r\n", 400},
  });
}

TEST(Head, BoundsEveryPart) {  // row 106
  expect_all({
      {get("", "/" + std::string(8191, 'a')), 0},
      {get("", "/" + std::string(8192, 'a')), 414},
      {"GET /" + std::string(20'000, 'a'), 414},
      {get("X: " + std::string(16'000, 'a') + "\r\n"), 0},
      {get("X: " + std::string(16'400, 'a') + "\r\n"), 431},
      {get("X: " + std::string(20'000, 'a')), 431},
      {get(repeat("X: a\r\n", 99)), 0},
      {get(repeat("X: a\r\n", 100)), 431},
      {get(repeat("X: a\r\n", 1000)), 431},
      {get("Cookie: " + std::string(4096, 'a') + "\r\n"), 0},
      {get("Cookie: " + std::string(4097, 'a') + "\r\n"), 431},
      {get(repeat("Cookie: " + std::string(1000, 'a') + "\r\n", 5)), 431},
  });
}

TEST(Head, RefusesCompressedBodiesAndOtherExpectations) {  // row 112
  expect_all({
      {post("Content-Length: 5\r\nContent-Encoding: gzip\r\n"), 415},
      {post("Transfer-Encoding: chunked\r\nContent-Encoding: br\r\n"), 415},
      {post("Content-Length: 5\r\nContent-Encoding: identity\r\n"), 0},
      {post("Content-Length: 5\r\nExpect: 100-continue\r\n"), 0},
      {post("Content-Length: 5\r\nExpect: tea\r\n"), 417},
  });
}

TEST(Head, DecodesThePathOnce) {  // row 21
  Request request;
  EXPECT_FALSE(read_target("/a%20b/c?x=%41+b&y=&z&x=2", request));
  EXPECT_EQ(request.path, "/a b/c");
  EXPECT_EQ(request.raw_path, "/a%20b/c");
  EXPECT_EQ(request.parameter("x"), "A b");
  EXPECT_EQ(request.query.count("x"), 2u);
  EXPECT_EQ(request.parameter("y"), "");
  EXPECT_EQ(request.parameter("z"), "");

  std::string encoded = "../admin";
  for (int i = 0; i != 10; ++i) {
    Request r;
    EXPECT_TRUE(read_target("/ollama/" + encoded, r)) << encoded;
    std::string next;
    for (char c : encoded)
      if (c == '%')
        next += "%25";
      else if (c == '.')
        next += "%2e";
      else
        next += c;
    encoded = next;
  }
  for (std::string bad : {"/a/..", "/./a", "/..%2fa", "/a%5cb", "/a\\b", "/a%00", "/a%0ab", "/a%7f",
                          "/a%", "/a%2", "/a%zz", "/a%ff", "/x?a=%00", "/x?a=%", "/x?a=%ff"}) {
    Request r;
    EXPECT_TRUE(read_target(bad, r)) << bad;
  }
  Request dots;
  EXPECT_FALSE(read_target("/a..b/...", dots));
}

TEST(Head, ReadsHowTheConnectionGoesOn) {
  auto head = [](std::string_view bytes) { return *read_head(bytes); };
  EXPECT_TRUE(head(get("")).keep_alive);
  EXPECT_FALSE(head(get("Connection: foo, Close\r\n")).keep_alive);
  EXPECT_FALSE(head("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(head("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  EXPECT_TRUE(head(get("Connection: Upgrade\r\nUpgrade: websocket\r\n")).wants_websocket);
  EXPECT_FALSE(head(get("Upgrade: websocket\r\n")).wants_websocket);
  EXPECT_FALSE(head(get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n")).wants_websocket);
}

TEST(Head, IsTheSameWhereverTheBytesAreCut) {
  std::string bytes = get("X: one\r\nY: two\r\n") + "GET";
  HeadScanner scanner;
  for (std::size_t size = 0; size + 3 < bytes.size(); ++size)
    EXPECT_FALSE(scanner.scan(std::string_view(bytes).substr(0, size)).value()) << size;
  EXPECT_EQ(scanner.scan(bytes).value(), bytes.size() - 3);
}

/// The body, or what it was refused with.
std::string chunked(std::string_view bytes, std::size_t limit = 100, std::size_t step = 1) {
  std::string out;
  ChunkedBody body(out, limit);
  while (!bytes.empty() && !body.done()) {
    auto taken = body.take(bytes.substr(0, step));
    if (!taken) return "refused " + std::to_string(taken.error().status);
    bytes.remove_prefix(*taken);
  }
  return body.done() ? out + "|" + std::string(bytes) : "unfinished " + out;
}

TEST(Chunked, PutsTheDataTogether) {
  std::string_view bytes = "5\r\nhello\r\n1 ;a=\"b\"\r\n!\r\n0\r\nTrailer: x\r\nX: y\r\n\r\nGET";
  for (std::size_t step : {1, 2, 3, 7, 100}) EXPECT_EQ(chunked(bytes, 100, step), "hello!|GET");
  EXPECT_EQ(chunked("0\r\n\r\n"), "|");
  EXPECT_EQ(chunked("A\r\n0123456789\r\n0\r\n\r\n"), "0123456789|");
  EXPECT_EQ(chunked("5\r\nhel"), "unfinished hel");
}

TEST(Chunked, RefusesWhatIsMalformedOrTooMuch) {  // row 107
  EXPECT_EQ(chunked("65\r\n" + std::string(101, 'a')), "refused 413");
  EXPECT_EQ(chunked("FFFFFFFFFFFFFFFF\r\n"), "refused 413");
  EXPECT_EQ(chunked("00000000000000001\r\na\r\n0\r\n\r\n"), "refused 400");
  for (const std::string& bad :
       {"g\r\n", "\r\n", ";a\r\n", "5\nhello", "5\r\nhello0\r\n", "5\r\nhello\n", "-1\r\n", "0x5\r\n",
        "+5\r\n", "5\r\rhello", "0\r\n\n", "0\r\nX: \x01\r\n\r\n", "1;\n\r\na"})
    EXPECT_EQ(chunked(bad), "refused 400") << bad;
  EXPECT_EQ(chunked("1;a=" + std::string(9000, 'b') + "\r\na\r\n0\r\n\r\n"), "refused 400");
  EXPECT_EQ(chunked("0\r\nX: " + std::string(9000, 'b') + "\r\n\r\n"), "refused 400");
  EXPECT_EQ(chunked(repeat("1\r\na\r\n", 10'000) + "0\r\n\r\n", 1 << 20), "refused 400");
  EXPECT_EQ(chunked(repeat("10\r\n0123456789abcdef\r\n", 10'000) + "0\r\n\r\n", 1 << 20).size(),
            160'001u);
}

}  // namespace
}  // namespace antiphon::http

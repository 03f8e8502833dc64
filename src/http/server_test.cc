#include "http/server.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/metrics.h"
#include "http/testing_server.h"

namespace antiphon::http {
namespace {

using testing::count;
using testing::header_in;
using testing::Rig;
using testing::status_of;
using testing::Wire;
using namespace std::chrono_literals;

std::string repeat(std::string_view text, int times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

TEST(Server, AnswersAndKeepsTheConnection) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());

  for (int i = 0; i != 3; ++i) {
    wire.send(Rig::get("/health"));
    std::string reply = wire.read_until("true}");
    EXPECT_EQ(status_of(reply), 200) << reply;
    EXPECT_EQ(header_in(reply, "Content-Length"), "15");
  }
  EXPECT_FALSE(wire.closed());
}

TEST(Server, SaysThePolicyOnEveryResponse) {  // regressions 2.8, U1
  Rig rig;
  rig.start();
  for (const std::string& bytes :
       {Rig::get("/health"), Rig::get("/nowhere"), std::string("BAD\r\n\r\n"),
        Rig::get("/health", "Origin: https://evil\r\n")}) {
    std::string reply = rig.say(bytes);
    EXPECT_EQ(header_in(reply, "X-Content-Type-Options"), "nosniff") << reply;
    EXPECT_EQ(header_in(reply, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header_in(reply, "Cache-Control"), "no-store");
    EXPECT_EQ(header_in(reply, "Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(header_in(reply, "Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_NE(header_in(reply, "Content-Security-Policy"), "");
    EXPECT_EQ(header_in(reply, "X-Request-Id").size(), 20u);
    EXPECT_NE(header_in(reply, "X-Process-Time"), "");
    EXPECT_NE(header_in(reply, "Date"), "");
    EXPECT_EQ(header_in(reply, "Access-Control-Allow-Origin"), "");
    EXPECT_EQ(header_in(reply, "Strict-Transport-Security"), "");
  }
}

TEST(Server, NeverParsesWhatFollowsADoubtfulBody) {  // row 101
  Rig rig;
  rig.start();
  std::string behind = "0\r\n\r\nGET /health HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::string& lines :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked;x\r\n", "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n"}) {
    std::string reply = rig.say("POST /echo HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n" + behind);
    int status = status_of(reply);
    EXPECT_TRUE(status == 400 || status == 501) << lines << reply;
    EXPECT_EQ(count(reply, "HTTP/1.1 "), 1) << lines;
    EXPECT_EQ(header_in(reply, "Connection"), "close");
  }
  EXPECT_EQ(rig.served, 0);
}

TEST(Server, ClosesOnWhatIsNoRequest) {  // rows 103, 105, 106, 111
  Rig rig;
  rig.start();
  struct Case {
    std::string bytes;
    int status;
  };
  for (const Case& c : std::vector<Case>{
           {"GET /health HTTP/1.1\nHost: h\n\n", 400},
           {Rig::get("/health", "X: a\r\n b\r\n"), 400},
           {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 405},
           {"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
           {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
           {Rig::get("http://h/health"), 400},
           {Rig::get("/" + std::string(9000, 'a')), 414},
           {Rig::get("/health", "X: " + std::string(20'000, 'a') + "\r\n"), 431},
           {Rig::get("/%2e%2e/health"), 400},
       }) {
    std::string reply = rig.say(c.bytes + Rig::get("/health"));
    EXPECT_EQ(status_of(reply), c.status) << c.bytes.substr(0, 60);
    EXPECT_EQ(count(reply, "HTTP/1.1 "), 1) << reply;
    if (c.status == 405) EXPECT_NE(header_in(reply, "Allow"), "");
  }
  EXPECT_EQ(rig.served, 0);
}

TEST(Server, KeepsTrailersFromHandlers) {  // rows 89, 107
  Rig rig;
  rig.start();

  std::string reply = rig.say(
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;x=y\r\nhello\r\n0\r\nX-Forwarded-Email: admin@x.io\r\nHost: evil\r\nCookie: "
      "token=alice\r\n\r\n" +
      Rig::get("/health"));

  EXPECT_NE(reply.find("hello|127.0.0.1|http|h"), std::string::npos) << reply;
  EXPECT_EQ(reply.find("admin@x.io"), std::string::npos);
  EXPECT_EQ(reply.find("evil"), std::string::npos);
  EXPECT_EQ(count(reply, "HTTP/1.1 200"), 2);
}

TEST(Server, IgnoresForwardedHeadersFromStrangers) {  // row 89
  Rig rig;
  rig.start();
  std::string lines =
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Real-IP: "
      "6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";

  std::string reply = rig.say(Rig::get("/echo", lines));

  EXPECT_NE(reply.find("|127.0.0.1|http|h"), std::string::npos) << reply;
  EXPECT_EQ(reply.find("6.6.6.6"), std::string::npos);
}

TEST(Server, BelievesTheProxiesItWasTold) {  // row 89
  ServerOptions options = Rig::quick();
  options.trusted_proxies = {"127.0.0.0/8", "10.0.0.1"};
  Rig rig(options);
  rig.start();

  EXPECT_NE(rig.say(Rig::get("/echo",
                             "X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\nX-Forwarded-For: 10.0.0.1\r\n"
                             "X-Forwarded-Proto: https\r\nX-Forwarded-Host: chat.example\r\n"))
                .find("|9.9.9.9|https|chat.example"),
            std::string::npos);
}

TEST(Server, BoundsChunkedBodies) {  // row 107
  Rig rig;
  rig.start();
  std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

  EXPECT_EQ(status_of(rig.say(head + "1;" + std::string(1 << 20, 'x'))), 400);
  EXPECT_EQ(status_of(rig.say(head + repeat("1\r\na\r\n", 100'000))), 400);
  EXPECT_EQ(status_of(rig.say(head + "00000000000000001\r\na\r\n0\r\n\r\n")), 400);
  EXPECT_EQ(status_of(rig.say(head + "200000\r\n" + std::string(1 << 20, 'x'))), 413);
}

TEST(Server, RefusesALargeBodyBeforeItComes) {  // row 110
  Rig rig;
  rig.start();
  Wire wire(rig.port());

  wire.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n");
  std::string reply = wire.read_all();

  EXPECT_EQ(status_of(reply), 413) << reply;
  EXPECT_EQ(reply.find("100 Continue"), std::string::npos);
  EXPECT_TRUE(wire.closed());
}

TEST(Server, AsksForABodyThatWasAnnounced) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());

  wire.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(wire.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  wire.send("hello");
  EXPECT_NE(wire.read_until("hello|").find("200 OK"), std::string::npos);
}

TEST(Server, HoldsNoLargeBodyForStrangers) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());

  wire.send("POST /change HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");

  EXPECT_EQ(status_of(wire.read_all()), 401);
  EXPECT_EQ(status_of(rig.say(
                Rig::post("/change", std::string(200'000, 'x'), "Authorization: Bearer alice\r\n"))),
            200);
}

TEST(Server, BoundsTheMemoryOfLargeBodies) {
  ServerOptions options = Rig::quick();
  options.max_body_memory = 300'000;
  options.body_idle_timeout = 5s;
  Rig rig(options);
  rig.start();
  std::string head =
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 200000\r\n\r\n";
  Wire first(rig.port());
  first.send(head);
  EXPECT_NE(first.read_until("Continue").find("100 Continue"), std::string::npos);

  EXPECT_EQ(status_of(rig.say(head)), 503);
  first.send(std::string(200'000, 'x'));
  EXPECT_EQ(status_of(first.read_until("Host: h")), 200);
  first.send(Rig::get("/health"));  // Answered when the body before it is gone.
  EXPECT_EQ(status_of(first.read_until("true}")), 200);
  EXPECT_EQ(status_of(rig.say(Rig::post("/echo", std::string(200'000, 'x')))), 200);
}

TEST(Server, ClosesOnClientsThatDawdle) {  // row 108
  Rig rig;
  rig.start();
  auto closes_in_time = [&](std::string first, std::string drip) {
    Wire wire(rig.port());
    auto begin = std::chrono::steady_clock::now();
    wire.send(first);
    while (wire.send(drip) && wire.read_some(50ms).empty() && !wire.closed() &&
           std::chrono::steady_clock::now() - begin < 3s) {
    }
    auto took = std::chrono::steady_clock::now() - begin;
    return wire.closed() && took < 1500ms && took > 200ms;
  };

  EXPECT_TRUE(closes_in_time("GET /health HTTP/1.1\r\nHost: h\r\n", "X: a\r\n"));
  EXPECT_TRUE(closes_in_time("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9999\r\n\r\n", "a"));
  EXPECT_TRUE(closes_in_time("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                             "1\r\na\r\n"));
  Wire silent(rig.port());
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.closed());
}

TEST(Server, ClosesOnClientsThatDoNotRead) {  // row 108
  Rig rig;
  rig.start();
  Wire wire(rig.port(), 4096);

  wire.send(Rig::get("/big"));
  auto begin = std::chrono::steady_clock::now();
  while (rig.server().connections() == 0 && std::chrono::steady_clock::now() - begin < 3s)
    std::this_thread::sleep_for(1ms);
  while (rig.server().connections() > 0 && std::chrono::steady_clock::now() - begin < 3s)
    std::this_thread::sleep_for(10ms);

  EXPECT_EQ(rig.server().connections(), 0);
  EXPECT_GT(std::chrono::steady_clock::now() - begin, 250ms);
}

TEST(Server, ClosesAnIdleConnection) {
  ServerOptions options = Rig::quick();
  options.keep_alive_timeout = 200ms;
  Rig rig(options);
  rig.start();
  Wire wire(rig.port());

  wire.send(Rig::get("/health"));
  EXPECT_EQ(status_of(wire.read_until("true}")), 200);
  EXPECT_EQ(wire.read_some(1s), "");
  EXPECT_TRUE(wire.closed());
}

TEST(Server, AnswersPipelinedRequestsInOrder) {  // row 109
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  std::string all;
  for (int i = 0; i != 1000; ++i) all += Rig::post("/echo", "#" + std::to_string(i) + "#");

  wire.send(all);
  wire.finish_sending();
  std::string replies = wire.read_all();

  EXPECT_EQ(count(replies, "HTTP/1.1 200"), 1000);
  std::size_t at = 0;
  for (int i = 0; i != 1000; ++i) {
    std::size_t next = replies.find("#" + std::to_string(i) + "#", at);
    ASSERT_NE(next, std::string::npos) << i;
    at = next;
  }
}

TEST(Server, ReadsNoFurtherThanItCanAnswer) {  // row 109
  ServerOptions options = Rig::quick();
  options.write_timeout = 5s;
  Rig rig(options);
  rig.start();
  Wire wire(rig.port(), 4096);

  // Each answer is 8 MiB and nobody reads: the second must not even begin.
  wire.send(repeat(Rig::get("/big"), 16) + repeat(Rig::get("/health"), 16));
  std::this_thread::sleep_for(200ms);

  EXPECT_EQ(rig.served, 0);
}

TEST(Server, IgnoresUpgradesItDoesNotOffer) {  // row 111
  Rig rig;
  rig.start();
  for (const std::string& lines :
       {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade\r\nUpgrade: foo\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"})
    EXPECT_EQ(status_of(rig.say(Rig::get("/health", lines))), 200);
}

TEST(Server, TakesNoCompressedBodies) {  // row 112
  Rig rig;
  rig.start();
  EXPECT_EQ(status_of(rig.say(Rig::post("/echo", "\x1f\x8b", "Content-Encoding: gzip\r\n"))), 415);
}

TEST(Server, SendsNoBodyWhereNoneBelongs) {  // row 113
  Rig rig;
  rig.start();
  auto body = [](const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); };

  std::string head = rig.say("HEAD /health HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(header_in(head, "Content-Length"), "15");
  EXPECT_EQ(body(head), "");
  EXPECT_EQ(body(rig.say("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n")), "");
  for (const std::string& path : {"/no-content", "/not-modified"}) {
    std::string reply = rig.say(Rig::get(path));
    EXPECT_EQ(body(reply), "") << reply;
    EXPECT_EQ(header_in(reply, "Content-Length"), "");
  }
  EXPECT_EQ(body(rig.say(Rig::get("/nothing"))), "null");
}

TEST(Server, StreamsInChunks) {
  Rig rig;
  rig.start();
  std::string reply = rig.say(Rig::get("/stream") + Rig::get("/health"));

  EXPECT_EQ(header_in(reply, "Transfer-Encoding"), "chunked");
  EXPECT_NE(reply.find("\r\n\r\nb\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\ne\r\ndata: "
                       "[DONE]\n\n\r\n0\r\n\r\nHTTP/1.1 200"),
            std::string::npos)
      << reply;
}

/// Says that five bytes come, and sends what it is asked for.
struct Counted {
  Task<std::optional<Response>> send(Anyone, Call& call) {
    co_await call.stream.begin({.type = "text/plain", .length = 5});
    co_await call.stream.write(*call.request.parameter("a"));
    co_await call.stream.write(*call.request.parameter("b"));
    co_return std::nullopt;
  }
};

TEST(Server, StreamsWithTheLengthThatIsKnown) {
  Rig rig;
  rig.router().on("GET /counted", Cost::read, bind<&Counted::send>(Counted{}));
  rig.start();
  std::string reply = rig.say(Rig::get("/counted?a=ab&b=cde") + Rig::get("/health"));
  EXPECT_EQ(header_in(reply, "Content-Length"), "5");
  EXPECT_EQ(header_in(reply, "Transfer-Encoding"), "");
  EXPECT_NE(reply.find("\r\n\r\nabcdeHTTP/1.1 200"), std::string::npos) << reply;

  reply = rig.say("HEAD /counted?a=ab&b=cde HTTP/1.1\r\nHost: h\r\n\r\n" + Rig::get("/health"));
  EXPECT_EQ(header_in(reply, "Content-Length"), "5");
  EXPECT_NE(reply.find("\r\n\r\nHTTP/1.1 200"), std::string::npos) << reply;

  reply = rig.say(Rig::get("/counted?a=ab&b=cdefgh") + Rig::get("/health"));
  EXPECT_NE(reply.find("\r\n\r\nabcdeHTTP/1.1 200"), std::string::npos) << "no byte more: " << reply;
}

TEST(Server, CutsOffACountedStreamThatEndsTooEarly) {
  Rig rig;
  rig.router().on("GET /counted", Cost::read, bind<&Counted::send>(Counted{}));
  rig.start();
  Wire wire(rig.port());
  wire.send(Rig::get("/counted?a=ab&b=") + Rig::get("/health"));
  std::string reply = wire.read_all();
  EXPECT_TRUE(wire.closed());
  EXPECT_TRUE(reply.ends_with("\r\n\r\nab")) << reply;
}

TEST(Server, StreamsToTheEndOnHttp10) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  wire.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  std::string reply = wire.read_all();

  EXPECT_TRUE(wire.closed());
  EXPECT_EQ(header_in(reply, "Transfer-Encoding"), "");
  EXPECT_TRUE(reply.ends_with("\r\n\r\ndata: one\n\ndata: two\n\ndata: [DONE]\n\n")) << reply;
}

TEST(Server, EndsAFailedStreamWithTheError) {  // row 113
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  wire.send(Rig::get("/failing"));
  std::string reply = wire.read_all();

  EXPECT_TRUE(wire.closed());
  EXPECT_NE(reply.find(R"(data: {"error":{"message":"The model left")"), std::string::npos) << reply;
}

TEST(Server, TellsAHandlerThatItsClientLeft) {
  Rig rig;
  rig.start();
  {
    Wire wire(rig.port());
    wire.send(Rig::get("/endless"));
    EXPECT_NE(wire.read_until("begun").find("begun"), std::string::npos);
  }
  auto begin = std::chrono::steady_clock::now();
  while (!rig.saw_gone && std::chrono::steady_clock::now() - begin < 3s)
    std::this_thread::sleep_for(5ms);

  EXPECT_TRUE(rig.saw_gone);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST(Server, LetsNoHandlerSplitAResponse) {  // row 25
  Rig rig;
  rig.start();
  std::string reply = rig.say(Rig::get("/split"));

  EXPECT_EQ(reply.find("Set-Cookie"), std::string::npos) << reply;
  EXPECT_EQ(header_in(reply, "X-Good"), "d");
}

TEST(Server, WantsProofThatACookieWasMeant) {  // row 90
  Rig rig;
  rig.start();
  auto status = [&](std::string lines) {
    return status_of(rig.say(Rig::post("/change", "{}", "Cookie: token=alice\r\n" + lines)));
  };

  EXPECT_EQ(status("Origin: https://evil\r\nContent-Type: application/json\r\n"), 403);
  EXPECT_EQ(status("Origin: https://evil\r\nContent-Type: text/plain\r\n"), 403);
  EXPECT_EQ(status("Origin: null\r\n"), 403);
  EXPECT_EQ(status("Sec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(status("Origin: https://evil\r\nX-Forwarded-Host: evil\r\n"), 403);
  EXPECT_EQ(status(""), 403);
  EXPECT_EQ(status("Origin: http://h\r\n"), 200);
  EXPECT_EQ(status("Sec-Fetch-Site: same-origin\r\n"), 200);
  EXPECT_EQ(status_of(rig.say(
                Rig::post("/change", "{}", "Authorization: Bearer alice\r\nOrigin: https://evil\r\n"))),
            200);
}

TEST(Server, LetsInTheOriginsItWasTold) {  // row 90, U1
  ServerOptions options = Rig::quick();
  options.allow_origins = {"https://chat.example"};
  Rig rig(options);
  rig.start();
  std::string known = rig.say(Rig::get("/health", "Origin: https://chat.example\r\n"));
  std::string other = rig.say(Rig::get("/health", "Origin: https://evil\r\n"));
  std::string ask =
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n";
  auto preflight = [&](std::string origin) {
    return rig.say("OPTIONS /change HTTP/1.1\r\nHost: h\r\nOrigin: " + origin + "\r\n" + ask + "\r\n");
  };

  EXPECT_EQ(header_in(known, "Access-Control-Allow-Origin"), "https://chat.example");
  EXPECT_EQ(header_in(known, "Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(header_in(known, "Vary"), "Origin");
  EXPECT_EQ(header_in(other, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(status_of(preflight("https://chat.example")), 204);
  EXPECT_EQ(header_in(preflight("https://chat.example"), "Access-Control-Allow-Headers"),
            "content-type");
  EXPECT_EQ(status_of(preflight("https://evil")), 403);
}

TEST(Server, NeverLetsEverybodyInWithCredentials) {  // U1
  ServerOptions options = Rig::quick();
  options.allow_origins = {"*"};
  Rig rig(options);
  rig.start();
  std::string reply = rig.say(Rig::get("/health", "Origin: https://evil\r\n"));

  EXPECT_EQ(header_in(reply, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header_in(reply, "Access-Control-Allow-Credentials"), "");
  EXPECT_EQ(
      status_of(rig.say(Rig::post("/change", "{}", "Cookie: token=alice\r\nOrigin: https://evil\r\n"))),
      403);
}

TEST(Server, TellsItsAddressAsABrowserTakesIt) {
  for (const auto& [host, address] : {std::pair("::1", "http://[::1]:"),
                                      {"[::1]", "http://[::1]:"},
                                      {"127.0.0.1", "http://127.0.0.1:"},
                                      {"0.0.0.0", "http://localhost:"}}) {
    ServerOptions options = Rig::quick();
    options.host = host;
    options.port = 0;
    EXPECT_EQ(rehearse(options), std::string(address) + "0");
  }
}

TEST(Server, BoundsTheConnectionsOfAnAddress) {  // regressions 2.2
  ServerOptions options = Rig::quick();
  options.limit_loopback = true;
  options.max_connections_per_address = 2;
  options.header_timeout = 5s;
  Rig rig(options);
  rig.start();
  Wire one(rig.port()), two(rig.port());
  one.send(Rig::get("/health")), two.send(Rig::get("/health"));
  EXPECT_EQ(status_of(one.read_until("true}")), 200);
  EXPECT_EQ(status_of(two.read_until("true}")), 200);

  Wire three(rig.port());
  EXPECT_EQ(status_of(three.read_all()), 503);
  EXPECT_TRUE(three.closed());
}

TEST(Server, CountsWhatItServes) {
  Rig rig;
  metrics::Registry registry;
  rig.server().count_in(registry);
  rig.start();
  rig.say(Rig::get("/health") + Rig::get("/nowhere"));
  std::string text = registry.text();

  for (std::string_view line : {"antiphon_http_requests_total{status=\"2xx\"} 1",
                                "antiphon_http_requests_total{status=\"4xx\"} 1",
                                "antiphon_http_request_seconds_count{route=\"GET /health\"} 1",
                                "antiphon_http_request_seconds_count{route=\"none\"} 1"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(Server, TakesARequestsNameFromAProxy) {
  ServerOptions options = Rig::quick();
  options.trusted_proxies = {"127.0.0.1"};
  Rig trusting(options), strict;
  trusting.start();
  strict.start();

  EXPECT_EQ(header_in(trusting.say(Rig::get("/health", "X-Request-Id: abc-1\r\n")), "X-Request-Id"),
            "abc-1");
  EXPECT_NE(header_in(trusting.say(Rig::get("/health", "X-Request-Id: a b\r\n")), "X-Request-Id"),
            "a b");
  EXPECT_NE(header_in(strict.say(Rig::get("/health", "X-Request-Id: abc-1\r\n")), "X-Request-Id"),
            "abc-1");
}

TEST(Server, LetsRequestsFinishWhenItDrains) {
  Rig rig;
  rig.start();
  Wire busy(rig.port()), idle(rig.port());
  idle.send(Rig::get("/health"));
  idle.read_until("true}");
  busy.send(Rig::get("/slow"));
  std::this_thread::sleep_for(50ms);

  run([&] { return rig.server().drain(3s); });

  std::string reply = busy.read_all(100ms);
  EXPECT_EQ(status_of(reply), 200) << reply;
  EXPECT_EQ(header_in(reply, "Connection"), "close");
  EXPECT_EQ(idle.read_some(100ms), "");
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(Wire(rig.port()).connected());
}

TEST(Server, AnswersAndHangsUpWhileItLeaves) {
  Rig rig;
  rig.start();
  Wire kept(rig.port());
  kept.send(Rig::get("/health"));
  EXPECT_NE(header_in(kept.read_until("true}"), "Connection"), "close");

  rig.server().leave();

  kept.send(Rig::get("/health"));
  Wire fresh(rig.port());
  fresh.send(Rig::get("/health"));
  for (Wire* wire : {&kept, &fresh}) {
    std::string reply = wire->read_all(1s);
    EXPECT_EQ(status_of(reply), 200) << reply;
    EXPECT_EQ(header_in(reply, "Connection"), "close");
    EXPECT_TRUE(wire->closed());
  }
}

TEST(Server, CutsOffWhatOutlastsTheDrain) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  wire.send(Rig::get("/endless"));
  wire.read_until("begun");
  auto begin = std::chrono::steady_clock::now();

  run([&] { return rig.server().drain(100ms); });

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_EQ(wire.read_some(1s), "");
  EXPECT_TRUE(wire.closed());
}

TEST(Server, SaysWhichPortIsTakenAndWhatToDo) {
  Rig first;
  first.start();
  ServerOptions options;
  options.host = "127.0.0.1";
  options.port = first.port();
  Router router;
  Loops loops(1);
  Server second(options, router, [](const Request&) -> Task<Caller> { co_return Caller{}; }, loops);

  try {
    second.start();
    FAIL() << "two servers share a port";
  } catch (const Problem& problem) {
    EXPECT_NE(problem.detail().find(std::to_string(first.port())), std::string::npos);
    EXPECT_NE(problem.detail().find("set PORT"), std::string::npos);
  }
}

}  // namespace
}  // namespace antiphon::http

#include "realtime/endpoint.h"

#include <gtest/gtest.h>

#include "realtime/origin.h"
#include "realtime/testing.h"

namespace antiphon::realtime::testing {
namespace {

const Room kAlice{"user:alice"};

/// A browser that polls.
class Poller {
 public:
  explicit Poller(Process& process) : process_(process) { process.endpoint.add_routes(router_); }

  http::Request request(std::string method, std::map<std::string, std::string> query) {
    auto out = http::testing::request(std::move(method), "/ws/socket.io/");
    for (auto& [name, value] : query) out.query.emplace(name, value);
    out.remote = "10.0.0.1";
    return out;
  }
  std::map<std::string, std::string> query() const {
    std::map<std::string, std::string> out{{"EIO", "4"}, {"transport", "polling"}};
    if (!engine.empty()) out["sid"] = engine;
    return out;
  }
  http::Response serve(http::Request request) {
    return *http::testing::serve(router_, std::move(request));
  }
  http::Response get() { return serve(request("GET", query())); }
  http::Response post(std::string body) {
    auto out = request("POST", query());
    out.body = std::move(body);
    return serve(std::move(out));
  }
  /// Opens, connects, and yields the CONNECT reply.
  std::string connect(std::string token) {
    auto hello = get();
    engine = json::text_at(json::parse_value(std::string_view(hello.body).substr(1)), "sid");
    EXPECT_EQ(post("40" + json::serialize(json::Object{{"token", token}})).body, "ok");
    return get().body;
  }

  Process& process_;
  http::Router router_;
  std::string engine;
};

TEST(Polling, CarriesEventsBothWays) {
  Process process;
  process.hub.on("echo", kNoObject, [](Socket&, json::Value value) -> Task<std::optional<json::Value>> {
    co_return value;
  });
  process.start();
  Poller poller(process);
  EXPECT_TRUE(poller.connect("alice").starts_with("40{\"sid\":"));

  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 2}}));
  EXPECT_EQ(poller.get().body,
            "42[\"events\",{\"a\":1}]\x1e"
            "42[\"events\",{\"a\":2}]");

  EXPECT_EQ(poller
                .post("421[\"echo\",1]\x1e"
                      "451-2[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1e"
                      "b/wA=")
                .body,
            "ok");
  std::string answers = poller.get().body;
  while (answers.find("432") == answers.npos) answers += "\x1e" + poller.get().body;
  EXPECT_EQ(answers,
            "431[1]\x1e"
            "432[[255,0]]");
}

TEST(Polling, APollWaitsForWhatComes) {
  Process process;
  process.start();
  Poller poller(process);
  poller.connect("alice");
  auto waiting = std::async(std::launch::async, [&] { return poller.get(); });
  std::this_thread::sleep_for(30ms);
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));
  EXPECT_EQ(waiting.get().body, R"(42["events",{"a":1}])");
}

TEST(Polling, PingsAndForgetsTheSilent) {
  HubOptions options;
  options.ping_interval = 100ms;
  options.ping_timeout = 100ms;
  Process process(options);
  process.start();
  Poller poller(process);
  poller.connect("alice");
  EXPECT_EQ(poller.get().body, "2");
  EXPECT_EQ(poller.post("3").body, "ok");
  EXPECT_TRUE(soon([&] { return process.hub.counts().lost == 1; }));
  EXPECT_EQ(poller.get().body, "2");
  EXPECT_TRUE(soon([&] { return poller.get().status == 400; }));
}

// row 96
TEST(Polling, RefusesWhatEngineIoRefuses) {
  Process process;
  process.start();
  Poller poller(process);
  auto refused = [&](std::string method, std::map<std::string, std::string> query, std::string body) {
    auto response = poller.serve(poller.request(std::move(method), std::move(query)));
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body, body);
  };
  refused("GET", {{"transport", "polling"}}, R"({"code":5,"message":"Unsupported protocol version"})");
  refused("GET", {{"EIO", "3"}, {"transport", "polling"}},
          R"({"code":5,"message":"Unsupported protocol version"})");
  refused("GET", {{"EIO", "4"}, {"transport", "foo"}}, R"({"code":0,"message":"Transport unknown"})");
  refused("GET", {{"EIO", "4"}}, R"({"code":0,"message":"Transport unknown"})");
  refused("GET", {{"EIO", "4"}, {"transport", "polling"}, {"sid", "bogus"}},
          R"({"code":1,"message":"Session ID unknown"})");
  refused("POST", {{"EIO", "4"}, {"transport", "polling"}, {"sid", "bogus"}},
          R"({"code":1,"message":"Session ID unknown"})");
  refused("POST", {{"EIO", "4"}, {"transport", "polling"}},
          R"({"code":2,"message":"Bad handshake method"})");
}

// row 96
TEST(Polling, ABrokenBodyEndsTheSession) {
  for (std::string bad : {"", "9", "4", "\x1e", "42[", "b*", "2probe", "451-[\"x\"]"}) {
    Process process;
    process.start();
    Poller poller(process);
    poller.connect("alice");
    auto response = poller.post(bad + (bad == "451-[\"x\"]" ? "\x1e"
                                                              "42[\"y\"]"
                                                            : ""));
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_EQ(process.hub.counts().signed_in, 0);
    EXPECT_EQ(poller.get().body, "1");
  }
}

TEST(Polling, TwoPollsAtOnceEndTheSession) {
  Process process;
  process.start();
  Poller poller(process);
  poller.connect("alice");
  auto waiting = std::async(std::launch::async, [&] { return poller.get(); });
  std::this_thread::sleep_for(30ms);
  EXPECT_EQ(poller.get().status, 400);
  EXPECT_EQ(waiting.get().body, "1");
}

// row 97
TEST(Polling, AWaitingSocketMayNotSendMuch) {
  Process process;
  process.start();
  Poller poller(process);
  poller.connect("");
  EXPECT_EQ(poller.post("42[\"user-join\",\"" + std::string(70'000, 'a') + "\"]").status, 400);
}

TEST(Upgrade, TakesThePollingSessionOverWithoutLosingAnything) {
  Process process;
  process.start();
  Poller poller(process);
  poller.connect("alice");
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));
  Browser socket(process, poller.engine);
  socket.say("2probe");
  EXPECT_EQ(socket.next(), "3probe");
  EXPECT_EQ(poller.get().body, R"(42["events",{"a":1}])");
  EXPECT_EQ(poller.get().body, "6");
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 2}}));

  socket.say("5");

  EXPECT_EQ(socket.next(), R"(42["events",{"a":2}])");
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 3}}));
  EXPECT_EQ(socket.next(), R"(42["events",{"a":3}])");
  EXPECT_EQ(poller.get().status, 400);
  EXPECT_EQ(poller.post("2").status, 400);
  EXPECT_EQ(process.hub.counts().polling, 0);
}

TEST(Upgrade, AProbeThatFailsLeavesThePollingSessionAlone) {
  Process process;
  process.start();
  Poller poller(process);
  poller.connect("alice");
  for (std::string bad : {"2", "5", "40"}) {
    Browser socket(process, poller.engine);
    socket.say(bad);
    EXPECT_EQ(socket.next(), "<closed>");
  }
  {
    Browser half(process, poller.engine);
    half.say("2probe");
    EXPECT_EQ(half.next(), "3probe");
    Browser second(process, poller.engine);
    second.say("2probe");
    EXPECT_EQ(second.next(), "<closed>");
  }
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));
  EXPECT_EQ(poller.get().body, R"(42["events",{"a":1}])");
}

/// Without the word it would take the end for a failure of the network, and come again.
TEST(Upgrade, AClientThatIsSentAwayInItsMidstHearsSo) {
  Process process;
  process.start();
  for (bool polls : {true, false}) {
    Poller poller(process);
    poller.connect("alice");
    Browser socket(process, poller.engine);
    socket.say("2probe");
    EXPECT_EQ(socket.next(), "3probe");

    process.hub.close_session("jti-alice");

    if (polls) EXPECT_EQ(poller.get().body, "41");
    socket.say("5");
    if (!polls) EXPECT_EQ(socket.next(), "41");
    EXPECT_EQ(socket.next(), "<closed>");
    EXPECT_EQ(poller.get().status, 400);
  }
}

TEST(Upgrade, OneThatIsNeverFinishedEndsWithItsSession) {
  Process process;
  process.start();
  Poller poller(process);
  poller.connect("alice");
  Browser socket(process, poller.engine);
  socket.say("2probe");
  EXPECT_EQ(socket.next(), "3probe");
  process.hub.close_session("jti-alice");
  EXPECT_EQ(poller.get().body, "41");
  EXPECT_EQ(socket.next(), "<closed>");
}

// A POST whose packets wait, and a websocket that takes over meanwhile: two would read at once.
TEST(Upgrade, WaitsForThePostUnderWay) {
  Process process;
  Signal go_on;
  process.hub.on("slow", kNoObject, [&](Socket&, json::Value) -> Task<std::optional<json::Value>> {
    co_await go_on.wait();
    go_on.notify();
    co_return std::nullopt;
  });
  process.start();
  Poller poller(process);
  poller.connect("alice");
  std::string many = R"(42["slow"])";
  for (int i = 0; i != 1'100; ++i)
    many +=
        "\x1e"
        R"(42["slow"])";  // More than a socket's queue holds.
  auto posting = std::async(std::launch::async, [&] { return poller.post(many); });
  ASSERT_EQ(posting.wait_for(200ms), std::future_status::timeout);

  Browser socket(process, poller.engine);
  socket.say("2probe");
  EXPECT_EQ(socket.next(), "3probe");
  socket.say("5");
  EXPECT_EQ(socket.next(), "<closed>");

  go_on.notify();
  EXPECT_EQ(posting.get().body, "ok");
  Browser again(process, poller.engine);
  again.say("2probe");
  EXPECT_EQ(again.next(), "3probe");
  again.say("5");
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));
  EXPECT_EQ(again.next(), R"(42["events",{"a":1}])");
}

http::Request from(std::string origin, std::string host, std::string forwarded = {}) {
  http::Request request;
  if (!origin.empty()) request.headers.add("Origin", origin);
  request.headers.add("Host", host);
  if (!forwarded.empty()) request.headers.add("X-Forwarded-Host", forwarded);
  return request;
}

// row 92
TEST(Origin, OurOwnPagesAreAlwaysAccepted) {
  OriginCheck check({"https://listed.example/"});
  using enum OriginCheck::Verdict;
  EXPECT_EQ(check.judge(from("", "a.example")), own);
  EXPECT_EQ(check.judge(from("http://a.example:8080", "a.example:8080")), own);
  EXPECT_EQ(check.judge(from("https://A.example", "a.example")), own);
  EXPECT_EQ(check.judge(from("https://a.example", "a.example:443")), own);
  EXPECT_EQ(check.judge(from("https://a.example", "backend:8080", "a.example, proxy")), own);
  EXPECT_EQ(check.judge(from("http://[::1]:8080", "[::1]:8080")), own);
  EXPECT_EQ(check.judge(from("https://LISTED.example", "a.example")), own);
}

// row 92
TEST(Origin, OthersAreRefusedWithTheLineThatWouldLetThemIn) {
  OriginCheck check({"https://listed.example"});
  for (std::string origin : {"https://evil.example", "null", "https://a.example.evil",
                             "https://a.example:1", "file://a.example", "https://a.example/",
                             "https://evil@a.example", "a.example", "http://a.example:8080:8080"})
    EXPECT_EQ(check.judge(from(origin, "a.example")), OriginCheck::Verdict::foreign) << origin;
  EXPECT_EQ(check.cure("https://new.example"),
            R"(CORS_ALLOW_ORIGIN="https://listed.example;https://new.example")");
}

// row 90: the cookie of a page from anywhere does not count
TEST(Origin, AStarTakesEverybodyButNoCookie) {
  EndpointOptions options;
  options.allow_origins = {"*"};
  Process process({}, options);
  process.start();
  Poller poller(process);
  auto request = poller.request("GET", poller.query());
  request.headers.add("Origin", "https://evil.example");
  request.headers.add("Host", "a.example");
  request.headers.add("Cookie", "token=alice");
  auto hello = poller.serve(std::move(request));
  ASSERT_EQ(hello.status, 200);
  poller.engine = json::text_at(json::parse_value(std::string_view(hello.body).substr(1)), "sid");
  poller.post("40");
  EXPECT_TRUE(poller.get().body.starts_with("40{"));
  EXPECT_FALSE(process.hub.online({"alice"}));
}

// row 92
TEST(Origin, ARefusalSaysWhatToSet) {
  Process process;
  process.start();
  Poller poller(process);
  auto request = poller.request("GET", {{"EIO", "4"}, {"transport", "websocket"}});
  request.headers.add("Origin", "https://b.example");
  request.headers.add("Host", "a.example");
  http::testing::StringStream stream;
  http::Call call{.request = request, .stream = stream};

  auto refused = process.endpoint.socket_endpoint().admit(call);

  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  EXPECT_NE(refused->body.find(R"(CORS_ALLOW_ORIGIN=\"https://b.example\")"), std::string::npos);
  EXPECT_EQ(process.hub.counts().refused, 1);
}

// row 96
TEST(Endpoint, RefusesBadWebsocketRequestsBeforeTheyBecomeOne) {
  Process process;
  process.start();
  Poller poller(process);
  auto status = [&](std::map<std::string, std::string> query) {
    auto request = poller.request("GET", std::move(query));
    http::testing::StringStream stream;
    http::Call call{.request = request, .stream = stream};
    auto refused = process.endpoint.socket_endpoint().admit(call);
    return refused ? refused->status : 101;
  };
  EXPECT_EQ(status({{"EIO", "4"}, {"transport", "websocket"}}), 101);
  EXPECT_EQ(status({{"EIO", "3"}, {"transport", "websocket"}}), 400);
  EXPECT_EQ(status({{"transport", "websocket"}}), 400);
  EXPECT_EQ(status({{"EIO", "4"}, {"transport", "polling"}}), 400);
  EXPECT_EQ(status({{"EIO", "4"}, {"transport", "websocket"}, {"sid", "bogus"}}), 400);
}

TEST(Endpoint, AServerThatEndsReleasesPollsAndTakesNobody) {
  auto process = std::make_unique<Process>();
  process->start();
  Poller poller(*process);
  poller.connect("alice");
  auto waiting = std::async(std::launch::async, [&] { return poller.get(); });
  std::this_thread::sleep_for(30ms);

  run([&] { return process->hub.stop(5s); });

  EXPECT_EQ(waiting.get().body, "1");
  EXPECT_EQ(poller.get().status, 503);
}

TEST(Endpoint, ATransportThatIsOffIsUnknown) {
  EndpointOptions options;
  options.websocket = false;
  Process process({}, options);
  process.start();
  Poller poller(process);
  EXPECT_NE(poller.get().body.find("\"upgrades\":[]"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::realtime::testing

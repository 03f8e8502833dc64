#include "realtime/hub.h"

#include <gtest/gtest.h>

#include "base/problem.h"
#include "realtime/testing.h"

namespace antiphon::realtime::testing {
namespace {

const Room kAlice{"user:alice"};

TEST(Hub, ASocketWithATokenIsInItsUsersRoom) {
  Process process;
  process.start();
  Browser alice(process), bob(process);
  EXPECT_NE(alice.open_packet.find("\"upgrades\":[]"), std::string::npos);
  EXPECT_TRUE(alice.connect("alice").starts_with("40{"));
  bob.connect("bob");

  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));

  EXPECT_EQ(alice.next(), R"(42["events",{"a":1}])");
  EXPECT_TRUE(bob.silent());
}

TEST(Hub, SkipsTheOneSocketNamed) {
  Process process;
  process.start();
  Browser one(process), two(process);
  one.connect("alice");
  two.connect("alice");

  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}), one.sid);

  EXPECT_EQ(two.event(), R"({"a":1})");
  EXPECT_TRUE(one.silent());
}

// rows 92, 100 and "Sockets before sign-in"
TEST(Hub, AWaitingSocketIsHeardOnUserJoinOnly) {
  Process process;
  std::atomic<int> heard = 0;
  process.hub.on("heartbeat", kNoObject, [&](Socket&, json::Value) -> Task<std::optional<json::Value>> {
    ++heard;
    co_return true;
  });
  process.start();
  for (std::string token : {"", "bad", "pending", "key"}) {
    Browser browser(process);
    EXPECT_TRUE(browser.connect(token).starts_with("40{\"sid\":")) << token;
    browser.say(R"(421["heartbeat",{}])");
    browser.say(R"(422["join","user:bob"])");
    EXPECT_EQ(browser.ask(3, R"(["user-join",{"auth":{"token":"bad"}}])"), "[null]");
    EXPECT_FALSE(process.hub.belongs(browser.sid, {"bob"}));
  }
  EXPECT_EQ(heard, 0);
  EXPECT_EQ(process.hub.counts().signed_in, 0);
}

TEST(Hub, UserJoinSignsAWaitingSocketIn) {
  Process process;
  std::atomic<int> joined = 0;
  process.hub.on_signed_in([&](Socket& socket, Arrival arrival) -> Task<> {
    joined += arrival == Arrival::fresh && socket.caller().id.value == "alice";
    co_return;
  });
  process.start();
  Browser browser(process);
  browser.connect("");
  EXPECT_TRUE(soon([&] { return process.hub.counts().waiting == 1; }));

  EXPECT_EQ(browser.ask(1, R"(["user-join",{"auth":{"token":"alice"}}])"),
            R"([{"id":"alice","name":"Name of alice"}])");
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));

  EXPECT_EQ(browser.event(), R"({"a":1})");
  EXPECT_TRUE(soon([&] { return joined == 1; }));
  EXPECT_EQ(process.hub.counts().waiting, 0);
}

TEST(Hub, TheCookieOfTheHandshakeSignsIn) {
  Process process;
  process.start();
  Browser browser(process, "", "alice");
  browser.connect("");
  EXPECT_TRUE(process.hub.belongs(browser.sid, {"alice"}));
}

// row 92: at most twenty of one address
TEST(Hub, BoundsWaitingSocketsOfOneAddress) {
  HubOptions options;
  options.waiting_per_address = 3;
  Process process(options);
  process.start();
  std::vector<std::unique_ptr<Browser>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(std::make_unique<Browser>(process));
    waiting.back()->connect("");
    EXPECT_EQ(waiting.back()->ask(1, R"(["user-join",{}])"), "[null]");
  }

  Browser fourth(process);
  fourth.connect("");
  EXPECT_EQ(fourth.next(), "<closed>");
  Browser elsewhere(process, "", "", "10.0.0.2");
  elsewhere.connect("");
  EXPECT_EQ(elsewhere.ask(1, R"(["user-join",{}])"), "[null]");
  waiting.clear();
  Browser again(process);
  again.connect("");
  EXPECT_EQ(again.ask(1, R"(["user-join",{}])"), "[null]");
}

// row 97
TEST(Hub, AWaitingSocketMayNotSendMuch) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("");
  browser.say(R"(42["user-join",")" + std::string(70'000, 'a') + "\"]");
  EXPECT_EQ(browser.next(), "<closed>");

  Browser alice(process);
  alice.connect("alice");
  alice.say(R"(42["whatever",")" + std::string(70'000, 'a') + "\"]");
  EXPECT_EQ(alice.ask(1, R"(["user-join",{"auth":{"token":"alice"}}])"),
            R"([{"id":"alice","name":"Name of alice"}])");
}

TEST(Hub, ClosesWaitingSocketsThatStayIdleAndMuteOnes) {
  HubOptions options;
  options.waiting_timeout = 200ms;
  options.connect_timeout = 200ms;
  options.ping_interval = 400ms;
  Process process(options);
  process.start();
  Browser waiting(process), mute(process), alice(process);
  waiting.connect("");
  alice.connect("alice");

  EXPECT_EQ(waiting.next(), "<closed>");
  EXPECT_EQ(mute.next(), "<closed>");
  EXPECT_FALSE(alice.socket->closed());
}

TEST(Hub, ClosesASocketThatDoesNotAnswerPings) {
  HubOptions options;
  options.ping_interval = 100ms;
  options.ping_timeout = 100ms;
  Process process(options);
  process.start();
  Browser browser(process);
  browser.connect("alice");
  EXPECT_TRUE(soon([&] { return browser.socket->closed(); }));
  EXPECT_TRUE(soon([&] { return process.hub.counts().lost == 1; }));
}

// row 96
TEST(Hub, AnyBrokenPacketClosesThatSocketAndNoOther) {
  Process process;
  process.start();
  Browser alice(process);
  alice.connect("alice");
  for (std::string bad :
       {"9", "41", "4", "", "0{}", "5", "2probe", "42[", "451-[\"x\"", "459999999-[\"x\"]",
        "42/evil,[\"x\"]", "40", "43[]", "44{\"message\":\"x\"}"}) {
    Browser browser(process);
    browser.connect("bob");
    browser.say(bad);
    EXPECT_EQ(browser.next(), "<closed>") << bad;
  }
  Browser early(process);
  early.say(R"(42["user-join",{}])");
  EXPECT_EQ(early.next(), "<closed>");
  Browser bytes(process);
  bytes.connect("bob");
  bytes.socket->from_client("abc", true);
  EXPECT_EQ(bytes.next(), "<closed>");

  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));
  EXPECT_EQ(alice.event(), R"({"a":1})");
}

TEST(Hub, RefusesOtherNamespacesWithoutClosing) {
  Process process;
  process.start();
  Browser browser(process);
  browser.say("40/evil,{}");
  EXPECT_EQ(browser.next(), R"(44/evil,{"message":"Invalid namespace"})");
  EXPECT_TRUE(browser.connect("alice").starts_with("40{"));
}

TEST(Hub, AHandlersAnswerIsTheAcknowledgement) {
  Process process;
  process.hub.on("echo", kNoObject, [](Socket&, json::Value value) -> Task<std::optional<json::Value>> {
    co_return value;
  });
  process.hub.on("fail", kNoObject, [](Socket&, json::Value) -> Task<std::optional<json::Value>> {
    throw Problem(Problem::Kind::forbidden, "no");
  });
  process.start();
  Browser browser(process);
  browser.connect("alice");

  EXPECT_EQ(browser.ask(1, R"(["echo",{"ü":[1,2.5,null]}])"), R"([{"ü":[1,2.5,null]}])");
  EXPECT_EQ(browser.ask(2, R"(["fail"])"), "[null]");
  browser.say(R"(451-3["echo",{"_placeholder":true,"num":0}])");
  browser.socket->from_client(std::string("\x00\xff", 2), true);
  EXPECT_EQ(browser.next(), "433[[0,255]]");
}

TEST(Hub, HandlesASocketsEventsInOrder) {
  std::mutex mutex;
  std::vector<std::int64_t> seen;
  Process process;
  process.hub.on("n", kNoObject, [&](Socket&, json::Value value) -> Task<std::optional<json::Value>> {
    if (value.as_int64() % 100 == 0) co_await sleep_for(1ms);
    std::scoped_lock lock(mutex);
    seen.push_back(value.as_int64());
    co_return std::nullopt;
  });
  process.start();
  Browser browser(process);
  browser.connect("alice");
  for (int i = 0; i < 3000; ++i) browser.say("42[\"n\"," + std::to_string(i) + "]");

  auto all_seen = [&] {
    std::scoped_lock lock(mutex);
    return seen.size() == 3000;
  };
  EXPECT_TRUE(soon(all_seen, 60s));
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST(Hub, AChannelHearsTheSocketItWasOpenedForAndNoOther) {
  Process process;
  process.hub.on("end", kNoObject,
                 [](Socket&, json::Value) -> Task<std::optional<json::Value>> { co_return true; });
  process.start();
  Browser browser(process), same_user(process), bob(process);
  browser.connect("alice");
  same_user.connect("alice/2");
  bob.connect("bob");
  auto channel = process.hub.open_channel("alice:s:r", browser.sid, {"alice"});
  auto next = [&](std::chrono::milliseconds idle) { return run([&] { return channel->next(idle); }); };

  for (Browser* other : {&same_user, &bob}) {
    other->say(R"(42["alice:s:r","data: foreign"])");
    EXPECT_EQ(other->ask(1, R"(["end"])"), "[true]");
  }
  for (std::string name : {"bob:s:r", "alice:s", "alice:s:r:t", "alice:s:other"})
    browser.say("42[\"" + name + R"(","data: elsewhere"])");
  browser.say(R"(42["alice:s:r","data: x"])");
  browser.say(R"(42["alice:s:r",{"done":true}])");
  EXPECT_EQ(next(5s), "data: x");
  EXPECT_EQ(json::serialize(next(5s)), R"({"done":true})");
  EXPECT_THROW(next(100ms), Problem);
  process.hub.close_channel("alice:s:r");
  browser.say(R"(42["alice:s:r","data: late"])");
  EXPECT_EQ(browser.ask(1, R"(["end"])"), "[true]");
}

TEST(Hub, AChannelTakesNoLineThatIsTooLong) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("alice");
  auto channel = process.hub.open_channel("alice:s:r", browser.sid, {"alice"});
  browser.say(R"(42["alice:s:r","data: x"])");
  browser.say("42[\"alice:s:r\",\"" + std::string(Channel::kMaxLine, 'x') + "\"]");
  EXPECT_EQ(run([&] { return channel->next(5s); }), "data: x");
  EXPECT_THROW(run([&] { return channel->next(5s); }), Problem);
}

TEST(Hub, CallYieldsWhatTheBrowserAcknowledges) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("alice");
  auto answer = std::async(std::launch::async, [&] {
    return run([&] {
      return process.hub.call(browser.sid, {"alice"}, Event::of("events", json::Object{}), 5s);
    });
  });

  EXPECT_EQ(browser.next(), R"(420["events",{}])");
  browser.say(R"(430[{"status":true}])");

  EXPECT_EQ(json::serialize(answer.get()), R"({"status":true})");
}

// row 93
TEST(Hub, CallAsksNobodyElsesBrowser) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("alice");
  auto call = [&](std::string sid, std::string user) {
    return json::serialize(
        run([&] { return process.hub.call(sid, {user}, Event::of("events", {}), 5s); }));
  };

  std::string foreign = call(browser.sid, "bob");
  EXPECT_EQ(foreign, call("nowhere", "bob"));
  EXPECT_TRUE(foreign.starts_with(R"({"error":)"));
  EXPECT_TRUE(browser.silent());
}

TEST(Hub, CallEndsWhenNobodyAnswersOrTheSessionEnds) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("alice");
  auto begin = Clock::now();
  auto late =
      run([&] { return process.hub.call(browser.sid, {"alice"}, Event::of("events", {}), 100ms); });
  EXPECT_FALSE(json::text_at(late, "error").empty());
  EXPECT_LT(Clock::now() - begin, 2s);

  auto answer = std::async(std::launch::async, [&] {
    return run([&] { return process.hub.call(browser.sid, {"alice"}, Event::of("events", {}), 60s); });
  });
  browser.next();
  browser.next();
  process.hub.close_user({"alice"});
  EXPECT_FALSE(json::text_at(answer.get(), "error").empty());
}

TEST(Hub, AHandlerMayCallItsOwnSocket) {
  Process process;
  process.hub.on("ask", kNoObject,
                 [&](Socket& socket, json::Value) -> Task<std::optional<json::Value>> {
                   co_return co_await process.hub.call(socket.sid(), socket.caller().id,
                                                       Event::of("events", json::Array{}), 5s);
                 });
  process.start();
  Browser browser(process);
  browser.connect("alice");
  browser.say(R"(421["ask"])");
  EXPECT_EQ(browser.next(), R"(420["events",[]])");
  browser.say("430[5]");
  EXPECT_EQ(browser.next(), "431[5]");
}

// row 79
TEST(Hub, ARevokedSessionsSocketsAreClosedAtOnce) {
  Process process;
  process.start();
  Browser one(process), two(process), other(process);
  one.connect("alice");
  two.connect("alice/2");
  other.connect("bob");

  process.hub.close_session("jti-alice");
  process.hub.emit(kAlice, Event::of("events", json::Object{{"a", 1}}));

  EXPECT_EQ(one.next(), "41");
  EXPECT_EQ(one.next(), "<closed>");
  EXPECT_EQ(two.event(), R"({"a":1})");
  process.hub.close_user({"alice"}, Event::of("access:updated", json::Object{}));
  EXPECT_EQ(two.next(), R"(42["access:updated",{}])");
  EXPECT_EQ(two.next(), "41");
  EXPECT_TRUE(other.silent());
}

// row 79
TEST(Hub, LooksAtEverySessionAgain) {
  HubOptions options;
  options.renew_interval = 100ms;
  Process process(options);
  process.start();
  Browser one(process), other(process);
  one.connect("alice");
  other.connect("bob");

  process.revoke("alice");

  EXPECT_EQ(one.next(), "41");
  EXPECT_EQ(one.next(), "<closed>");
  EXPECT_TRUE(other.silent());
  Browser again(process);
  again.connect("alice");
  EXPECT_FALSE(process.hub.belongs(again.sid, {"alice"}));
}

// row 79: after changes may have been missed
TEST(Hub, LooksAtEverySessionAtOnceWhenToldTo) {
  HubOptions options;
  options.renew_interval = 1h;
  Process process(options);
  process.start();
  Browser one(process), other(process);
  one.connect("alice");
  other.connect("bob");
  EXPECT_TRUE(soon([&] { return process.renewals >= 2; }));
  process.revoke("alice");

  process.hub.recheck_all();

  EXPECT_EQ(one.next(), "41");
  EXPECT_EQ(one.next(), "<closed>");
  EXPECT_TRUE(other.silent());
}

// row 100
TEST(Hub, RoomsAreEnteredByRuleOnly) {
  Process process;
  process.hub.on("enter", kNoObject,
                 [](Socket& socket, json::Value room) -> Task<std::optional<json::Value>> {
                   co_return co_await socket.join({std::string(json::view(room.as_string()))});
                 });
  process.start();
  Browser browser(process);
  browser.connect("alice");

  EXPECT_EQ(browser.ask(1, R"(["enter","chat:forbidden"])"), "[false]");
  EXPECT_EQ(browser.ask(2, R"(["enter","chat:open"])"), "[true]");
  process.hub.emit({"chat:forbidden"}, Event::of("events", json::Object{{"a", 1}}));
  process.hub.emit({"chat:open"}, Event::of("events", json::Object{{"a", 2}}));
  EXPECT_EQ(browser.event(), R"({"a":2})");

  process.hub.evict({"chat:open"}, UserId{"alice"});
  process.hub.emit({"chat:open"}, Event::of("events", json::Object{{"a", 3}}));
  EXPECT_TRUE(browser.silent());
}

TEST(Hub, ASocketInTwoRoomsGetsEachEventOfARunOnce) {
  Process process;
  process.hub.on("enter", kNoObject,
                 [](Socket& socket, json::Value) -> Task<std::optional<json::Value>> {
                   co_return co_await socket.join(Room::chat("x"));
                 });
  process.start();
  Browser browser(process);
  browser.connect("alice");
  EXPECT_EQ(browser.ask(1, R"(["enter"])"), "[true]");

  for (int i = 1; i <= 3; ++i) {
    process.hub.emit(kAlice, token("r", i));
    process.hub.emit(Room::chat("x"), token("r", i));
  }

  EXPECT_EQ(browser.event(), R"({"n":100})");
  EXPECT_EQ(browser.event(), R"({"n":200})");
  EXPECT_EQ(browser.event(), R"({"n":300})");
  EXPECT_TRUE(browser.silent());
}

TEST(Hub, AKeyframeIsSentUnlessTheSocketIsFurther) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("alice");
  process.hub.emit(kAlice, token("r", 1));
  process.hub.emit(kAlice, token("r", 2));
  auto keyframe = [](std::int64_t seq) {
    Event event = token("r", seq, 5);
    event.keyframe = true;
    return event;
  };

  EXPECT_FALSE(process.hub.emit_to(browser.sid, keyframe(1)));
  EXPECT_TRUE(process.hub.emit_to(browser.sid, keyframe(4)));
  EXPECT_TRUE(process.hub.emit_to(browser.sid, keyframe(4)));
  process.hub.emit(kAlice, token("r", 4));
  process.hub.emit(kAlice, token("r", 5));
  for (auto n : {"100", "200", "405", "405", "500"})
    EXPECT_EQ(browser.event(), "{\"n\":" + std::string(n) + "}");
}

TEST(Hub, ARunThatEndedIsSoInEveryPosition) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("alice");
  process.hub.emit(kAlice, token("r", 1));
  process.hub.run_ended(kAlice, "r");
  process.hub.emit(kAlice, token("s", 1));
  browser.event();
  EXPECT_NE(browser.offset.find("r:1.0"), std::string::npos);
  browser.event();
  EXPECT_NE(browser.offset.find("r:*,s:1.0"), std::string::npos);
  Browser later(process);
  later.connect("alice");
  process.hub.emit(kAlice, token("s", 2, 0, true));
  later.event();
  EXPECT_NE(later.offset.find("r:*,s:*"), std::string::npos);
}

TEST(Hub, KnowsWhoIsHere) {
  Process process;
  process.start();
  Browser one(process), two(process), waiting(process);
  one.connect("alice");
  two.connect("bob");
  waiting.connect("");
  EXPECT_TRUE(process.hub.online({"alice"}));
  EXPECT_FALSE(process.hub.online({"carol"}));
  EXPECT_EQ(process.hub.users_online().size(), 2U);
  EXPECT_EQ(process.hub.sockets_in(kAlice).at(0).first, one.sid);
  one.cut();
  EXPECT_TRUE(soon([&] { return !process.hub.online({"alice"}); }));
}

TEST(Hub, KeepsOnlySoManyLostSessionsOfAUser) {
  HubOptions options;
  options.lost_per_user = 3;
  Process process(options);
  process.start();
  std::string first_pid, first_sid;
  for (int i = 0; i < 10; ++i) {
    Browser browser(process);
    browser.connect("alice");
    if (i == 0) first_pid = browser.pid, first_sid = browser.sid;
  }
  EXPECT_TRUE(soon([&] { return process.hub.counts().lost == 3; }));
  Browser back(process);
  back.connect("alice", first_pid);
  EXPECT_NE(back.sid, first_sid);
}

TEST(Hub, KeepsLessOfEachSessionWhenThereAreMany) {
  HubOptions options;
  options.resume_bytes = 16'000;
  options.resume_bytes_of_all = 20'000;
  Process process(options);
  process.start();
  std::vector<std::unique_ptr<Browser>> browsers;
  for (int i = 0; i < 8; ++i) {
    browsers.push_back(std::make_unique<Browser>(process));
    browsers.back()->connect("u" + std::to_string(i));
    browsers.back()->cut();
  }
  for (int n = 1; n <= 300; ++n)
    for (int i = 0; i < 8; ++i)
      process.hub.emit({"user:u" + std::to_string(i)}, token("r" + std::to_string(i), n));
  int resumed = 0;
  for (int i = 0; i < 8; ++i) {
    Browser back(process);
    back.connect("u" + std::to_string(i), browsers[static_cast<std::size_t>(i)]->pid);
    resumed += back.sid == browsers[static_cast<std::size_t>(i)]->sid;
  }
  EXPECT_EQ(resumed, 0);  // Without a log, what left the memory is gone, and the client is told.
}

TEST(Hub, SaysGoodbyeWhenTheClientDoes) {
  Process process;
  process.start();
  Browser browser(process);
  browser.connect("alice");
  browser.say("41");
  EXPECT_EQ(browser.next(), "<closed>");
  EXPECT_EQ(process.hub.counts().lost, 0);
}

}  // namespace
}  // namespace antiphon::realtime::testing

#include <gtest/gtest.h>

#include "json/text.h"
#include "realtime/engineio.h"
#include "realtime/socketio.h"

namespace antiphon::realtime {
namespace {

using socketio::Assembler;

TEST(EngineIo, ReadsAFrameOfEachType) {
  for (char c = '0'; c <= '6'; ++c) {
    auto packet = engineio::parse_frame(std::string(1, c) + "x");
    ASSERT_TRUE(packet);
    EXPECT_EQ(static_cast<char>(packet->type), c);
    EXPECT_EQ(packet->data, "x");
  }
}

TEST(EngineIo, RefusesUnknownTypesEmptyFramesAndBrokenText) {
  for (std::string_view bad : {"", "9", "7", "a", "bAQID", "4\xff", "-1"})
    EXPECT_FALSE(engineio::parse_frame(bad)) << bad;
}

TEST(EngineIo, SplitsAPayloadAtItsSeparators) {
  auto packets = engineio::parse_payload(
      "4a\x1e"
      "2\x1e"
      "bAQIDBA==");

  ASSERT_TRUE(packets);
  ASSERT_EQ(packets->size(), 3U);
  EXPECT_EQ((*packets)[0].data, "a");
  EXPECT_EQ((*packets)[1].type, engineio::Type::ping);
  EXPECT_TRUE((*packets)[2].binary);
  EXPECT_EQ((*packets)[2].data, "\x01\x02\x03\x04");
}

TEST(EngineIo, RefusesAPayloadWithAnyBrokenPacket) {
  for (std::string_view bad : {"", "\x1e", "4a\x1e",
                               "\x1e"
                               "4a",
                               "4a\x1e"
                               "9",
                               "bA", "bAQ=D", "bAR==", "b*AAA"})
    EXPECT_FALSE(engineio::parse_payload(bad)) << bad;
}

TEST(EngineIo, BoundsThePacketsOfAPayload) {
  std::string body = "2";
  for (std::size_t i = 1; i < engineio::kMaxPacketsPerPayload; ++i)
    body +=
        "\x1e"
        "2";
  EXPECT_TRUE(engineio::parse_payload(body));
  EXPECT_FALSE(engineio::parse_payload(body + "\x1e"
                                              "2"));
}

TEST(EngineIo, Base64IsItsOwnInverse) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    auto text = engineio::base64(bytes);
    EXPECT_EQ(engineio::base64_decode(text), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(EngineIo, AWrittenPayloadReadsBack) {
  std::string body;
  engineio::append_to_payload(body, "4{\"ü\":1}", false);
  engineio::append_to_payload(body, std::string("\0\xff", 2), true);

  auto packets = engineio::parse_payload(body);
  ASSERT_TRUE(packets);
  EXPECT_EQ((*packets)[0].data, "{\"ü\":1}");
  EXPECT_EQ((*packets)[1].data, std::string("\0\xff", 2));
}

TEST(EngineIo, OffersNoUpgradeUnlessAsked) {
  EXPECT_NE(engineio::open_packet({.sid = "s"}).find("\"upgrades\":[]"), std::string::npos);
  EXPECT_NE(
      engineio::open_packet({.sid = "s", .may_upgrade = true}).find("\"upgrades\":[\"websocket\"]"),
      std::string::npos);
}

TEST(SocketIo, ReadsEventsWithNamespaceAndAck) {
  auto packet = socketio::parse(R"(2/apps,17["x",{"a":1}])");

  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->name_space, "/apps");
  EXPECT_EQ(packet->id, 17U);
  EXPECT_EQ(json::serialize(packet->data), R"(["x",{"a":1}])");
}

TEST(SocketIo, ReadsConnectWithAndWithoutAuth) {
  EXPECT_TRUE(socketio::parse("0"));
  EXPECT_EQ(json::text_at(socketio::parse(R"(0{"token":"t"})")->data, "token"), "t");
  EXPECT_EQ(socketio::parse("0/apps")->name_space, "/apps");
  EXPECT_EQ(socketio::parse("0/apps,{}")->name_space, "/apps");
}

// row 96
TEST(SocketIo, RefusesWhatNoClientSends) {
  for (std::string_view bad : {"",
                               "9",
                               "7[]",
                               "2",
                               "2[",
                               "2[]",
                               "2[1]",
                               "2{}",
                               "2\"x\"",
                               "2[null]",
                               "2[\"\"]",
                               "0[]",
                               "0null",
                               "01{}",
                               "012",
                               "1[]",
                               "11",
                               "3[]",
                               "31{}",
                               "4{\"message\":\"x\"}",
                               "51-",
                               "50-[\"x\"]",
                               "517-[\"x\"]",
                               "5999999-[\"x\"]",
                               "59999999999999999999-[\"x\"]",
                               "5-[\"x\"]",
                               "5[\"x\"]",
                               "5-1-[\"x\"]",
                               "21234567890123456[\"x\"]",
                               "2-1[\"x\"]",
                               "2[\"connect\"]",
                               "2[\"disconnect\"]",
                               "2[\"newListener\"]",
                               "2[\"x\"]]",
                               "2[\"x\"] 1",
                               "2/evil",
                               "2/a b,[\"x\"]",
                               "2[\"\xff\"]"})
    EXPECT_FALSE(socketio::parse(bad)) << bad;
  EXPECT_FALSE(socketio::parse("2/" + std::string(100, 'a') + ",[\"x\"]"));
  EXPECT_FALSE(socketio::parse("2[\"" + std::string(300, 'a') + "\"]"));
  EXPECT_FALSE(socketio::parse("2[\"x\"," + std::string(1000, '[') + std::string(1000, ']') + "]"));
}

Assembler::Outcome feed(Assembler& assembler, std::string_view text,
                        std::vector<std::string> attachments) {
  auto outcome = assembler.add(*socketio::parse(text));
  for (auto& bytes : attachments) outcome = assembler.add_attachment(std::move(bytes));
  return outcome;
}

TEST(SocketIo, AttachmentsBecomeArraysOfNumbers) {
  Assembler assembler;

  auto outcome = feed(
      assembler, R"(52-["x",{"a":{"_placeholder":true,"num":1},"b":[{"_placeholder":true,"num":0}]}])",
      {"\x01\x02", "\xff"});

  ASSERT_EQ(outcome, Assembler::Outcome::complete);
  EXPECT_EQ(json::serialize(assembler.take().data), R"(["x",{"a":[255],"b":[[1,2]]}])");
}

// row 96: attachment confusion
TEST(SocketIo, PlaceholdersNameEachAttachmentOnce) {
  for (std::string_view bad :
       {R"(51-["x",{"_placeholder":true,"num":1}])", R"(51-["x",{"_placeholder":true,"num":-1}])",
        R"(51-["x",{"_placeholder":true,"num":"splice"}])", R"(51-["x",{"_placeholder":true}])",
        R"(51-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])", R"(51-["x"])",
        R"(51-["x",{"_placeholder":1,"num":0}])"}) {
    Assembler assembler;
    EXPECT_EQ(feed(assembler, bad, {"a"}), Assembler::Outcome::broken) << bad;
  }
}

TEST(SocketIo, RefusesBytesNobodyAnnouncedAndTextInBetween) {
  Assembler none;
  EXPECT_EQ(none.add_attachment("a"), Assembler::Outcome::broken);

  Assembler between;
  EXPECT_EQ(feed(between, R"(52-["x",{"_placeholder":true,"num":0}])", {"a"}),
            Assembler::Outcome::waiting);
  EXPECT_EQ(between.add(*socketio::parse("2[\"x\"]")), Assembler::Outcome::broken);
}

TEST(SocketIo, BoundsTheBytesOfAttachments) {
  Assembler assembler;
  EXPECT_EQ(feed(assembler, R"(51-["x",{"_placeholder":true,"num":0}])",
                 {std::string(socketio::kMaxAttachmentBytes + 1, 'a')}),
            Assembler::Outcome::broken);
}

TEST(SocketIo, WritesWhatClientsRead) {
  EXPECT_EQ(socketio::connect_frame("s", "p"), R"(40{"sid":"s","pid":"p"})");
  EXPECT_EQ(socketio::connect_error_frame("/evil", "no"), R"(44/evil,{"message":"no"})");
  EXPECT_EQ(socketio::ack_frame(7, true), "437[true]");
  EXPECT_EQ(socketio::event_frame("e", "{}"), R"(42["e",{}])");
  EXPECT_EQ(socketio::event_frame("e", "{}", "0;1.2;"), R"(42["e",{},"0;1.2;"])");
  EXPECT_EQ(socketio::event_frame("e", "{}", {}, 3), R"(423["e",{}])");
  EXPECT_EQ(socketio::event_frame("e", "{}", {}, {}, 2), R"(452-["e",{}])");
}

}  // namespace
}  // namespace antiphon::realtime

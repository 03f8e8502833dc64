#include "features/chats/history.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/problem.h"
#include "features/chats/testing.h"

namespace antiphon::chats {
namespace {

using testing::chat_json;
using testing::message;

int status_of(const json::Value& chat) {
  try {
    (void)History::read(chat, "chat", "user");
    return 200;
  } catch (const Problem& p) {
    return p.status();
  }
}

TEST(Histories, PutParentsFirstAndSiblingsInTheirOrder) {
  auto first = message("u1", "", "user", "q");
  first["childrenIds"] = json::Array{"b", "a"};
  json::Value chat = chat_json(
      "t", {message("a", "u1", "assistant", ""), message("b", "u1", "assistant", ""), first}, "a");

  History history = History::read(chat, "chat", "user");

  EXPECT_EQ(history.ids(), (std::vector<std::string>{"u1", "b", "a"}));
  EXPECT_EQ(history.entries[1].message.position, 1);
  EXPECT_EQ(history.entries[2].message.position, 2);
}

TEST(Histories, EndTheCurrentBranchAtALeaf) {
  json::Value chat = chat_json("t", testing::exchange(), "u1");

  EXPECT_EQ(History::read(chat, "chat", "user").leaf, "a1");
  EXPECT_EQ(History::read(chat_json("t", testing::exchange(), "gone"), "chat", "user").leaf, "");
}

TEST(Histories, RefuseCirclesAndSelfParents) {  // row 120
  EXPECT_EQ(status_of(chat_json("t", {message("a", "a", "user", "")}, "a")), 400);
  EXPECT_EQ(
      status_of(chat_json("t", {message("a", "b", "user", ""), message("b", "a", "user", "")}, "a")),
      400);
  EXPECT_EQ(status_of(chat_json("t",
                                {message("r", "", "user", ""), message("a", "c", "user", ""),
                                 message("b", "a", "user", ""), message("c", "b", "user", "")},
                                "r")),
            400);
}

json::Value chain(int length) {
  std::vector<json::Object> messages;
  for (int i = 0; i != length; ++i)
    messages.push_back(message(std::to_string(i), i ? std::to_string(i - 1) : "", "user", "x"));
  return chat_json("t", messages, "0");
}

json::Value fan(int children) {
  std::vector<json::Object> messages{message("r", "", "user", "x")};
  for (int i = 0; i != children; ++i)
    messages.push_back(message(std::to_string(i), "r", "assistant", "x"));
  return chat_json("t", messages, "r");
}

TEST(Histories, RefuseWhatIsTooManyForOneWrite) {  // row 120
  EXPECT_EQ(status_of(chain(100'000)), 413);
  EXPECT_EQ(status_of(fan(100'000)), 413);
}

TEST(Histories, ReadTheLongestAllowedChainAndTheWidestFan) {  // row 120
  json::Value deep = chain(20'000), wide = fan(19'999);

  EXPECT_EQ(History::read(deep, "chat", "user").leaf, "19999");
  EXPECT_EQ(History::read(wide, "chat", "user").entries.size(), 20'000u);
}

TEST(Histories, RefuseAMessageThatIsTooLong) {  // row 123
  EXPECT_EQ(status_of(chat_json("t", {message("a", "", "user", std::string((1 << 20) + 1, 'x'))}, "a")),
            413);
}

TEST(Histories, LeaveOutWhatIsNoMessage) {
  json::Value chat =
      chat_json("t", {message("a", "", "wizard", ""), message("b", "a", "user", "")}, "b");
  chat.as_object()["history"].as_object()["messages"].as_object()["c"] = 5;

  History history = History::read(chat, "chat", "user");

  EXPECT_EQ(history.ids(), std::vector<std::string>{"b"});
  EXPECT_EQ(History::read("no object", "chat", "user").entries.size(), 0u);
}

Message stored() {
  auto m = from_client(json::Value(message("a", "u", "assistant", "text")), "chat", "owner");
  m->output = json::Array{1};
  m->extra = json::Object{{"annotation", json::Object{{"rating", 1}}}};
  return *m;
}

TEST(Messages, KeepWhatAWriteDoesNotName) {
  auto changed = changed_by(stored(), json::Value(json::Object{{"id", "a"},
                                                               {"favorite", true},
                                                               {"parentId", "elsewhere"},
                                                               {"role", "user"},
                                                               {"user_id", "thief"},
                                                               {"content", nullptr}}));

  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->content, "text");
  EXPECT_EQ(changed->parent_id, "u");
  EXPECT_EQ(changed->role, "assistant");
  EXPECT_EQ(changed->user_id, "owner");
  EXPECT_TRUE(changed->extra->as_object().contains("annotation"));
  EXPECT_TRUE(changed->extra->as_object().contains("favorite"));
}

TEST(Messages, AreUnchangedByTheirOwnText) {
  Message have = stored();

  EXPECT_FALSE(changed_by(have, json::Value(to_client(have, {"child"}))));
  EXPECT_FALSE(changed_by(have, "no object"));
}

TEST(Messages, LoseWhatAWriteSetsToNull) {
  auto changed =
      changed_by(stored(), json::Value(json::Object{{"annotation", nullptr}, {"output", nullptr}}));

  ASSERT_TRUE(changed);
  EXPECT_FALSE(changed->output);
}

}  // namespace
}  // namespace antiphon::chats

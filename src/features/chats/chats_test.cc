#include "features/chats/chats.h"

#include "features/chats/testing.h"

/// Chats through their routes, on both databases.
namespace antiphon::chats {
namespace {

using namespace testing;

ANTIPHON_ON_ENGINES(ChatsTest);

std::vector<std::string> keys(const Object& object) {
  std::vector<std::string> out;
  for (const auto& [key, value] : object) out.emplace_back(json::view(key));
  std::ranges::sort(out);
  return out;
}

TEST_P(ChatsTest, AnswerInUpstreamsShape) {
  World w(GetParam());
  std::string id = w.add("alice", "Greetings");

  auto reply = w.as("alice", "GET", "/" + id);

  ASSERT_EQ(reply.status, 200);
  for (std::string_view key :
       {"id", "user_id", "title", "chat", "updated_at", "created_at", "share_id", "archived", "pinned",
        "meta", "variables", "folder_id", "tasks", "summary", "current_message_id", "context_usage"})
    EXPECT_TRUE(reply.body.as_object().contains(key)) << key;
  EXPECT_EQ(json::text_at(reply.body, "current_message_id"), "a1");
  Object history = w.history("alice", id);
  EXPECT_EQ(json::text_at(Value(history), "currentId"), "a1");
  const Object& question = history["messages"].as_object()["u1"].as_object();
  EXPECT_EQ(question.at("childrenIds"), Value(Array{"a1"}));
  EXPECT_TRUE(question.at("parentId").is_null());
  EXPECT_EQ(question.at("content"), "Question");
}

TEST_P(ChatsTest, AWholeChatWriteNeverShrinksTheHistory) {
  World w(GetParam());
  std::string id = w.add("alice", "Before");

  auto reply = w.as("alice", "POST", "/" + id,
                    Object{{"chat", chat_json("After", {message("u2", "a1", "user", "More")}, "u2")}});

  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(json::text_at(reply.body, "title"), "After");
  EXPECT_EQ(keys(w.messages("alice", id)), (std::vector<std::string>{"a1", "u1", "u2"}));
  EXPECT_EQ(w.as("alice", "POST", "/" + id, Object{{"chat", Object{{"title", "Only"}}}}).status, 200);
  EXPECT_EQ(w.messages("alice", id).size(), 3u);
  EXPECT_EQ(json::text_at(w.as("alice", "GET", "/" + id).body, "current_message_id"), "u2");
}

TEST_P(ChatsTest, AWholeChatWriteKeepsMembersItDoesNotName) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");

  w.as("alice", "POST", "/" + id,
       Object{{"chat", Object{{"history",
                               Object{{"messages",
                                       Object{{"a1", Object{{"id", "a1"},
                                                            {"role", "assistant"},
                                                            {"annotation", Object{{"rating", 1}}}}}}},
                                      {"currentId", "a1"}}}}}});

  Object answer = w.messages("alice", id)["a1"].as_object();
  EXPECT_EQ(answer.at("content"), "Answer");
  EXPECT_EQ(answer.at("parentId"), "u1");
  EXPECT_EQ(json::int_at(answer.at("annotation"), "rating"), 1);
}

TEST_P(ChatsTest, AMessageBeingWrittenIsLeftAlone) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  w.script("UPDATE chat_message SET done = FALSE WHERE id = 'a1'");

  w.as("alice", "POST", "/" + id,
       Object{{"chat", chat_json("Chat", {message("a1", "u1", "assistant", "stale")}, "a1")}});
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/messages/a1", Object{{"content", "stale"}}).status, 409);
  EXPECT_EQ(w.as("alice", "DELETE", "/" + id + "/messages/a1").status, 409);
  EXPECT_EQ(w.as("alice", "DELETE", "/" + id + "/messages/u1").status,
            409);  // It would take its answer along.

  EXPECT_EQ(w.messages("alice", id)["a1"].as_object()["content"], "Answer");
}

TEST_P(ChatsTest, TextOfARunningAnswerIsShownAndCopied) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  w.script("UPDATE chat_message SET done = FALSE, content = '\"\"' WHERE id = 'a1'");
  auto run = w.begin_answer("alice", id, "a1");
  w.script("INSERT INTO run_event (run_id, seq, epoch, payload) VALUES ('" + run->id() +
           "', 1, 1, "
           "'[{\"type\":\"response:completion\",\"data\":{\"type\":\"response.output_text.delta\","
           "\"item_id\":\"m\","
           "\"output_index\":0,\"content_index\":0,\"delta\":\"so far\"}}]')");

  EXPECT_EQ(w.messages("alice", id)["a1"].as_object()["content"], "so far");
  EXPECT_EQ(w.messages("alice", id)["a1"].as_object()["done"], false);
  std::string copy(json::text_at(w.as("alice", "POST", "/" + id + "/clone", Object()).body, "id"));
  EXPECT_EQ(w.messages("alice", copy)["a1"].as_object()["content"], "so far");
  EXPECT_EQ(w.messages("alice", copy)["a1"].as_object()["done"], true);
  EXPECT_EQ(World::column(w.as("alice", "GET", "/?page=1"), "id").size(), 2u);
  EXPECT_EQ(w.as("alice", "GET", "/search?text=chat").body.as_array().size(), 2u);
}

TEST_P(ChatsTest, CirclesAreRefusedAndChangeNothing) {  // row 120
  World w(GetParam());
  std::string id = w.add("alice", "Chat");

  EXPECT_EQ(w.as("alice", "POST", "/" + id,
                 Object{{"chat", chat_json("x", {message("s", "s", "user", "")}, "s")}})
                .status,
            400);
  EXPECT_EQ(w.as("alice", "POST", "/new",
                 Object{{"chat", chat_json("x", {message("s", "s", "user", "")}, "s")}})
                .status,
            400);
  // A stored message keeps its place, so a write that would bend the tree cannot.
  w.as("alice", "POST", "/" + id,
       Object{{"chat", chat_json("Chat", {message("u1", "a1", "user", "q")}, "a1")}});

  EXPECT_TRUE(w.messages("alice", id)["u1"].as_object()["parentId"].is_null());
  EXPECT_EQ(World::column(w.as("alice", "GET", "/")), std::vector<std::string>{"Chat"});
}

TEST_P(ChatsTest, ACircleThatIsThereEndsEveryWalk) {  // row 120
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  w.script("UPDATE chat_message SET parent_id = 'a1' WHERE id = 'u1'");

  EXPECT_EQ(w.as("alice", "GET", "/" + id).status, 200);
  EXPECT_EQ(w.as("alice", "GET", "/" + id + "/branch?limit=100").status, 200);
  EXPECT_EQ(w.as("alice", "GET", "/" + id + "/branch?leaf=u1").status, 200);
  EXPECT_EQ(run([&] { return w.chats.branch(id, "a1"); }).size(), 2u);
}

TEST_P(ChatsTest, AParentThatIsNowhereMakesARoot) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");

  w.as("alice", "POST", "/" + id,
       Object{{"chat", chat_json("Chat", {message("lost", "nowhere", "user", "q")}, "lost")}});

  EXPECT_TRUE(w.messages("alice", id)["lost"].as_object()["parentId"].is_null());
  EXPECT_EQ(json::text_at(Value(w.history("alice", id)), "currentId"), "lost");
}

TEST_P(ChatsTest, TheCurrentMessageIsALeafThatExists) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", exchange(), "u1");
  EXPECT_EQ(json::text_at(Value(w.history("alice", id)), "currentId"), "a1");

  w.as("alice", "POST", "/" + id,
       Object{{"chat", Object{{"history", Object{{"messages", Object()}, {"currentId", "nowhere"}}}}}});
  EXPECT_EQ(json::text_at(Value(w.history("alice", id)), "currentId"), "a1");

  w.as("alice", "POST", "/" + id, Object{{"chat", Object{{"history", Object{{"currentId", "u1"}}}}}});
  EXPECT_EQ(json::text_at(Value(w.history("alice", id)), "currentId"), "a1");
}

TEST_P(ChatsTest, EditingAnAnswerKeepsItsReasoning) {
  World w(GetParam());
  auto messages = exchange();
  messages[1]["output"] =
      Array{Object{{"type", "reasoning"}, {"id", "r"}},
            Object{{"type", "message"},
                   {"id", "m"},
                   {"content", Array{Object{{"type", "output_text"}, {"text", "Old"}}}}}};
  std::string id = w.add("alice", "Chat", messages);

  auto reply = w.as("alice", "POST", "/" + id + "/messages/a1", Object{{"content", "Better"}});

  ASSERT_EQ(reply.status, 200) << reply.text;
  Object answer = w.messages("alice", id)["a1"].as_object();
  EXPECT_EQ(answer["content"], "Better");
  EXPECT_EQ(
      json::serialize(answer["output"]),
      R"([{"type":"reasoning","id":"r"},{"type":"message","id":"m","content":[{"type":"output_text","text":"Better"}]}])");
  EXPECT_EQ(w.as("alice", "GET", "/search?text=better").body.as_array().size(), 1u);
  EXPECT_EQ(w.as("alice", "GET", "/search?text=old").body.as_array().size(), 0u);
  ASSERT_EQ(w.emitted.size(), 1u);
  EXPECT_EQ(w.emitted[0].first, "alice");
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/messages/nope", Object{{"content", "x"}}).status, 409);
}

TEST_P(ChatsTest, AMessageMayNotGrowPastItsBound) {  // row 123
  World w(GetParam());
  std::string id = w.add("alice", "Chat");

  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/messages/u1",
                 Object{{"content", std::string((1 << 20) + 1, 'x')}})
                .status,
            413);
  EXPECT_EQ(
      w.as("alice", "POST", "/" + id + "/messages/u1", Object{{"content", std::string(1 << 20, 'x')}})
          .status,
      200);
}

std::vector<Object> long_chat() {
  return {message("u1", "", "user", "1"),         message("a1", "u1", "assistant", "2"),
          message("b1", "u1", "assistant", "2b"), message("u2", "a1", "user", "3"),
          message("a2", "u2", "assistant", "4"),  message("u3", "a2", "user", "5")};
}

TEST_P(ChatsTest, DeletingAQuestionTakesItsAnswersAndAdoptsWhatFollows) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", long_chat(), "u3");

  ASSERT_EQ(w.as("alice", "DELETE", "/" + id + "/messages/u2").status, 200);

  Object left = w.messages("alice", id);
  EXPECT_EQ(left.size(), 4u);
  EXPECT_EQ(left["u3"].as_object()["parentId"], "a1");
  EXPECT_EQ(json::text_at(Value(w.history("alice", id)), "currentId"), "u3");

  ASSERT_EQ(w.as("alice", "DELETE", "/" + id + "/messages/u1").status, 200);
  left = w.messages("alice", id);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_TRUE(left["u3"].as_object()["parentId"].is_null());
}

TEST_P(ChatsTest, DeletingAnAnswerAdoptsItsChildrenAndMovesTheCurrentOne) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", long_chat(), "u3");

  w.as("alice", "DELETE", "/" + id + "/messages/a1");
  EXPECT_EQ(w.messages("alice", id)["u2"].as_object()["parentId"], "u1");
  w.as("alice", "DELETE", "/" + id + "/messages/u3");
  EXPECT_EQ(json::text_at(Value(w.history("alice", id)), "currentId"), "a2");
  for (std::string gone : {"a2", "u2", "b1", "u1"})
    w.as("alice", "DELETE", "/" + id + "/messages/" + gone);
  EXPECT_EQ(w.messages("alice", id).size(), 0u);
  EXPECT_TRUE(w.history("alice", id)["currentId"].is_null());
}

TEST_P(ChatsTest, AForkHoldsOneBranchAndACloneAll) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", long_chat(), "u3");
  w.as("alice", "POST", "/" + id + "/tags", Object{{"name", "Keep Me"}});

  auto fork = w.as("alice", "POST", "/" + id + "/fork", Object{{"message_id", "a1"}});
  auto clone = w.as("alice", "POST", "/" + id + "/clone", Object());

  ASSERT_EQ(fork.status, 200) << fork.text;
  EXPECT_EQ(json::text_at(fork.body, "title"), "Chat (fork)");
  EXPECT_EQ(json::text_at(*json::find(fork.body, "meta"), "forked_from_message_id"), "a1");
  EXPECT_EQ(keys(w.messages("alice", std::string(json::text_at(fork.body, "id")))),
            (std::vector<std::string>{"a1", "u1"}));
  EXPECT_EQ(json::text_at(fork.body, "current_message_id"), "a1");
  EXPECT_EQ(json::text_at(clone.body, "title"), "Clone of Chat");
  EXPECT_EQ(w.messages("alice", std::string(json::text_at(clone.body, "id"))).size(), 6u);
  EXPECT_EQ(json::text_at(clone.body, "current_message_id"), "u3");
  EXPECT_EQ(w.as("alice", "POST", "/tags", Object{{"name", "keep me"}}).body.as_array().size(), 3u);
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/fork", Object{{"message_id", "nope"}}).status, 404);
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/fork").status, 200);
  EXPECT_EQ(w.as("alice", "POST", "/" + w.add("alice", "Empty", {}, "") + "/fork").status, 400);
}

TEST_P(ChatsTest, AnImportComesBackAsItWent) {
  World w(GetParam());
  std::string id = w.add("alice", "Original", long_chat(), "u3");
  Value exported = w.as("alice", "GET", "/all").body;

  auto reply = w.as("bob", "POST", "/import",
                    Object{{"chats", Array{Object{{"chat", *json::find(exported, "chat")},
                                                  {"meta", Object{{"tags", Array{"x y"}}, {"odd", 1}}},
                                                  {"pinned", true},
                                                  {"created_at", 5},
                                                  {"updated_at", 6}}}}});

  ASSERT_EQ(reply.status, 200) << reply.text;
  const Value& chat = reply.body.as_array().front();
  EXPECT_EQ(json::int_at(chat, "created_at"), 5);
  EXPECT_EQ(json::int_at(chat, "updated_at"), 6);
  EXPECT_TRUE(json::bool_at(chat, "pinned"));
  EXPECT_EQ(json::int_at(*json::find(chat, "meta"), "odd"), 1);
  EXPECT_EQ(json::text_at(chat, "user_id"), "bob");
  EXPECT_EQ(World::column(w.as("bob", "GET", "/all/tags"), "id"), std::vector<std::string>{"x_y"});
  Object before = w.messages("alice", id);
  Object after = w.messages("bob", std::string(json::text_at(chat, "id")));
  ASSERT_EQ(after.size(), before.size());
  for (auto& [key, value] : before) {
    value.as_object().erase("user_id");
    after[key].as_object().erase("user_id");
    EXPECT_EQ(json::serialize(value), json::serialize(after[key]));
  }
}

TEST_P(ChatsTest, AnImportTakesNothingWhenOneFolderIsForeign) {  // rows 50, 65
  World w(GetParam());

  auto reply = w.as("bob", "POST", "/import",
                    Object{{"chats", Array{Object{{"chat", Object{{"title", "fine"}}}},
                                           Object{{"chat", Object{{"title", "not"}}},
                                                  {"folder_id", "folder of alice"}}}}});

  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(w.as("bob", "GET", "/").text, "[]");
  EXPECT_EQ(
      w.as("bob", "POST", "/new", Object{{"chat", Object()}, {"folder_id", "folder of alice"}}).status,
      404);
  std::string id = w.add("bob", "own");
  EXPECT_EQ(w.as("bob", "POST", "/" + id + "/folder", Object{{"folder_id", "folder of alice"}}).status,
            404);
}

TEST_P(ChatsTest, ABranchCostsWhatIsVisibleWhateverTheChatHolds) {
  World w(GetParam());
  std::vector<Object> messages{message("root", "", "user", "q")};
  std::string last = "root";
  for (int i = 0; i != 2'000; ++i) {  // A long chat …
    messages.push_back(message("m" + std::to_string(i), last, i % 2 ? "user" : "assistant", "text"));
    last = "m" + std::to_string(i);
  }
  for (int i = 0; i != 8'000; ++i)  // … with a great many other answers to its first question.
    messages.push_back(message("s" + std::to_string(i), "root", "assistant", "text"));
  std::string id = w.add("alice", "Long", messages, last);

  Value page = w.as("alice", "GET", "/" + id + "/branch?limit=20").body;
  Value all = w.as("alice", "GET", "/" + id + "/branch?limit=1000&leaf=m5").body;

  const Array& shown = json::find(page, {"branch", "messages"})->as_array();
  ASSERT_EQ(shown.size(), 20u);
  EXPECT_EQ(json::text_at(shown.back(), "id"), last);
  EXPECT_FALSE(json::bool_at(*json::find(page, "branch"), "complete", true));
  EXPECT_EQ(shown.back().as_object().at("siblings"), Value(Array{last}));
  EXPECT_TRUE(run([&] { return w.chats.siblings(id, {last}, {"m1998"}, false, 50); }).size() == 1);
  const Array& whole = json::find(all, {"branch", "messages"})->as_array();
  ASSERT_EQ(whole.size(), 1000u);  // From m5 down to the branch's end, as far as the limit goes.
  auto wide = run([&] { return w.chats.siblings(id, {"s4000"}, {"root"}, false, View::kSiblings); });
  EXPECT_EQ(wide.size(), 2u * View::kSiblings + 1);
  EXPECT_EQ(wide.front().total, 8'001);
}

TEST_P(ChatsTest, ABranchNamesWhatLiesBesideEachMessage) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", long_chat(), "u3");

  Value page = w.as("alice", "GET", "/" + id + "/branch?leaf=b1").body;

  const Array& shown = json::find(page, {"branch", "messages"})->as_array();
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[1].as_object().at("siblings"), Value((Array{"a1", "b1"})));
  EXPECT_EQ(json::int_at(shown[1], "siblingIndex"), 1);
  EXPECT_EQ(json::int_at(shown[1], "siblingCount"), 2);
  EXPECT_EQ(shown[0].as_object().at("siblings"), Value(Array{"u1"}));
  EXPECT_TRUE(json::bool_at(*json::find(page, "branch"), "complete"));
}

TEST_P(ChatsTest, ParametersAreMergedAndNullTakesThemAway) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");

  w.as("alice", "PATCH", "/" + id + "/params", Object{{"temperature", 0.5}, {"seed", 1}});
  auto reply = w.as("alice", "PATCH", "/" + id + "/params", Object{{"seed", nullptr}, {"top_p", 1}});

  EXPECT_EQ(json::serialize(reply.body), R"({"temperature":0.5,"top_p":1})");
  EXPECT_EQ(w.as("alice", "PATCH", "/" + id + "/params", Array{1}).status, 422);
}

TEST_P(ChatsTest, TwoWritesToOneChatBothCount) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  auto chat = run([&] { return w.chats.find(id); });  // Both start from the same reading.

  Value a = Object{{"a", 1}}, b = Object{{"b", 2}}, c = Object{{"c", 3}};
  run([&] { return w.editor.merge_params(*chat, a); });
  run([&] { return w.editor.merge(*chat, b); });
  run([&] { return w.editor.merge_params(*chat, c); });

  Value now = run([&] { return w.chats.find(id); })->data;
  EXPECT_EQ(json::int_at(now, "b"), 2);
  EXPECT_EQ(json::serialize(*json::find(now, "params")), R"({"a":1,"c":3})");
}

TEST_P(ChatsTest, DeletingStopsWhatIsBeingWrittenButOnlyForTheOwner) {  // row 59
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  auto run = w.begin_answer("alice", id, "next");

  EXPECT_EQ(w.as("mallory", "DELETE", "/" + id).status, 404);
  EXPECT_FALSE(run->cancelled());
  w.denied = {"chat.delete"};
  EXPECT_EQ(w.as("alice", "DELETE", "/" + id).status, 401);
  EXPECT_FALSE(run->cancelled());
  w.denied.clear();
  EXPECT_EQ(w.as("alice", "DELETE", "/" + id).text, "true");
  EXPECT_TRUE(run->cancelled());
  EXPECT_EQ(w.as("alice", "GET", "/" + id).status, 401);
}

TEST_P(ChatsTest, TitlesAreCutBetweenCharactersAndNeverEmpty) {
  World w(GetParam());
  std::string title;
  for (int i = 0; i != 600; ++i) title += "ä";

  auto reply = w.as("alice", "POST", "/new", Object{{"chat", Object{{"title", title}}}});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(json::text_at(reply.body, "title").size(), 1024u);
  EXPECT_EQ(json::text_at(w.as("alice", "POST", "/new", Object{{"chat", Object()}}).body, "title"),
            "New Chat");
  EXPECT_EQ(w.as("alice", "POST", "/new", Object{{"chat", 5}}).status, 422);
}

}  // namespace
}  // namespace antiphon::chats

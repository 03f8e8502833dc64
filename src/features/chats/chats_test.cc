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
  EXPECT_EQ(w.as("alice", "GET", "/" + id + "/branch?leaf=u1").status, 200);
  Value page = w.as("alice", "GET", "/" + id + "/branch?limit=100").body;
  EXPECT_TRUE(json::bool_at(*json::find(page, "branch"), "complete"));  // There is no page before it.
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

/// What GET …/branch says.
struct Branch {
  Branch(World& w, const std::string& path) : Branch(w.as("alice", "GET", path)) {}
  explicit Branch(const World::Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.text;
    all = json::find(reply.body, "branch")->as_object();
  }
  std::vector<std::string> ids(std::string_view part = "messages") const {
    std::vector<std::string> out;
    for (const Value& m : all.at(part).as_array()) out.emplace_back(json::text_at(m, "id"));
    return out;
  }
  std::string place(std::string_view id) const {
    const Value* place = json::find(all.at("places"), id);
    return place ? json::serialize(*place) : "";
  }
  bool complete() const { return all.at("complete").as_bool(); }
  Object all;
};
using Ids = std::vector<std::string>;

TEST_P(ChatsTest, ABranchIsReadInPagesWhateverTheChatHolds) {
  World w(GetParam());
  std::vector<Object> messages{message("root", "", "user", "q")};
  std::string last = "root";
  for (int i = 0; i != 2'000; ++i) {  // A long chat …
    messages.push_back(message("m" + std::to_string(i), last, i % 2 ? "user" : "assistant", "text"));
    last = "m" + std::to_string(i);
  }
  for (int i = 0; i != 8'000; ++i)  // … with a great many other answers to its first question.
    messages.push_back(message("s" + std::to_string(1000 + i), "root", "assistant", "text"));
  std::string id = w.add("alice", "Long", messages, last);

  Branch page(w, "/" + id + "/branch?limit=3");
  Branch before(w, "/" + id + "/branch?limit=3&until=m1996");
  Branch first(w, "/" + id + "/branch?limit=3&until=m1");
  Branch shortest(w, "/" + id + "/branch?limit=2&until=m0");
  Branch other(w, "/" + id + "/branch?leaf=s5000");

  EXPECT_EQ(page.ids(), (Ids{"m1997", "m1998", "m1999"}));
  EXPECT_FALSE(page.complete());
  EXPECT_EQ(before.ids(), (Ids{"m1994", "m1995", "m1996"}));
  EXPECT_EQ(json::text_at(Value(before.all), "leaf"), "m1996");
  EXPECT_EQ(first.ids(), (Ids{"root", "m0", "m1"}));
  EXPECT_TRUE(first.complete());
  EXPECT_TRUE(shortest.complete());
  EXPECT_EQ(page.all.at("places"), Value(Object()));
  EXPECT_EQ(first.place("m0"), R"({"index":0,"count":8001,"previous":null,"next":"s1000"})");
  EXPECT_EQ(other.ids(), (Ids{"root", "s5000"}));
  EXPECT_EQ(other.ids("beside"), Ids());  // Alternatives are named, not sent.
  EXPECT_EQ(other.place("s5000"), R"({"index":4001,"count":8001,"previous":"s4999","next":"s5001"})");
}

TEST_P(ChatsTest, ABranchNamesTheNeighboursOfItsMessages) {
  World w(GetParam());
  auto messages = long_chat();
  messages.push_back(message("other", "", "user", "1 anew"));
  messages.push_back(message("note", "u1", "system", "beside the answers, but none of them"));
  std::string id = w.add("alice", "Chat", messages, "u3");

  Branch page(w, "/" + id + "/branch?leaf=b1");
  Branch gone(w, "/" + id + "/branch?leaf=nowhere");

  EXPECT_EQ(page.ids(), (Ids{"u1", "b1"}));
  EXPECT_EQ(page.place("u1"), R"({"index":0,"count":2,"previous":null,"next":"other"})");
  EXPECT_EQ(page.place("b1"), R"({"index":1,"count":2,"previous":"a1","next":null})");
  EXPECT_EQ(gone.ids(), (Ids{"u1", "a1", "u2", "a2", "u3"}));
  EXPECT_EQ(json::text_at(Value(gone.all), "leaf"), "u3");
  EXPECT_EQ(gone.place("a1"), R"({"index":0,"count":2,"previous":null,"next":"b1"})");
  EXPECT_EQ(gone.place("u2"), "");
}

Object column(Object message, Value lane) {
  message["modelIdx"] = std::move(lane);
  return message;
}

TEST_P(ChatsTest, AnswersOfSeveralModelsComeWithTheBranch) {
  World w(GetParam());
  std::vector<Object> messages{message("q", "", "user", "all of you"),
                               column(message("a0", "q", "assistant", "a"), 0),
                               column(message("a1", "q", "assistant", "b"), 1),
                               column(message("a2", "q", "assistant", "c"), 5),
                               column(message("a3", "q", "assistant", "b again"), 1),
                               message("a4", "q", "assistant", "a again"),
                               column(message("a5", "q", "assistant", "of no column"), "odd"),
                               message("next", "a1", "user", "go on")};
  std::string id = w.add("alice", "Columns", messages, "a0");

  Branch a(w, "/" + id + "/branch?leaf=a0");
  Branch b(w, "/" + id + "/branch?leaf=a1");

  EXPECT_EQ(a.ids(), (Ids{"q", "a0"}));
  EXPECT_EQ(a.ids("beside"), (Ids{"a2", "a3"}));
  EXPECT_EQ(json::text_at(a.all.at("beside").as_array().back(), "content"), "b again");
  EXPECT_EQ(a.place("a0"), R"({"index":0,"count":3,"previous":null,"next":"a4"})");
  EXPECT_EQ(a.place("a3"), R"({"index":1,"count":2,"previous":"a1","next":null})");
  EXPECT_EQ(a.place("a2"), "");
  EXPECT_EQ(b.ids(), (Ids{"q", "a1", "next"}));
  EXPECT_EQ(b.ids("beside"), (Ids{"a2", "a5"}));  // Of its own column the branch's is shown.
}

TEST_P(ChatsTest, ColumnsAreBounded) {
  World w(GetParam());
  std::vector<Object> messages{message("q", "", "user", "everybody")};
  for (int i = 0; i != 40; ++i)
    messages.push_back(column(message("a" + std::to_string(i), "q", "assistant", "x"), i));
  std::string id = w.add("alice", "Crowd", messages, "a0");

  EXPECT_EQ(Branch(w, "/" + id + "/branch").ids("beside").size(), std::size_t(Chats::kColumns - 1));
}

TEST_P(ChatsTest, WhatIsBeingWrittenElsewhereComesWithTheBranch) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", long_chat(), "u3");
  w.script("UPDATE chat_message SET done = FALSE, content = '\"\"' WHERE id = 'b1'");
  auto run = w.begin_answer("alice", id, "b1");
  w.script("INSERT INTO run_event (run_id, seq, epoch, payload) VALUES ('" + run->id() +
           "', 1, 1, '[{\"type\":\"response:completion\",\"data\":{\"type\":"
           "\"response.output_text.delta\",\"item_id\":\"m\",\"output_index\":0,"
           "\"content_index\":0,\"delta\":\"so far\"}}]')");

  Branch page(w, "/" + id + "/branch?limit=1");

  EXPECT_EQ(page.ids(), Ids{"u3"});
  EXPECT_EQ(page.ids("beside"), Ids{"b1"});
  const Value& answer = page.all.at("beside").as_array().front();
  EXPECT_EQ(json::text_at(answer, "content"), "so far");
  EXPECT_FALSE(json::bool_at(answer, "done", true));
}

TEST_P(ChatsTest, AChatRemembersTheBranchItWasSentTo) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", long_chat(), "u3");
  std::int64_t said = run([&] { return w.chats.find(id); })->updated_at;

  Branch there(w.as("alice", "POST", "/" + id + "/branch", Object{{"leaf", "b1"}}));

  EXPECT_EQ(there.ids(), (Ids{"u1", "b1"}));
  EXPECT_EQ(Branch(w, "/" + id + "/branch").ids(), (Ids{"u1", "b1"}));
  Branch back(w.as("alice", "POST", "/" + id + "/branch", Object{{"leaf", "a1"}, {"limit", 2}}));
  EXPECT_EQ(back.ids(), (Ids{"a2", "u3"}));  // At each fork to the newest.
  EXPECT_EQ(json::text_at(w.as("alice", "GET", "/" + id).body, "current_message_id"), "u3");
  EXPECT_EQ(run([&] { return w.chats.find(id); })->updated_at, said);
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/branch", Object{{"leaf", "nowhere"}}).status, 404);
  EXPECT_EQ(w.as("mallory", "POST", "/" + id + "/branch", Object{{"leaf", "b1"}}).status, 401);
  w.settings.admin_access.set(true);  // Administrators look around, and leave no trace.
  Branch looked(
      w.ask(World::admin(), "POST", "/api/v1/chats/" + id + "/branch", Object{{"leaf", "b1"}}));
  EXPECT_EQ(looked.ids(), (Ids{"u1", "b1"}));
  EXPECT_EQ(json::text_at(w.as("alice", "GET", "/" + id).body, "current_message_id"), "u3");
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

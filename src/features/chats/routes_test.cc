#include <set>

#include "features/chats/testing.h"

/// Who may do what with a chat, by every route.
namespace antiphon::chats {
namespace {

using namespace testing;

ANTIPHON_ON_ENGINES(RoutesTest);

/// A body that fits the route, so that only the right decides.
std::optional<Value> body_for(const http::Route& route) {
  if (route.method == "GET" || route.method == "DELETE")
    return route.path.ends_with("/tags") ? std::optional<Value>(Object{{"name", "x"}}) : std::nullopt;
  if (route.path.ends_with("/tags")) return Object{{"name", "x"}};
  if (route.path.ends_with("/branch")) return Object{{"leaf", "a1"}};
  if (route.path.ends_with("/event")) return Object{{"type", "x"}, {"data", Object()}};
  if (route.path.ends_with("/resolve")) return Object{{"call_id", "x"}, {"action", "approve"}};
  if (route.path.ends_with("/messages/{message_id}")) return Object{{"content", "x"}};
  if (route.path.ends_with("/access/update")) return Object{{"access_grants", Array()}};
  if (route.path == "/api/v1/chats/{id}") return Object{{"chat", Object{{"title", "stolen"}}}};
  return Object();
}

std::string filled(std::string path, const std::string& id) {
  for (std::string_view name : {"{id}", "{share_id}", "{chat_id}"})
    if (auto at = path.find(name); at != path.npos) path.replace(at, name.size(), id);
  if (auto at = path.find("{message_id}"); at != path.npos) path.replace(at, 12, "a1");
  return path;
}

TEST_P(RoutesTest, AStrangerCannotTellAForeignChatFromNone) {  // rows 58, 59, 69
  World w(GetParam());
  std::string id = w.add("alice", "Secret");
  std::string share(json::text_at(w.as("alice", "POST", "/" + id + "/share").body, "share_id"));
  std::string before = w.as("alice", "GET", "/" + id).text;
  int routes = 0;
  for (const http::Route& route : w.router.routes()) {
    if (route.path.find("{id}") == route.path.npos && route.path.find("{share_id}") == route.path.npos)
      continue;
    bool by_link =
        route.path.find("{share_id}") != route.path.npos || route.path.ends_with("/clone/shared");
    for (const Caller& who : {World::caller("mallory"), World::admin()}) {
      w.settings.admin_access.set(false);
      auto foreign =
          w.ask(who, route.method, filled(route.path, by_link ? share : id), body_for(route));
      auto missing = w.ask(who, route.method, filled(route.path, "nowhere"), body_for(route));
      EXPECT_TRUE(foreign.status == 401 || foreign.status == 404)
          << route.method << route.path << foreign.status << foreign.text;
      EXPECT_EQ(foreign.status, missing.status) << route.method << route.path;
      EXPECT_EQ(foreign.text, missing.text) << route.method << route.path;
    }
    ++routes;
  }
  EXPECT_GE(routes, 25);
  EXPECT_EQ(w.as("alice", "GET", "/" + id).text, before);
}

TEST_P(RoutesTest, NobodyIsLetInWithoutSigningIn) {
  World w(GetParam());
  for (const http::Route& route : w.router.routes()) {
    auto reply = w.ask(Caller(), route.method, filled(route.path, "x"), body_for(route));
    EXPECT_EQ(reply.status, 401) << route.method << route.path;
    auto pending = w.ask(World::caller("p", Role::pending), route.method, filled(route.path, "x"),
                         body_for(route));
    EXPECT_TRUE(pending.status == 401 || pending.status == 403)
        << route.method << route.path << pending.status;
  }
}

TEST_P(RoutesTest, CopyingAndImportingShareOneLimit) {  // row 128
  World w(GetParam());
  for (const http::Route& route : w.router.routes())
    for (std::string_view heavy : {"/fork", "/clone", "/clone/shared", "/import", "/new"})
      if (route.path.ends_with(heavy)) {
        EXPECT_EQ(route.cost, http::Cost::write_heavy) << route.path;
      }
}

TEST_P(RoutesTest, EachPermissionClosesEachOfItsRoutes) {  // row 69
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  struct Case {
    std::string permission, method, path;
    std::optional<Value> body;
  };
  for (const Case& c : std::vector<Case>{{"chat.delete", "DELETE", "/" + id, {}},
                                         {"chat.delete", "DELETE", "/", {}},
                                         {"chat.share", "POST", "/" + id + "/share", {}},
                                         {"chat.import", "POST", "/import", Object{{"chats", Array()}}},
                                         {"chat.import", "POST", "/" + id + "/clone", Object()},
                                         {"chat.import", "POST", "/" + id + "/fork", Object()},
                                         {"chat.import", "POST", "/x/clone/shared", Object()},
                                         {"chat.export", "GET", "/all", {}},
                                         {"chat.export", "GET", "/all/archived", {}}}) {
    w.denied = {c.permission};
    EXPECT_EQ(w.as("alice", c.method, c.path, c.body).status, 401) << c.method << c.path;
  }
  w.denied.clear();
  EXPECT_EQ(w.as("alice", "GET", "/" + id).status, 200);
}

TEST_P(RoutesTest, WhatProgramsSayOfAMessageStays) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat", exchange("Who?", "Me."));
  auto say = [&](std::string type, json::Value data) {
    EXPECT_EQ(w.as("alice", "POST", "/" + id + "/messages/a1/event",
                   Object{{"type", type}, {"data", std::move(data)}})
                  .status,
              200)
        << type;
  };
  say("status", Object{{"description", "Looking"}, {"done", false}});
  say("status", Object{{"description", "Found"}, {"done", true}});
  say("source", Object{{"source", Object{{"name", "s"}}}});
  say("files", Object{{"files", Array{Object{{"url", "/a.png"}}}}});
  say("files", Object{{"files", Array{Object{{"url", "/b.png"}}}}});
  say("embeds", Object{{"embeds", Array{"<b>1</b>"}}});
  say("message", Object{{"content", " And you?"}});
  say("notification", Object{{"content", "For the moment only"}});

  json::Value message =
      w.as("alice", "GET", "/" + id).body.at("chat").at("history").at("messages").at("a1");
  EXPECT_EQ(message.at("statusHistory").as_array().size(), 2u);
  EXPECT_EQ(message.at("sources").as_array().size(), 1u);
  EXPECT_EQ(json::text_at(message.at("files").at(0), "url"), "/b.png");
  EXPECT_EQ(message.at("files").as_array().size(), 2u);
  EXPECT_EQ(message.at("embeds").as_array().size(), 1u);
  EXPECT_EQ(json::text_at(message, "content"), "Me. And you?");
  say("replace", Object{{"content", "Nobody."}});
  message = w.as("alice", "GET", "/" + id).body.at("chat").at("history").at("messages").at("a1");
  EXPECT_EQ(json::text_at(message, "content"), "Nobody.");
}

TEST_P(RoutesTest, ANewNameDoesNotMoveAChatToTheTop) {
  World w(GetParam());
  std::string id = w.add("alice", "Old", exchange(), "a1");
  auto updated = [&](json::Value chat) {
    w.as("alice", "POST", "/" + id, Object{{"chat", std::move(chat)}});
    return json::int_at(w.as("alice", "GET", "/" + id).body, "updated_at");
  };
  w.script("UPDATE chat SET updated_at = 1000");
  EXPECT_EQ(updated(Object{{"title", "New"}}), 1000);
  EXPECT_EQ(updated(Object{{"models", Array{"m"}}}), 1000);
  Object messages{{"a1", Object{{"id", "a1"}, {"role", "assistant"}, {"content", "other"}}}};
  EXPECT_GT(updated(Object{{"history", Object{{"messages", std::move(messages)}}}}), 1000);
}

TEST_P(RoutesTest, AdministratorsMayLookAndDeleteWhereTheSettingSaysSo) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  w.as("alice", "POST", "/" + w.add("alice", "Other") + "/archive");
  auto list = [&] { return w.ask(World::admin(), "GET", "/api/v1/chats/list/user/alice?page=1"); };

  EXPECT_EQ(list().body.as_array().size(), 2u);
  EXPECT_EQ(
      w.ask(World::admin(), "GET", "/api/v1/chats/list/user/alice?query=chat").body.as_array().size(),
      1u);
  EXPECT_EQ(w.as("bob", "GET", "/list/user/alice").status, 401);
  w.settings.admin_access.set(false);
  EXPECT_EQ(list().status, 401);
  EXPECT_EQ(w.ask(World::admin(), "GET", "/api/v1/chats/" + id).status, 401);
  EXPECT_EQ(w.ask(World::admin(), "GET", "/api/v1/chats/share/" + id).status, 401);
  EXPECT_EQ(w.ask(World::admin(), "DELETE", "/api/v1/chats/" + id).status, 404);
  w.settings.admin_access.set(true);
  EXPECT_EQ(w.ask(World::admin(), "GET", "/api/v1/chats/" + id).status, 200);
  EXPECT_EQ(w.ask(World::admin(), "GET", "/api/v1/chats/share/" + id).status, 200);
  EXPECT_EQ(w.as("bob", "GET", "/share/" + id).status, 401);
  EXPECT_EQ(w.ask(World::admin(), "POST", "/api/v1/chats/" + id, Object{{"chat", Object()}}).status,
            401);
  EXPECT_EQ(w.ask(World::admin(), "DELETE", "/api/v1/chats/" + id).text, "true");
}

struct Link {
  std::string chat, share;
};
Link share(World& w, std::string title = "Shared") {
  std::string id = w.add("alice", title);
  return {id, std::string(json::text_at(w.as("alice", "POST", "/" + id + "/share", Object()).body,
                                        "share_id"))};
}
World::Reply give(World& w, const Link& link, std::string type, std::string id,
                  std::string permission = "read") {
  return w.ask(
      World::caller("alice", Role::admin), "POST",
      "/api/v1/chats/shared/" + link.chat + "/access/update",
      Object{
          {"access_grants",
           Array{Object{{"principal_type", type}, {"principal_id", id}, {"permission", permission}}}}});
}

TEST_P(RoutesTest, ReadersOfAFolderLookIntoItsChatsAndDoNothingElse) {
  World w(GetParam());
  std::string folder = "folder of alice";
  Value form = chat_json("Plans", exchange(), "a1");
  form.as_object()["params"] = Object{{"system", "be secret"}};
  form.as_object()["tool_ids"] = Array{"secret"};
  auto made =
      w.as("alice", "POST", "/new",
           Object{{"chat", form}, {"folder_id", folder}, {"variables", Object{{"a", "secret"}}}});
  std::string id(json::text_at(made.body, "id"));
  std::string elsewhere = w.add("alice", "Elsewhere");
  ASSERT_EQ(w.as("alice", "POST", "/" + id + "/share").status, 200);
  std::string before = w.as("alice", "GET", "/" + id).text;
  w.settings.admin_access.set(false);
  w.seen = {"bob sees " + folder, "root sees nothing"};

  std::vector<std::string> open;
  for (const http::Route& route : w.router.routes()) {
    if (route.path.find("{id}") == route.path.npos) continue;
    for (const Caller& who : {World::caller("bob"), World::admin()}) {
      auto reply = w.ask(who, route.method, filled(route.path, id), body_for(route));
      if (reply.status == 200) open.push_back(who.name + " " + route.method + " " + route.path);
      EXPECT_EQ(reply.text.find("secret"), reply.text.npos) << route.path << reply.text;
    }
    EXPECT_NE(
        w.as("bob", route.method, filled(route.path, elsewhere).substr(13), body_for(route)).status,
        200)
        << route.path;
  }
  std::ranges::sort(open);
  EXPECT_EQ(open, (std::vector<std::string>{
                      "bob GET /api/v1/chats/{id}", "bob GET /api/v1/chats/{id}/branch",
                      "bob GET /api/v1/chats/{id}/tags", "bob POST /api/v1/chats/{id}/branch",
                      "bob POST /api/v1/chats/{id}/fork"}));
  EXPECT_EQ(w.as("alice", "GET", "/" + id).text, before);
  EXPECT_TRUE(json::find(w.as("bob", "GET", "/" + id).body, "share_id")->is_null());

  w.as("alice", "POST", "/" + id + "/archive");
  EXPECT_EQ(w.as("bob", "GET", "/" + id).status, 401);
  w.as("alice", "POST", "/" + id + "/archive");
  EXPECT_EQ(w.as("bob", "GET", "/" + id).status, 200);
  w.seen.clear();
  EXPECT_EQ(w.as("bob", "GET", "/" + id).status, 401);
}

TEST_P(RoutesTest, AFolderOfSomebodyElseHoldsAChatThatStaysInItsOwnersList) {
  World w(GetParam());
  std::string alices = w.add("alice", "Alice's"), bobs = w.add("bob", "Bob's");
  w.script(
      "INSERT INTO folder (id, user_id, name, is_expanded, created_at, updated_at)"
      " VALUES ('f', 'alice', 'F', FALSE, 1, 1);"
      "UPDATE chat SET folder_id = 'f', last_read_at = 7");
  auto list = [&](const std::string& who) { return World::column(w.as(who, "GET", "/?page=1")); };
  RouteParts parts = w.parts();
  auto inside = [&](const std::string& who, std::string sort = "title") {
    User me;
    static_cast<Caller&>(me) = World::caller(who);
    return antiphon::run([&]() -> Task<Value> {
      auto page = co_await chats_in_folder(parts, me, "f", {.sort_by = sort, .sort_dir = "asc"});
      EXPECT_FALSE(page.contains("total")) << "there is one page";
      co_return page["chats"];
    });
  };

  EXPECT_EQ(list("bob"), std::vector<std::string>{"Bob's"});
  EXPECT_TRUE(list("alice").empty());
  Value seen = inside("alice");
  ASSERT_EQ(seen.as_array().size(), 2u);
  EXPECT_EQ(json::text_at(seen.as_array()[1], "user_id"), "bob");
  EXPECT_EQ(json::text_at(seen.as_array()[1], "owner_name"), "bob");
  EXPECT_TRUE(json::bool_at(seen.as_array()[1], "readonly"));
  EXPECT_FALSE(json::bool_at(seen.as_array()[0], "readonly"));
  EXPECT_EQ(json::int_at(seen.as_array()[0], "last_read_at"), 7);
  EXPECT_TRUE(json::find(seen.as_array()[1], "last_read_at")->is_null());
  EXPECT_EQ(inside("alice", "unread_updated_at").as_array().size(), 2u);

  User alice;
  static_cast<Caller&>(alice) = World::caller("alice");
  antiphon::run([&] { return empty_folders(parts, alice, {"f"}, true); });
  EXPECT_EQ(w.as("alice", "GET", "/" + alices).status, 401);
  EXPECT_TRUE(json::find(w.as("bob", "GET", "/" + bobs).body, "folder_id")->is_null());
}

TEST_P(RoutesTest, ALinkOpensForThoseItWasMadeFor) {
  World w(GetParam());
  w.settings.admin_access.set(false);
  Link link = share(w);
  auto opens = [&](Caller who) {
    return w.ask(who, "GET", "/api/v1/chats/share/" + link.share).status;
  };

  EXPECT_EQ(opens(World::caller("alice")), 200);
  EXPECT_EQ(opens(World::caller("bob")), 401);
  EXPECT_EQ(give(w, link, "user", "bob").status, 200);
  EXPECT_EQ(opens(World::caller("bob")), 200);
  EXPECT_EQ(opens(World::caller("eve")), 401);
  EXPECT_EQ(give(w, link, "user", "*").status, 200);
  EXPECT_EQ(opens(World::caller("eve")), 200);
  EXPECT_EQ(opens(World::caller("p", Role::pending)), 401);
  EXPECT_EQ(opens(Caller()), 401);
  EXPECT_EQ(give(w, link, "anyone", "*").status, 200);
  EXPECT_EQ(opens(Caller()), 200);
  EXPECT_EQ(w.as("alice", "GET", "/shared/" + link.chat + "/access").body.as_array().size(), 1u);
  EXPECT_EQ(give(w, link, "user", "bob", "write").status, 400);
  EXPECT_EQ(give(w, link, "wizard", "bob").status, 400);
}

TEST_P(RoutesTest, ALinkShowsWhatWasSharedAndNothingOfTheSetUp) {  // row 69
  World w(GetParam());
  Link link = share(w);
  w.as("alice", "PATCH", "/" + link.chat + "/params", Object{{"system", "SECRET PROMPT"}});
  w.as("alice", "POST", "/" + link.chat + "/share", Object());
  w.as("alice", "POST", "/" + link.chat,
       Object{{"chat", chat_json("Shared", {message("u2", "a1", "user", "LATER")}, "u2")}});
  give(w, link, "user", "bob");

  auto seen = w.as("bob", "GET", "/share/" + link.share);

  EXPECT_EQ(json::text_at(seen.body, "id"), link.share);
  EXPECT_NE(seen.text.find("Question"), seen.text.npos);
  EXPECT_EQ(seen.text.find("LATER"), seen.text.npos);
  EXPECT_EQ(seen.text.find("SECRET"), seen.text.npos);
  auto copy = w.as("bob", "POST", "/" + link.share + "/clone/shared");
  EXPECT_EQ(json::text_at(copy.body, "title"), "Clone of Shared");
  EXPECT_EQ(json::text_at(copy.body, "user_id"), "bob");
  EXPECT_EQ(w.messages("bob", std::string(json::text_at(copy.body, "id"))).size(), 2u);
  // The link is no way to the chat itself.
  EXPECT_EQ(w.as("bob", "GET", "/" + link.chat).status, 401);
  EXPECT_EQ(w.as("bob", "GET", "/" + link.share).status, 401);
}

TEST_P(RoutesTest, ALinkEndsWithTheSharingAndWithTheChat) {
  World w(GetParam());
  Link one = share(w, "One"), two = share(w, "Two"), three = share(w, "Three");
  give(w, one, "user", "bob");
  auto grants = [&] {
    return run([&] { return w.grants.list_many("shared_chat", {one.share, two.share}); }).size();
  };
  EXPECT_EQ(World::column(w.as("alice", "GET", "/shared?page=1&query=TW")),
            std::vector<std::string>{"Two"});
  EXPECT_EQ(World::column(w.as("alice", "GET", "/shared?order_by=title&direction=asc")),
            (std::vector<std::string>{"One", "Three", "Two"}));
  EXPECT_EQ(World::column(w.as("bob", "GET", "/shared")), std::vector<std::string>{});

  EXPECT_EQ(grants(), 1u);
  EXPECT_EQ(w.as("alice", "DELETE", "/" + one.chat + "/share").text, "true");
  EXPECT_EQ(w.as("alice", "DELETE", "/" + one.chat + "/share").text, "true");
  EXPECT_EQ(grants(), 0u);
  EXPECT_EQ(w.as("bob", "GET", "/share/" + one.share).status, 401);
  EXPECT_EQ(w.as("alice", "GET", "/shared/" + one.chat + "/access").text, "[]");
  w.as("alice", "DELETE", "/" + two.chat);
  EXPECT_EQ(w.as("alice", "GET", "/share/" + two.share).status, 401);
  EXPECT_EQ(w.as("alice", "DELETE", "/share/all").text, "true");
  EXPECT_EQ(w.as("alice", "GET", "/share/" + three.share).status, 401);
  EXPECT_EQ(w.as("alice", "GET", "/shared").text, "[]");
}

TEST_P(RoutesTest, SharingAgainKeepsTheLink) {
  World w(GetParam());
  Link link = share(w);
  EXPECT_EQ(json::text_at(w.as("alice", "POST", "/" + link.chat + "/share").body, "share_id"),
            link.share);
  EXPECT_EQ(
      w.as("alice", "POST", "/" + link.chat + "/share", Object{{"share_mode", "continue"}}).status,
      400);
}

TEST_P(RoutesTest, TagsAreTheUsersOwn) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");

  EXPECT_EQ(World::column(w.as("alice", "POST", "/" + id + "/tags", Object{{"name", "My Tag"}}), "id"),
            std::vector<std::string>{"my_tag"});
  EXPECT_EQ(
      w.as("alice", "POST", "/" + id + "/tags", Object{{"name", "my tag"}}).body.as_array().size(), 1u);
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/tags", Object{{"name", " "}}).status, 400);
  EXPECT_EQ(World::column(w.as("alice", "POST", "/tags", Object{{"name", "My Tag"}})),
            std::vector<std::string>{"Chat"});
  EXPECT_EQ(w.as("bob", "POST", "/tags", Object{{"name", "My Tag"}}).text, "[]");
  EXPECT_EQ(w.as("bob", "GET", "/all/tags").text, "[]");
  EXPECT_EQ(json::serialize(*json::find(w.as("alice", "GET", "/" + id).body, {"meta", "tags"})),
            R"(["my_tag"])");
  EXPECT_EQ(w.as("alice", "DELETE", "/" + id + "/tags", Object{{"name", "MY TAG"}}).text, "[]");
  EXPECT_EQ(w.as("alice", "GET", "/all/tags").text, "[]");
}

TEST_P(RoutesTest, ClientsSendEachOtherNothingThatRuns) {  // row 31
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  for (std::string type : {"execute", "execute:python", "execute:tool", "request:chat:completion",
                           "confirmation", "input", "terminal:run_command"})
    EXPECT_EQ(w.as("alice", "POST", "/" + id + "/messages/a1/event",
                   Object{{"type", type}, {"data", Object()}})
                  .status,
              400)
        << type;
  EXPECT_TRUE(w.emitted.empty());
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/messages/a1/event",
                 Object{{"type", "status"}, {"data", Object()}})
                .text,
            "true");
  EXPECT_EQ(w.emitted.size(), 1u);
}

TEST_P(RoutesTest, WhatIsNotBuiltSaysSo) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/compact", Object()).text,
            R"({"ok":true,"compacted":false,"reason":"disabled","context_usage":null})");
  EXPECT_EQ(w.as("alice", "POST", "/" + id + "/messages/a1/resolve",
                 Object{{"call_id", "c"}, {"action", "approve"}})
                .status,
            404);
}

TEST_P(RoutesTest, TheSettingsPageHasUpstreamsNames) {
  World w(GetParam());
  auto ask = [&](std::string method, std::optional<Value> body) {
    return w.ask(World::admin(), method, "/api/v1/chats/config", body);
  };
  EXPECT_TRUE(ask("GET", {}).body.as_object().contains("CONTEXT_COMPACTION_TOKEN_THRESHOLD"));
  auto changed = ask("POST", Object{{"ENABLE_CONTEXT_COMPACTION", true},
                                    {"CONTEXT_COMPACTION_RETENTION_PERCENTAGE", 30}});
  EXPECT_EQ(json::int_at(changed.body, "CONTEXT_COMPACTION_RETENTION_PERCENTAGE"), 30);
  EXPECT_EQ(ask("POST", Object{{"CONTEXT_COMPACTION_RETENTION_PERCENTAGE", 300}}).status, 422);
  EXPECT_EQ(w.as("alice", "GET", "/config").status, 401);
}

TEST_P(RoutesTest, UsageCountsMessagesByModel) {
  World w(GetParam());
  auto messages = exchange("12345", "1234567");
  messages[1]["model"] = "m1";
  w.add("alice", "Chat", messages);
  w.add("bob", "Other");

  Value usage = w.as("alice", "GET", "/stats/usage").body;

  EXPECT_EQ(json::int_at(usage, "total"), 1);
  const Value& chat = json::find(usage, "items")->as_array().front();
  EXPECT_EQ(json::serialize(*json::find(chat, "models")), R"({"m1":1})");
  EXPECT_EQ(json::int_at(chat, "message_count"), 2);
  EXPECT_EQ(json::int_at(chat, "average_user_message_content_length"), 5);
  EXPECT_EQ(json::int_at(chat, "last_message_at"), 1'700'000'000);
  EXPECT_EQ(w.as("alice", "GET", "/stats/usage?items_per_page=1000").status, 422);
}

TEST_P(RoutesTest, StatisticsTellWhatWasWrittenWithoutTheWords) {
  World w(GetParam());
  Object question = message("u1", "", "user", "four"),
         answer = message("a1", "u1", "assistant", "sixsix"),
         other = message("a2", "u1", "assistant", "x");
  answer["model"] = other["model"] = "numbered";
  answer["usage"] = Object{{"output_tokens", 7}};
  answer["annotation"] = Object{{"rating", -1}, {"tags", Array{"odd"}}, {"comment", "hidden words"}};
  std::string id = w.add("alice", "Title", {question, answer, other});
  w.as("alice", "POST", "/" + id + "/tags", Object{{"name", "A Tag"}});
  w.add("bob", "Bob's");
  std::string updated = std::to_string(json::int_at(w.as("alice", "GET", "/" + id).body, "updated_at"));

  auto reply = w.as("alice", "GET", "/stats/export");

  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(json::text_at(reply.body, "type"), "chats");
  EXPECT_EQ(json::int_at(reply.body, "total"), 1);
  for (std::string_view words : {"four", "sixsix", "hidden", "Title"})
    EXPECT_EQ(reply.text.find(words), reply.text.npos) << words;
  const Value& chat = json::find(reply.body, "items")->as_array().at(0);
  EXPECT_EQ(json::serialize(*json::find(chat, "tags")), R"(["a_tag"])");
  const Value& stats = *json::find(chat, "stats");
  EXPECT_EQ(json::int_at(stats, "message_count"), 2);
  EXPECT_EQ(json::int_at(stats, "history_message_count"), 3);
  EXPECT_EQ(json::int_at(*json::find(stats, "models"), "numbered"), 1);
  EXPECT_EQ(json::int_at(*json::find(stats, "history_models"), "numbered"), 2);
  EXPECT_EQ(json::find(stats, "average_user_message_content_length")->to_number<double>(), 4);
  EXPECT_EQ(json::find(stats, "average_assistant_message_content_length")->to_number<double>(), 3.5);
  const Value& rated =
      *json::find(chat, {"chat", "history"})->at("messages").if_object()->if_contains("a1");
  EXPECT_EQ(json::int_at(rated, "content_length"), 6);
  EXPECT_EQ(json::int_at(rated, "token_count"), 7);
  EXPECT_EQ(json::int_at(rated, "rating"), -1);
  EXPECT_EQ(json::serialize(*json::find(rated, "tags")), R"(["odd"])");
  EXPECT_EQ(json::serialize(w.as("alice", "GET", "/stats/export/" + id).body), json::serialize(chat));
  EXPECT_EQ(json::int_at(w.as("alice", "GET", "/stats/export?updated_at=" + updated).body, "total"), 0);
}

TEST_P(RoutesTest, StatisticsComeInPagesAndAsAStream) {
  World w(GetParam());
  for (int i = 0; i != 23; ++i) w.add("alice", "Chat");
  std::set<std::string> ids;
  for (std::string page : {"1", "2", "3"})
    for (const Value& one :
         json::find(w.as("alice", "GET", "/stats/export?page=" + page).body, "items")->as_array())
      ids.emplace(json::text_at(one, "id"));
  EXPECT_EQ(ids.size(), 23u);
  auto stream = w.as("alice", "GET", "/stats/export?stream=true");
  EXPECT_EQ(std::ranges::count(stream.text, '\n'), 23);
  for (const std::string& id : ids) EXPECT_NE(stream.text.find(id), stream.text.npos);
}

TEST_P(RoutesTest, StatisticsAreTheOwnersAndAsTheSettingsSay) {
  World w(GetParam());
  std::string id = w.add("alice", "Chat");
  auto by_admin = [&] {
    return w.ask(World::admin(), "GET", "/api/v1/chats/stats/export/" + id).status;
  };
  EXPECT_EQ(w.as("bob", "GET", "/stats/export/" + id).status, 401);
  EXPECT_EQ(by_admin(), 200);
  w.settings.admin_access.set(false);
  EXPECT_EQ(by_admin(), 401);
  w.community = false;
  EXPECT_EQ(w.as("alice", "GET", "/stats/export/" + id).status, 401);
  EXPECT_EQ(w.as("alice", "GET", "/stats/export").status, 401);
  EXPECT_EQ(w.ask(World::admin(), "GET", "/api/v1/chats/stats/export").status, 200);
}

TEST_P(RoutesTest, DeletingAFoldersChatsStopsTheirAnswers) {
  World w(GetParam());
  std::string inside = w.add("alice", "inside", exchange(), "a1", {{"folder_id", "folder of alice"}});
  std::string outside = w.add("alice", "outside");
  auto stopped = w.begin_answer("alice", inside, "m"), going = w.begin_answer("alice", outside, "m");
  User alice;
  alice.id = {"alice"};

  RouteParts parts = w.parts();
  run([&] { return empty_folders(parts, alice, {"folder of alice"}, true); });

  EXPECT_TRUE(stopped->cancelled());
  EXPECT_FALSE(going->cancelled());
  EXPECT_EQ(World::column(w.as("alice", "GET", "/?include_folders=true")),
            std::vector<std::string>{"outside"});
}

}  // namespace
}  // namespace antiphon::chats

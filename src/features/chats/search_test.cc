#include "features/chats/testing.h"

/// Lists and search on both databases.
namespace antiphon::chats {
namespace {

using namespace testing;

ANTIPHON_ON_ENGINES(SearchTest);

struct Library : World {
  explicit Library(store::Engine engine) : World(engine) {}
  using Names = std::vector<std::string>;
  Names find(std::string text) {
    auto found = run([&] { return sidebar.search("alice", SearchQuery::parse(text), 1); });
    Names out;
    for (const Hit& hit : found) out.push_back(hit.chat.title);
    std::ranges::sort(out);
    return out;
  }
  std::optional<std::string> snippet_of(std::string text) {
    auto found = run([&] { return sidebar.search("alice", SearchQuery::parse(text), 1); });
    return found.empty() ? std::nullopt : found.front().chat.snippet;
  }
};
using Names = Library::Names;

TEST_P(SearchTest, FindsTitlesAndTexts) {
  Library w(GetParam());
  w.add("alice", "Cooking", exchange("How long do potatoes boil?", "Twenty minutes."));
  w.add("alice", "Potato history", exchange("When?", "1570."));
  w.add("bob", "Potatoes of Bob", exchange("potatoes", "potatoes"));

  EXPECT_EQ(w.find("potato"), (Names{"Cooking", "Potato history"}));
  EXPECT_EQ(w.find("POTATOES boil"), Names{"Cooking"});
  EXPECT_EQ(w.find("boil twenty"), Names{});                // One message has to hold all the words.
  EXPECT_EQ(w.find("tato hist"), Names{"Potato history"});  // Titles are searched anywhere.
  EXPECT_EQ(w.find("onions"), Names{});
  EXPECT_EQ(w.snippet_of("boil"), "How long do potatoes boil?");
  EXPECT_EQ(w.snippet_of("history"), std::nullopt);
}

TEST_P(SearchTest, TellsTheSearchWindowWhereAHitIs) {
  Library w(GetParam());
  w.script(
      "INSERT INTO folder (id, user_id, name, is_expanded, created_at, updated_at) VALUES "
      "('kitchen', 'alice', 'Kitchen', FALSE, 1, 1)");
  std::string cooking =
      w.add("alice", "Cooking", exchange("How long do potatoes boil?", "Twenty minutes."));
  std::string history = w.add("alice", "Potato history", exchange("When?", "1570."));
  run([&] { return w.editor.move(cooking, "kitchen"); });
  auto find = [&](const std::string& query) {
    auto reply = w.ask(World::caller("alice"), "GET", "/api/v1/search?" + query);
    EXPECT_EQ(reply.status, 200) << query;
    return reply.body;
  };
  auto line = [&](const json::Value& found, std::size_t i) { return found.at("items").at(i); };

  json::Value boil = find("q=boil");
  ASSERT_EQ(boil.at("items").as_array().size(), 1u);
  EXPECT_EQ(json::text_at(line(boil, 0), "id"), "chat:" + cooking);
  EXPECT_EQ(json::text_at(line(boil, 0), "context"), "Kitchen");
  EXPECT_TRUE(json::text_at(line(boil, 0), "url").starts_with("/c/" + cooking + "?message="));
  EXPECT_EQ(json::text_at(line(boil, 0), "snippet"), "How long do potatoes boil?");
  EXPECT_EQ(json::text_at(line(find("q=history"), 0), "url"), "/c/" + history);
  EXPECT_EQ(find("q=").at("items").as_array().size(), 2u);
  EXPECT_EQ(find("q=potato&scope=folder:kitchen").at("items").as_array().size(), 1u);
  EXPECT_EQ(find("q=potato&scope=folder:attic").at("items").as_array().size(), 0u);
  EXPECT_EQ(find("q=potato&kind=note").at("items").as_array().size(), 0u);
  EXPECT_EQ(find("q=potato&sharing=shared").at("items").as_array().size(), 0u);
  EXPECT_EQ(json::text_at(find("q=").at("scopes").at(0), "id"), "folder:kitchen");
  EXPECT_EQ(
      w.ask(World::caller("bob"), "GET", "/api/v1/search?q=boil").body.at("items").as_array().size(),
      0u);
  EXPECT_EQ(w.ask(World::caller("alice"), "GET", "/api/v1/search?q=x&kind=bad").status, 422);
}

TEST_P(SearchTest, TakesTheLastWordAsABeginning) {
  Library w(GetParam());
  w.add("alice", "One", exchange("extraordinary machines", ""));

  EXPECT_EQ(w.find("extraord"), Names{"One"});
  EXPECT_EQ(w.find("extraordinary mach"), Names{"One"});
  EXPECT_EQ(w.find("extraord machines"), Names{});
}

TEST_P(SearchTest, LooksThroughCaseMarksAndScripts) {
  Library w(GetParam());
  w.add("alice", "ÜBER Straßen", exchange("Die ÄRGERLICHE Œuvre", ""));
  w.add("alice", "你好世界", exchange("今天天气很好吗", ""));
  w.add("alice", "Привет", exchange("МОСКВА слезам не верит", ""));

  EXPECT_EQ(w.find("uber strassen"), Names{"ÜBER Straßen"});
  EXPECT_EQ(w.find("ärgerliche"), Names{"ÜBER Straßen"});
  EXPECT_EQ(w.find("argerliche oeuv"), Names{"ÜBER Straßen"});
  EXPECT_EQ(w.find("天气"), Names{"你好世界"});  // Inside a run of letters without blanks.
  EXPECT_EQ(w.find("气天"), Names{});
  EXPECT_EQ(w.find("好世"), Names{"你好世界"});
  EXPECT_EQ(w.find("москва"), Names{"Привет"});
  EXPECT_EQ(w.snippet_of("天气"), "今天天气很好吗");
}

TEST_P(SearchTest, TakesNothingForAnOperatorOfTheDatabase) {
  Library w(GetParam());
  w.add("alice", "100% sure_thing \\ it's", exchange("call foo.bar(x) at example.com/a-b", ""));
  w.add("alice", "Other", exchange("nothing", ""));

  EXPECT_EQ(w.find("100%"), Names{"100% sure_thing \\ it's"});
  EXPECT_EQ(w.find("sure_thing"), Names{"100% sure_thing \\ it's"});
  EXPECT_EQ(w.find("sure.thing"), Names{});
  EXPECT_EQ(w.find("\\"), Names{"100% sure_thing \\ it's"});
  EXPECT_EQ(w.find("it's"), Names{"100% sure_thing \\ it's"});
  EXPECT_EQ(w.find("foo.bar"), Names{"100% sure_thing \\ it's"});
  EXPECT_EQ(w.find("example.com"), Names{"100% sure_thing \\ it's"});
  EXPECT_EQ(w.find("com/a-b"), Names{"100% sure_thing \\ it's"});
  for (std::string odd :
       {"\"", "'", "*", "()",  "NEAR(", "OR",   "a OR", "NOT", "^", "-", "--",       ";",          ":*",
        "&",  "|", "!", "<->", "{",     "\xff", "😀",   "—",   "%", "_", "{col}: x", "a\" AND \"b"})
    EXPECT_NO_THROW(w.find(odd)) << odd;
}

TEST_P(SearchTest, KeepsToTheOperators) {
  Library w(GetParam());
  w.add("alice", "Plain");
  std::string tagged = w.add("alice", "Tagged");
  std::string pinned = w.add("alice", "Pinned");
  std::string archived = w.add("alice", "Archived");
  std::string shared = w.add("alice", "Shared");
  w.add("alice", "Filed", exchange(), "a1", {{"folder_id", "folder of alice"}});
  store::add_user(w.store, "bob");
  w.script(
      "INSERT INTO folder (id, user_id, name, is_expanded, created_at, updated_at) VALUES "
      "('folder of alice', 'alice', 'Meine Ärzte', FALSE, 1, 1), ('f2', 'bob', 'Plain', FALSE, 1, 1)");
  w.as("alice", "POST", "/" + tagged + "/tags", Object{{"name", "Work Stuff"}});
  w.as("alice", "POST", "/" + tagged + "/tags", Object{{"name", "more"}});
  w.as("alice", "POST", "/" + pinned + "/pin");
  w.as("alice", "POST", "/" + archived + "/archive");
  w.as("alice", "POST", "/" + shared + "/share");

  EXPECT_EQ(w.find("tag:work_stuff"), Names{"Tagged"});
  EXPECT_EQ(w.find("tag:work_stuff tag:more tag:more"), Names{"Tagged"});
  EXPECT_EQ(w.find("tag:work_stuff tag:other"), Names{});
  EXPECT_EQ(w.find("tag:\"Work Stuff\" question"), Names{"Tagged"});
  EXPECT_EQ(w.find("tag:none"), (Names{"Filed", "Pinned", "Plain", "Shared"}));
  EXPECT_EQ(w.find("pinned:true"), Names{"Pinned"});
  EXPECT_EQ(w.find("pinned:false"), (Names{"Filed", "Plain", "Shared", "Tagged"}));
  EXPECT_EQ(w.find("archived:true"), Names{"Archived"});
  EXPECT_EQ(w.find("archived"), Names{});
  EXPECT_EQ(w.find("shared:true"), Names{"Shared"});
  EXPECT_EQ(w.find("folder:meine_arzte"), Names{"Filed"});
  EXPECT_EQ(w.find("folder:\"Meine \u00C4rzte\""), Names{"Filed"});
  EXPECT_EQ(w.find("folder:\"Meine \u00C4rzte"), Names{}) << "quotes that do not end are none";
  EXPECT_EQ(w.find("folder:plain"), Names{});  // Somebody else's.
  EXPECT_EQ(w.find("tag:work_stuff question"), Names{"Tagged"});
  EXPECT_EQ(w.find("tag:none pinned:true answer"), Names{"Pinned"});
}

TEST_P(SearchTest, ForgetsWhatWasDeletedOrEdited) {
  Library w(GetParam());
  std::string id = w.add("alice", "Chat", exchange("remember walrus", "yes"));

  EXPECT_EQ(w.find("walrus"), Names{"Chat"});
  w.as("alice", "POST", "/" + id + "/messages/u1", Object{{"content", "remember badger"}});
  EXPECT_EQ(w.find("walrus"), Names{});
  EXPECT_EQ(w.find("badger"), Names{"Chat"});
  w.as("alice", "DELETE", "/" + id);
  EXPECT_EQ(w.find("badger"), Names{});
  EXPECT_EQ(w.find("chat"), Names{});
}

TEST_P(SearchTest, FindsTextOfParts) {
  Library w(GetParam());
  auto messages = exchange();
  messages[0]["content"] =
      Array{Object{{"type", "text"}, {"text", "see the picture"}},
            Object{{"type", "image_url"}, {"image_url", Object{{"url", "data:secret"}}}}};
  w.add("alice", "Chat", messages);

  EXPECT_EQ(w.find("picture"), Names{"Chat"});
  EXPECT_EQ(w.find("secret"), Names{});
}

std::vector<std::string> titles(const World::Reply& reply) {
  return World::column(reply);
}

TEST_P(SearchTest, ListsComeInPagesAndInTheOrderAskedFor) {
  World w(GetParam());
  for (int i = 0; i != 65; ++i) {
    std::string id =
        w.add("alice", std::string("c") + static_cast<char>('A' + i % 26) + std::to_string(i), {}, "");
    w.script("UPDATE chat SET updated_at = " + std::to_string(1000 + i) +
             ", created_at = " + std::to_string(5000 - i) + " WHERE id = '" + id + "'");
  }

  auto first = titles(w.as("alice", "GET", "/?page=1"));
  auto second = titles(w.as("alice", "GET", "/list?page=2"));

  ASSERT_EQ(first.size(), 60u);
  ASSERT_EQ(second.size(), 5u);
  EXPECT_EQ(first.front(), "cM64");
  EXPECT_EQ(second.back(), "cA0");
  EXPECT_EQ(titles(w.as("alice", "GET", "/")).size(), 65u);
  EXPECT_EQ(titles(w.as("alice", "GET", "/?page=1&sort_by=created_at")).front(), "cA0");
  EXPECT_EQ(titles(w.as("alice", "GET", "/?page=1&sort_by=title&sort_dir=asc")).front(), "cA0");
  EXPECT_EQ(titles(w.as("alice", "GET", "/?page=1&sort_by=title")).front(), "cZ51");
  EXPECT_EQ(titles(w.as("alice", "GET", "/?page=1&sort_by=updated_at&sort_dir=asc")).front(), "cA0");
  EXPECT_EQ(titles(w.as("alice", "GET", "/?page=3")).size(), 0u);
  EXPECT_EQ(w.as("alice", "GET", "/?page=9223372036854775807").status, 200);
  EXPECT_EQ(w.as("alice", "GET", "/?page=-5").status, 200);
  EXPECT_EQ(titles(w.as("bob", "GET", "/")).size(), 0u);
}

TEST_P(SearchTest, ListsHoldWhatBelongsIntoThem) {
  World w(GetParam());
  w.add("alice", "plain");
  std::string pinned = w.add("alice", "pinned");
  std::string archived = w.add("alice", "Archived ärger");
  w.script(
      "INSERT INTO folder (id, user_id, parent_id, name, is_expanded, created_at, updated_at) VALUES "
      "('folder of alice', 'alice', NULL, 'Outer', FALSE, 1, 1),"
      "('inner', 'alice', 'folder of alice', 'Inner', FALSE, 1, 1)");
  w.add("alice", "filed", exchange(), "a1", {{"folder_id", "folder of alice"}});
  run([&, inner = w.add("alice", "inside", exchange())] { return w.editor.move(inner, "inner"); });
  w.as("alice", "POST", "/" + pinned + "/pin");
  w.as("alice", "POST", "/" + archived + "/archive");

  EXPECT_EQ(titles(w.as("alice", "GET", "/?page=1")), Names{"plain"});
  EXPECT_EQ(titles(w.as("alice", "GET", "/?include_pinned=true&include_folders=true")).size(), 4u);
  EXPECT_EQ(titles(w.as("alice", "GET", "/pinned")), Names{"pinned"});
  EXPECT_EQ(titles(w.as("alice", "GET", "/archived?page=1")), Names{"Archived ärger"});
  EXPECT_EQ(titles(w.as("alice", "GET", "/archived?query=ARGER")), Names{"Archived ärger"});
  EXPECT_EQ(titles(w.as("alice", "GET", "/archived?query=nope")), Names{});
  EXPECT_EQ(w.as("alice", "GET", "/archived/count").text, "1");
  EXPECT_EQ(titles(w.as("alice", "GET", "/folder/folder of alice/list")), Names{"filed"});
  EXPECT_EQ(titles(w.as("bob", "GET", "/folder/folder of alice/list")), Names{});
  Names below = titles(w.as("alice", "GET", "/folder/folder of alice"));
  std::ranges::sort(below);
  EXPECT_EQ(below, (Names{"filed", "inside"}));
  EXPECT_EQ(titles(w.as("alice", "GET", "/folder/inner")), Names{"inside"});
  EXPECT_EQ(titles(w.as("bob", "GET", "/folder/folder of alice")), Names{});
  EXPECT_EQ(titles(w.as("alice", "GET", "/all/archived")), Names{"Archived ärger"});
  EXPECT_EQ(w.as("alice", "POST", "/unarchive/all").text, "true");
  EXPECT_EQ(titles(w.as("alice", "GET", "/archived")), Names{});
}

TEST_P(SearchTest, NoParameterOfAListReachesTheDatabaseAsSql) {  // row 115
  World w(GetParam());
  w.add("alice", "mine");
  w.as("alice", "POST", "/" + w.add("alice", "archived") + "/archive");
  w.add("bob", "bobs");
  const std::vector<std::string> payloads{"'",
                                          "\"",
                                          ";",
                                          "--",
                                          "/*",
                                          "*/",
                                          "1",
                                          "1=1",
                                          "' OR '1'='1",
                                          "'; DROP TABLE chat; --",
                                          "title; SELECT 1",
                                          "title DESC, (SELECT 1)",
                                          "(CASE WHEN 1=1 THEN title ELSE id END)",
                                          "updated_at ASC; DELETE FROM chat",
                                          "id) UNION SELECT 1,2,3,4,5,6,7 --",
                                          "title COLLATE NOCASE",
                                          "$1",
                                          "?1",
                                          ":a",
                                          "\\",
                                          "%",
                                          "%' OR 1=1 --",
                                          "NULL",
                                          "random()",
                                          "pg_sleep(1)",
                                          "user_id"};
  const std::vector<std::string> lists{"/?sort_by=@&sort_dir=@",
                                       "/list?sort_by=@&sort_dir=@",
                                       "/archived?order_by=@&direction=@&query=@",
                                       "/shared?order_by=@&direction=@&query=@",
                                       "/folder/x/list?sort_by=@&sort_dir=@",
                                       "/search?text=@"};
  for (const std::string& list : lists)
    for (const std::string& payload : payloads) {
      std::string path = list;
      for (std::size_t at; (at = path.find('@')) != path.npos;) path.replace(at, 1, payload);
      auto reply = w.as("alice", "GET", path);
      EXPECT_EQ(reply.status, 200) << path << reply.text;
      EXPECT_EQ(reply.text.find("bobs"), reply.text.npos) << path;
    }
  EXPECT_EQ(titles(w.as("alice", "GET", "/")), Names{"mine"});
}

TEST_P(SearchTest, CountsUnreadChatsByFolder) {
  World w(GetParam());
  std::string id = w.add("alice", "filed", exchange(), "a1", {{"folder_id", "folder of alice"}});
  w.script("UPDATE chat SET last_read_at = updated_at - 5");
  auto counts = [&] { return run([&] { return w.unread.by_folder("alice"); }); };

  EXPECT_EQ(counts(), (Unread::Counts{{"folder of alice", 1}}));
  w.script("UPDATE chat_message SET done = FALSE WHERE id = 'a1'");
  EXPECT_EQ(counts(), Unread::Counts{});  // An answer is still coming.
  w.script("UPDATE chat_message SET done = TRUE");
  auto reply = w.as("alice", "POST", "/read");
  EXPECT_EQ(reply.text, R"({"updated_count":1,"folder_unread_counts":{}})");
  reply = w.as("alice", "POST", "/" + id + "/unread");
  EXPECT_EQ(json::serialize(*json::find(reply.body, "folder_unread_counts")),
            R"({"folder of alice":1})");
  EXPECT_EQ(run([&] { return w.unread.mark_all("alice", {{"other"}}); }), 0);
  EXPECT_EQ(run([&] { return w.unread.mark_all("alice", {{"folder of alice"}}); }), 1);
  EXPECT_FALSE(run([&] { return w.unread.mark("bob", id, 0); }));
}

TEST_P(SearchTest, ExportsHoldEverythingOnceHoweverMuchThereIs) {
  World w(GetParam());
  for (int i = 0; i != 130; ++i) w.add("alice", "t" + std::to_string(i), {}, "");
  w.add("bob", "bobs");

  auto mine = w.as("alice", "GET", "/all");
  auto everybody = w.ask(World::admin(), "GET", "/api/v1/chats/all/db");

  EXPECT_EQ(std::ranges::count(mine.text, '\n'), 130);
  EXPECT_EQ(everybody.body.as_array().size(), 131u);
  EXPECT_EQ(w.as("alice", "GET", "/all/db").status, 401);
  w.settings.admin_export.set(false);
  EXPECT_EQ(w.ask(World::admin(), "GET", "/api/v1/chats/all/db").status, 401);
  w.denied = {"chat.export"};
  EXPECT_EQ(w.as("alice", "GET", "/all").status, 401);
}

}  // namespace
}  // namespace antiphon::chats

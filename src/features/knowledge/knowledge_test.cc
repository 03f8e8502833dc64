#include "features/knowledge/knowledge.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "auth/access.h"
#include "auth/principals.h"
#include "auth/settings.h"
#include "base/encode.h"
#include "blobs/test_blobs.h"
#include "features/knowledge/routes.h"
#include "http/testing.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::knowledge {
namespace {

using json::Array;
using json::Object;
using json::Value;
using Texts = std::vector<std::string>;

struct Reply {
  int status = 0;
  std::string body;
  Value json() const { return json::try_parse(body).value_or(Value()); }
};

Texts column(const Value& list, std::string_view key) {
  Texts out;
  for (const Value& one : list.as_array()) out.emplace_back(json::text_at(one, key));
  return out;
}
Texts names(const Reply& list) {
  Texts out = column(*json::find(list.json(), "items"), "filename");
  std::ranges::sort(out);
  return out;
}

class KnowledgeTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  KnowledgeTest()
      : store(GetParam(), 2),
        principals(*store.db),
        access(principals, auth_settings, permissions),
        grants(*store.db, access),
        bases(*store.db, grants),
        guard(*store.db, bases, grants, [this] { return admin_access; }) {
    run([&] { return store::migrate(*store.db); });
    run([&] { return principals.load(); });
    for (std::string name : {"root", "ann", "bob", "eve"}) store::add_user(store, name);
    store.script("UPDATE \"user\" SET role = 'admin' WHERE id = 'root'");
    blobs.emplace(*store.db);
    files.emplace(*store.db, blobs->blobs, file_settings);
    add_routes(router, {.bases = bases,
                        .guard = guard,
                        .files = *files,
                        .principals = principals,
                        .settings = settings,
                        .permitted = [this](const User& me, std::string_view leaf) -> Task<bool> {
                          co_return me.id.value + " " + std::string(leaf) != denied;
                        }});
  }

  static User user(const std::string& name) {
    User out;
    out.via = Caller::Via::session;
    out.role = name == "root" ? Role::admin : Role::user;
    out.id.value = name;
    return out;
  }
  Reply as(const std::string& name, std::string method, std::string path,
           std::optional<Value> body = {}) {
    http::Request request = http::testing::request(std::move(method), "/api/v1/knowledge" + path);
    if (body) request.body = json::serialize(*body);
    auto response = http::testing::serve(router, std::move(request), user(name));
    return {response->status, response->body};
  }
  std::string base(const std::string& owner, std::string name = "K") {
    Reply made = as(owner, "POST", "/create", Object{{"name", name}, {"description", "d"}});
    EXPECT_EQ(made.status, 200) << made.body;
    return std::string(json::text_at(made.json(), "id"));
  }
  std::string file(const std::string& owner, std::string name, std::string_view bytes = "x") {
    auto sent =
        std::make_shared<http::UploadedFile>(::testing::TempDir(), std::move(name), "text/plain");
    sent->append(bytes);
    sent->close();
    User me = user(owner);
    return run([&] { return files->add(me, sent, Object()); }).id;
  }
  Reply add(const std::string& who, const std::string& base, const std::string& file,
            Value directory = nullptr) {
    return as(who, "POST", "/" + base + "/file/add",
              Object{{"file_id", file}, {"directory_id", std::move(directory)}});
  }
  std::string directory(const std::string& who, const std::string& base, std::string name,
                        Value parent = nullptr) {
    Reply made = as(who, "POST", "/" + base + "/dirs/create",
                    Object{{"name", name}, {"parent_id", std::move(parent)}});
    EXPECT_EQ(made.status, 200) << made.body;
    return std::string(json::text_at(made.json(), "id"));
  }
  void share(const std::string& base, std::string with, std::string permission,
             std::string type = "user") {
    run([&] {
      return store.db->transact([&](store::Connection& c) {
        return grants.set(c, {Base::kKind, base}, {{type, with, permission}});
      });
    });
  }
  bool there(const std::string& file) {
    return run([&] { return files->find(file); }).has_value();
  }
  bool reads(const std::string& who, const std::string& file) {
    User me = user(who);
    return run([&] { return guard.may_read_file(me, file); });
  }
  /// Every route that names a base, asked for it.
  std::map<std::string, Reply> all_of(const std::string& name, const std::string& id) {
    std::map<std::string, Reply> out;
    for (const http::Route& route : router.routes()) {
      if (route.path.find("{id}") == route.path.npos) continue;
      std::string path = route.path.substr(std::string_view("/api/v1/knowledge").size());
      path.replace(path.find("{id}"), 4, id);
      if (std::size_t at = path.find("{dir_id}"); at != path.npos) path.replace(at, 8, "d");
      Value form = Object{{"name", "n"},    {"description", ""},   {"access_grants", Array()},
                          {"file_id", "f"}, {"file_ids", Array()}, {"manifest", Array()}};
      if (path.ends_with("/batch/add")) form = Array();
      bool reads = route.method == "GET" || route.method == "DELETE";
      out[route.method + " " + route.path] =
          as(name, route.method, path, reads ? std::optional<Value>() : form);
    }
    return out;
  }

  store::Store store;
  auth::Settings auth_settings;
  auth::PermissionDefaults permissions;
  auth::Principals principals;
  auth::Access access;
  auth::Grants grants;
  Bases bases;
  Guard guard;
  files::Settings file_settings;
  Settings settings;
  std::optional<blobs::TestBlobs> blobs;
  std::optional<files::Files> files;
  http::Router router;
  std::string denied;
  bool admin_access = true;
};

INSTANTIATE_TEST_SUITE_P(Engines, KnowledgeTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(KnowledgeTest, ABaseIsShownAsItWasMade) {
  Reply made = as("ann", "POST", "/create", Object{{"name", "Manuals"}, {"description", "of pumps"}});
  ASSERT_EQ(made.status, 200) << made.body;
  Value v = made.json();
  std::string id(json::text_at(v, "id"));
  EXPECT_EQ(json::text_at(v, "user_id"), "ann");
  EXPECT_EQ(json::text_at(v, "name"), "Manuals");
  EXPECT_TRUE(json::find(v, "files")->is_null());
  Value shown = as("ann", "GET", "/" + id).json();
  EXPECT_TRUE(json::find(shown, "write_access")->as_bool());
  Value listed = as("ann", "GET", "/").json();
  EXPECT_EQ(json::int_at(listed, "total"), 1);
  const Value& line = json::find(listed, "items")->as_array().at(0);
  EXPECT_EQ(json::text_at(line, "description"), "of pumps");
  EXPECT_EQ(json::int_at(line, "file_count"), 0);
  for (std::string_view name : {"", "  "})
    EXPECT_EQ(as("ann", "POST", "/create", Object{{"name", name}, {"description", ""}}).status, 400);
  Reply changed =
      as("ann", "POST", "/" + id + "/update", Object{{"name", "Pumps"}, {"description", "all"}});
  EXPECT_EQ(json::text_at(changed.json(), "name"), "Pumps");
  EXPECT_TRUE(json::find(changed.json(), "files")->as_array().empty());
  EXPECT_EQ(as("ann", "DELETE", "/" + id + "/delete").body, "true");
  EXPECT_EQ(as("ann", "GET", "/" + id).status, 404);
}

TEST_P(KnowledgeTest, WhoMayNotMakeOneIsToldSo) {
  denied = "bob workspace.knowledge";
  EXPECT_EQ(as("bob", "POST", "/create", Object{{"name", "K"}, {"description", ""}}).status, 401);
  denied = "root workspace.knowledge";
  EXPECT_EQ(as("root", "POST", "/create", Object{{"name", "K"}, {"description", ""}}).status, 200);
}

TEST_P(KnowledgeTest, ListsAreSearchedSortedAndPaged) {
  for (int i = 0; i != 31; ++i) base("ann", "Base " + std::to_string(100 + i));
  std::string odd = base("ann", "100% odd_name");
  EXPECT_EQ(json::int_at(as("ann", "GET", "/").json(), "total"), 32);
  EXPECT_EQ(json::find(as("ann", "GET", "/?page=2").json(), "items")->as_array().size(), 2u);
  auto found = [&](std::string query) {
    return column(*json::find(as("ann", "GET", "/search?" + query).json(), "items"), "name");
  };
  EXPECT_EQ(found("query=% odd_"), Texts{"100% odd_name"});
  EXPECT_EQ(found("query=BASE 130"), Texts{"Base 130"});
  EXPECT_EQ(found("order_by=name&direction=asc").front(), "100% odd_name");
  EXPECT_EQ(found("order_by=name&direction=desc").front(), "Base 130");
  EXPECT_TRUE(found("source=external").empty());
  EXPECT_TRUE(found("view_option=shared").empty());
  EXPECT_EQ(found("view_option=created&order_by=name; DROP TABLE knowledge").size(), 30u);
}

// row 46
TEST_P(KnowledgeTest, OneOfOthersIsAsIfItWereNotThere) {
  std::string id = base("ann");
  add("ann", id, file("ann", "a.txt"));
  auto foreign = all_of("eve", id);
  auto missing = all_of("eve", "nowhere");
  ASSERT_GT(foreign.size(), 15u);
  for (auto& [route, reply] : foreign) {
    EXPECT_EQ(reply.status, 404) << route;
    EXPECT_EQ(reply.body, missing[route].body) << route;
  }
  EXPECT_EQ(json::int_at(as("eve", "GET", "/").json(), "total"), 0);
  EXPECT_EQ(names(as("eve", "GET", "/search/files")), Texts());
  EXPECT_EQ(as("root", "GET", "/" + id).status, 200);
  admin_access = false;
  EXPECT_EQ(as("root", "GET", "/" + id).status, 404);
  EXPECT_EQ(json::int_at(as("root", "GET", "/").json(), "total"), 0);
}

TEST_P(KnowledgeTest, ReadersReadAndWritersWrite) {
  std::string id = base("ann"), f = file("ann", "a.txt");
  add("ann", id, f);
  EXPECT_FALSE(reads("eve", f));
  share(id, "eve", "read");
  EXPECT_TRUE(reads("eve", f));
  EXPECT_FALSE(reads("bob", f));
  for (auto& [route, reply] : all_of("eve", id)) {
    bool read = route == "GET /api/v1/knowledge/{id}" || route.ends_with("/files") ||
                route.ends_with("/files/pending");
    EXPECT_EQ(reply.status, read ? 200 : 404) << route << " " << reply.body;
  }
  EXPECT_FALSE(json::find(as("eve", "GET", "/" + id).json(), "write_access")->as_bool());
  EXPECT_EQ(names(as("eve", "GET", "/search/files?query=a")), Texts{"a.txt"});
  EXPECT_EQ(column(*json::find(as("eve", "GET", "/search?view_option=shared").json(), "items"), "id"),
            Texts{id});
  share(id, "eve", "write");
  EXPECT_EQ(add("eve", id, file("eve", "e.txt")).status, 200);
  EXPECT_EQ(names(as("ann", "GET", "/" + id + "/files")), (Texts{"a.txt", "e.txt"}));
}

// Nobody brings a file into a base that is not his (rows 47, 48).
TEST_P(KnowledgeTest, OnlyOwnFilesComeIn) {
  std::string id = base("eve"), others = base("ann"), f = file("ann", "secret.txt");
  add("ann", others, f);
  share(others, "eve", "read");
  Reply foreign = add("eve", id, f), missing = add("eve", id, "nowhere");
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.body, missing.body);
  std::string own = file("eve", "own.txt");
  EXPECT_EQ(as("eve", "POST", "/" + id + "/files/batch/add",
               Array{Object{{"file_id", own}}, Object{{"file_id", f}}})
                .status,
            404);
  EXPECT_EQ(names(as("eve", "GET", "/" + id + "/files")), Texts()) << "none came";
  EXPECT_EQ(add("eve", id, own, Value(directory("ann", others, "d"))).status, 404)
      << "a folder elsewhere";
}

TEST_P(KnowledgeTest, FoldersHoldFilesAndLieInOneAnother) {
  std::string id = base("ann"), f = file("ann", "b.txt"), g = file("ann", "a.txt");
  std::string docs = directory("ann", id, "docs"), deep = directory("ann", id, "deep", Value(docs));
  add("ann", id, f, Value(deep));
  add("ann", id, g);
  EXPECT_EQ(add("ann", id, g).status, 200) << "again";
  Value all = as("ann", "GET", "/" + id + "/files?order_by=name&direction=asc").json();
  EXPECT_EQ(json::int_at(all, "total"), 2);
  EXPECT_EQ(column(*json::find(all, "items"), "filename"), (Texts{"a.txt", "b.txt"}));
  EXPECT_EQ(column(*json::find(all, "items"), "directory_path"), (Texts{"", "docs/deep"}));
  EXPECT_EQ(column(*json::find(all, "directories"), "name"), Texts{"docs"});
  Value inside = as("ann", "GET", "/" + id + "/files?directory_id=" + deep).json();
  EXPECT_EQ(column(*json::find(inside, "items"), "filename"), Texts{"b.txt"});
  EXPECT_EQ(column(*json::find(inside, "breadcrumbs"), "name"), (Texts{"docs", "deep"}));
  EXPECT_EQ(names(as("ann", "GET", "/" + id + "/files?query=B.")), Texts{"b.txt"});
  EXPECT_EQ(names(as("ann", "GET", "/" + id + "/files?directory_id=nowhere")), Texts());
  EXPECT_EQ(as("ann", "GET", "/" + id + "/files?page=0").status, 422);

  auto made = [&](Value name, Value parent) {
    return as("ann", "POST", "/" + id + "/dirs/create",
              Object{{"name", std::move(name)}, {"parent_id", std::move(parent)}})
        .status;
  };
  for (std::string_view bad : {"", " ", "a/b", ".", ".."})
    EXPECT_EQ(made(Value(bad), nullptr), 400) << bad;
  EXPECT_EQ(made("docs", nullptr), 400) << "one of this name is there";
  EXPECT_EQ(made("x", "nowhere"), 404);
  auto update = [&](const std::string& which, Object form) {
    return as("ann", "POST", "/" + id + "/dirs/" + which + "/update", Value(std::move(form)));
  };
  EXPECT_EQ(update(docs, {{"parent_id", deep}}).status, 400) << "into itself";
  EXPECT_EQ(json::text_at(update(docs, {{"name", "docs2"}}).json(), "name"), "docs2");
  EXPECT_TRUE(json::find(update(deep, {{"parent_id", nullptr}}).json(), "parent_id")->is_null());
  EXPECT_EQ(update(deep, {{"parent_id", docs}}).status, 200);

  EXPECT_EQ(
      as("ann", "POST", "/" + id + "/file/move", Object{{"file_id", g}, {"directory_id", docs}}).body,
      R"({"status":true})");
  EXPECT_EQ(names(as("ann", "GET", "/" + id + "/files?directory_id=" + docs)), Texts{"a.txt"});
  EXPECT_EQ(as("ann", "POST", "/" + id + "/file/move", Object{{"file_id", "nowhere"}}).status, 404);
  EXPECT_EQ(
      as("ann", "POST", "/" + id + "/file/move", Object{{"file_id", g}, {"directory_id", "x"}}).status,
      404);

  EXPECT_EQ(as("ann", "DELETE", "/" + id + "/dirs/" + deep + "/delete").body,
            R"({"status":true,"file_ids":[]})");
  EXPECT_EQ(names(as("ann", "GET", "/" + id + "/files?directory_id=" + docs)),
            (Texts{"a.txt", "b.txt"}))
      << "its files went up";
  Reply gone = as("ann", "DELETE", "/" + id + "/dirs/" + docs + "/delete?move_files=false");
  EXPECT_EQ(json::find(gone.json(), "file_ids")->as_array().size(), 2u);
  EXPECT_FALSE(there(f) || there(g));
}

TEST_P(KnowledgeTest, AFileThatLeavesIsDeletedWhereNobodyElseHasIt) {
  std::string id = base("ann"), second = base("ann", "L");
  share(id, "bob", "write");
  std::string own = file("ann", "own"), both = file("ann", "both"), bobs = file("bob", "bobs"),
              kept = file("ann", "kept");
  add("ann", id, own);
  add("ann", id, both);
  add("ann", second, both);
  add("bob", id, bobs);
  add("ann", id, kept);
  auto out = [&](const std::string& f, std::string query = "") {
    return as("ann", "POST", "/" + id + "/file/remove" + query, Object{{"file_id", f}}).status;
  };
  for (const std::string& f : {own, both, bobs}) EXPECT_EQ(out(f), 200);
  EXPECT_EQ(out(own), 404);
  EXPECT_EQ(out(kept, "?delete_file=false"), 200);
  EXPECT_FALSE(there(own));
  EXPECT_TRUE(there(both)) << "it is in another base";
  EXPECT_TRUE(there(bobs)) << "it is somebody else's";
  EXPECT_TRUE(there(kept));
  add("ann", id, kept);
  settings.retention.set(true);
  EXPECT_EQ(out(kept), 200);
  EXPECT_TRUE(there(kept)) << "the setting keeps them";
}

TEST_P(KnowledgeTest, ResetTakesAllOut) {
  std::string id = base("ann"), second = base("ann", "L"), a = file("ann", "a"), b = file("ann", "b");
  std::string d = directory("ann", id, "d");
  add("ann", id, a, Value(d));
  add("ann", id, b);
  add("ann", second, b);
  Reply kept = as("ann", "POST", "/" + id + "/reset?include_directories=false");
  EXPECT_EQ(kept.status, 200) << kept.body;
  Value now = as("ann", "GET", "/" + id + "/files").json();
  EXPECT_EQ(json::int_at(now, "total"), 0);
  EXPECT_EQ(column(*json::find(now, "directories"), "name"), Texts{"d"});
  EXPECT_FALSE(there(a));
  EXPECT_TRUE(there(b));
  as("ann", "POST", "/" + id + "/reset");
  EXPECT_TRUE(
      json::find(as("ann", "GET", "/" + id + "/files").json(), "directories")->as_array().empty());
}

TEST_P(KnowledgeTest, AFolderOfADiskIsComparedAndCleanedUp) {
  std::string id = base("ann"), d = directory("ann", id, "d"), empty = directory("ann", id, "e");
  std::string a = file("ann", "a.txt", "one"), b = file("ann", "b.txt", "two"),
              c = file("ann", "c.txt", "three");
  add("ann", id, a, Value(d));
  add("ann", id, b, Value(d));
  add("ann", id, c);
  auto entry = [](std::string_view path, std::string_view name, std::string_view checksum) {
    return Object{{"filename", name}, {"path", path}, {"checksum", checksum}, {"size", 3}};
  };
  Reply reply =
      as("ann", "POST", "/" + id + "/sync/diff",
         Object{{"manifest", Array{entry("d", "a.txt", hex(sha256("one"))),
                                   entry("d", "b.txt", "changed"), entry("n", "n.txt", "new")}}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  Value v = reply.json();
  EXPECT_EQ(json::int_at(v, "unmodified_count"), 1);
  EXPECT_EQ(column(*json::find(v, "added"), "filename"), Texts{"n.txt"});
  EXPECT_EQ(column(*json::find(v, "modified"), "stale_file_id"), Texts{b});
  EXPECT_EQ(column(*json::find(v, "deleted"), "file_id"), Texts{c});
  EXPECT_EQ(*json::find(v, "mkdir"), Value(Array{"n"}));
  EXPECT_EQ(*json::find(v, "rmdir"), Value(Array{empty}));
  EXPECT_EQ(json::text_at(*json::find(v, "directory_map"), "d"), d);

  EXPECT_EQ(as("ann", "POST", "/" + id + "/sync/cleanup",
               Object{{"file_ids", Array{c, b}}, {"dir_ids", Array{empty, d}}})
                .status,
            200);
  Value now = as("ann", "GET", "/" + id + "/files").json();
  EXPECT_EQ(column(*json::find(now, "items"), "filename"), Texts{"a.txt"});
  EXPECT_EQ(column(*json::find(now, "directories"), "name"), Texts{"d"})
      << "something came into it meanwhile";
  EXPECT_FALSE(there(b) || there(c));
}

// row 52
TEST_P(KnowledgeTest, WhatIsInNoneOfTheCallersBasesIsNotCleanedUp) {
  std::string own = base("eve"), foreign = base("ann");
  std::string d = directory("ann", foreign, "d"), f = file("ann", "f"), loose = file("eve", "loose");
  add("ann", foreign, f);
  EXPECT_EQ(as("eve", "POST", "/" + own + "/sync/cleanup",
               Object{{"file_ids", Array{f, loose}}, {"dir_ids", Array{d}}})
                .status,
            200);
  EXPECT_TRUE(there(f));
  EXPECT_TRUE(there(loose));
  Value now = as("ann", "GET", "/" + foreign + "/files").json();
  EXPECT_EQ(column(*json::find(now, "items"), "filename"), Texts{"f"});
  EXPECT_EQ(column(*json::find(now, "directories"), "name"), Texts{"d"});
  EXPECT_EQ(as("eve", "DELETE", "/" + own + "/dirs/" + d + "/delete").status, 404);
}

TEST_P(KnowledgeTest, GrantsAreTheOwnersToGiveAsFarAsHeMay) {
  std::string id = base("ann");
  auto form = [](std::string_view type, std::string_view with, std::string_view permission) {
    return Object{
        {"access_grants",
         Array{Object{{"principal_type", type}, {"principal_id", with}, {"permission", permission}}}}};
  };
  std::string path = "/" + id + "/access/update";
  EXPECT_EQ(as("ann", "POST", path, form("user", "eve", "read")).status, 403);
  EXPECT_EQ(as("root", "POST", path, form("anyone", "*", "read")).status, 400);
  EXPECT_EQ(as("root", "POST", path, form("user", "eve", "read")).status, 200);
  EXPECT_EQ(as("eve", "GET", "/" + id).status, 200);
}

// What others have from somebody who goes stays.
TEST_P(KnowledgeTest, NothingOfOthersGoesWithAUser) {
  std::string alone = base("bob", "alone"), shared = base("bob", "shared"), anns = base("ann");
  share(shared, "eve", "read");
  share(anns, "bob", "write");
  std::string in_shared = file("bob", "s.txt"), in_anns = file("bob", "a.txt"),
              in_alone = file("bob", "x.txt");
  add("bob", shared, in_shared);
  add("bob", anns, in_anns);
  add("bob", alone, in_alone);
  run([&] {
    return store.db->transact([&](store::Connection& c) -> Task<> {
      co_await bases.remove_all(c, {"bob"});
      co_await files::Files::remove_all(c, {"bob"});
    });
  });
  EXPECT_EQ(json::text_at(as("eve", "GET", "/" + shared).json(), "user_id"), "root");
  EXPECT_TRUE(there(in_shared));
  EXPECT_TRUE(there(in_anns));
  EXPECT_EQ(names(as("ann", "GET", "/" + anns + "/files")), Texts{"a.txt"});
  EXPECT_FALSE(there(in_alone));
  EXPECT_EQ(as("root", "GET", "/" + alone).status, 404);
}

TEST_P(KnowledgeTest, TwoWhoMakeAFolderOfOneNameMakeOne) {
  std::string id = base("ann");
  User me = user("ann");
  Base found = *run([&] { return bases.find(id); });
  std::vector<std::thread> threads;
  std::atomic<int> made = 0;
  for (int i = 0; i != 8; ++i)
    threads.emplace_back([&] {
      try {
        run([&] { return bases.create_directory(me, found, "d", std::nullopt); });
        ++made;
      } catch (const Problem&) {
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace antiphon::knowledge

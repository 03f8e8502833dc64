#include "features/files/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/data_image.h"
#include "base/encode.h"
#include "base/loops.h"
#include "blobs/test_blobs.h"
#include "features/files/pictures.h"
#include "features/files/routes.h"
#include "http/testing.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::files {
namespace {

using json::Value;

const std::string kPng("\x89PNG\r\n\x1a\n and more", 17);

struct Reply {
  int status = 0;
  std::string body;
  http::Response head;
  Value json() const { return json::try_parse(body).value_or(Value()); }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : head.headers)
      if (key == name) return value;
    return "";
  }
};

class FilesTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  FilesTest() : store(GetParam(), 2) {
    run([&] { return store::migrate(*store.db); });
    for (std::string name : {"root", "bob", "eve"}) store::add_user(store, name);
    blobs.emplace(*store.db);
    files.emplace(*store.db, blobs->blobs, settings);
    guard.emplace(*files, [this](const User& me, std::string owner, std::string id) -> Task<bool> {
      co_return me.id.value + " " + owner + " " + id == shown;
    });
    add_routes(router, {.files = *files,
                        .guard = *guard,
                        .permitted = [this](const User& me, std::string_view leaf) -> Task<bool> {
                          co_return me.id.value + " " + std::string(leaf) != denied;
                        },
                        .place = [](const User&, json::Value metadata) -> Task<Place> {
                          if (json::find(metadata, "knowledge_id")) throw not_found("Knowledge");
                          co_return Place();
                        }});
  }

  static User user(const std::string& name) {
    User out;
    out.via = Caller::Via::session;
    out.role = name == "root" ? Role::admin : Role::user;
    out.id.value = name;
    return out;
  }

  Reply ask(const std::string& who, http::Request request, std::shared_ptr<http::Form> form = {}) {
    http::testing::StringStream stream;
    http::Call call{.request = request, .stream = stream, .caller = user(who)};
    call.form = std::move(form);
    const http::Route* route = router.find(call);
    if (!route) return {404, "no route"};
    auto response = run([&] { return router.serve(*route, call); });
    if (!response) return {stream.head_.status, stream.text_, stream.head_};
    return {response->status, response->body, *response};
  }
  Reply get(const std::string& who, const std::string& path,
            std::initializer_list<std::pair<std::string_view, std::string_view>> headers = {}) {
    http::Request request = http::testing::request("GET", "/api/v1/files" + path);
    for (auto [name, value] : headers) request.headers.add(name, value);
    return ask(who, std::move(request));
  }
  Reply send(const std::string& who, const std::string& method, const std::string& path,
             std::string body = "") {
    http::Request request = http::testing::request(method, "/api/v1/files" + path);
    request.body = std::move(body);
    return ask(who, std::move(request));
  }
  Reply upload(const std::string& who, std::string name, std::string_view bytes,
               std::string type = "text/plain", std::optional<std::string> metadata = {}) {
    auto file =
        std::make_shared<http::UploadedFile>(::testing::TempDir(), std::move(name), std::move(type));
    file->append(bytes);
    file->close();
    auto form = std::make_shared<http::Form>();
    form->file = std::move(file);
    if (metadata) form->texts.emplace("metadata", *metadata);
    return ask(who, http::testing::request("POST", "/api/v1/files/"), std::move(form));
  }
  std::string add(const std::string& who, std::string name, std::string_view bytes,
                  std::string type = "text/plain") {
    Reply reply = upload(who, std::move(name), bytes, std::move(type));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return std::string(json::text_at(reply.json(), "id"));
  }
  static std::vector<std::string> names(const Value& list) {
    std::vector<std::string> out;
    for (const Value& one : list.as_array()) out.emplace_back(json::text_at(one, "filename"));
    std::ranges::sort(out);
    return out;
  }

  store::Store store;
  Settings settings;
  std::string shown;  ///< "reader owner id" of a file that others may read.
  std::string denied;
  std::optional<blobs::TestBlobs> blobs;
  std::optional<Files> files;
  std::optional<Guard> guard;
  http::Router router;
};

INSTANTIATE_TEST_SUITE_P(Engines, FilesTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(FilesTest, AnUploadIsShownAsItCame) {
  Reply made = upload("bob", "Report é.txt", "hello", "Text/Plain; charset=latin1", R"({"a":1})");
  ASSERT_EQ(made.status, 200) << made.body;
  Value v = made.json();
  EXPECT_EQ(json::text_at(v, "user_id"), "bob");
  EXPECT_EQ(json::text_at(v, "filename"), "Report é.txt");
  const Value& meta = *json::find(v, "meta");
  EXPECT_EQ(json::text_at(meta, "name"), "Report é.txt");
  EXPECT_EQ(json::text_at(meta, "content_type"), "text/plain");
  EXPECT_EQ(json::int_at(meta, "size"), 5);
  EXPECT_EQ(json::text_at(meta, "file_hash"), hex(sha256("hello")));
  EXPECT_EQ(json::int_at(*json::find(meta, "data"), "a"), 1);
  EXPECT_EQ(json::text_at(*json::find(v, "data"), "status"), "completed");
  EXPECT_GT(json::int_at(v, "created_at"), 1'700'000'000);

  std::string id(json::text_at(v, "id"));
  Value shown = get("bob", "/" + id).json();
  EXPECT_TRUE(shown.as_object().contains("path"));
  shown.as_object().erase("path");
  EXPECT_EQ(shown, v);
  Reply bytes = get("bob", "/" + id + "/content");
  EXPECT_EQ(bytes.body, "hello");
  EXPECT_EQ(bytes.head.length, 5u);
  EXPECT_EQ(bytes.header("ETag"), '"' + hex(sha256("hello")) + '"');
  EXPECT_EQ(get("bob", "/" + id + "/process/status").body, R"({"status":"completed"})");
  EXPECT_EQ(get("bob", "/" + id + "/process/status?stream=true").body,
            "data: {\"status\":\"completed\"}\n\n");
}

TEST_P(FilesTest, PartsConditionsAndHeadsOfContent) {
  std::string bytes(600'000, 'x');
  for (std::size_t i = 0; i < bytes.size(); i += 7) bytes[i] = static_cast<char>('a' + i % 26);
  std::string at = "/" + add("bob", "a.bin", bytes, "application/x-thing") + "/content";
  Reply all = get("bob", at);
  EXPECT_EQ(all.status, 200);
  EXPECT_TRUE(all.body == bytes);
  EXPECT_EQ(all.head.type, "application/octet-stream");

  Reply part = get("bob", at, {{"Range", "bytes=300000-300009"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, bytes.substr(300'000, 10));
  EXPECT_EQ(part.header("Content-Range"), "bytes 300000-300009/600000");
  EXPECT_EQ(get("bob", at, {{"Range", "bytes=-5"}}).body, bytes.substr(599'995));
  EXPECT_EQ(get("bob", at, {{"Range", "bytes=600000-"}}).status, 416);
  EXPECT_EQ(get("bob", at, {{"If-None-Match", all.header("ETag")}}).status, 304);

  Reply head = send("bob", "HEAD", at);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.head.length, 600'000u);
  EXPECT_EQ(head.body, "");
}

TEST_P(FilesTest, NothingIsAFileToo) {
  std::string id = add("bob", "empty", "");
  Reply all = get("bob", "/" + id + "/content");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.body, "");
  EXPECT_EQ(all.head.length, 0u);
}

// row 46
TEST_P(FilesTest, OfOthersAreAsIfTheyWereNotThere) {
  std::string id = add("bob", "secret.txt", "secret");
  for (std::string_view path :
       {"", "/content", "/content/x.txt", "/content/html", "/data/content", "/process/status"}) {
    Reply foreign = get("eve", "/" + id + std::string(path));
    Reply missing = get("eve", "/nowhere" + std::string(path));
    EXPECT_EQ(foreign.status, 404) << path;
    EXPECT_EQ(foreign.body, missing.body) << path;
    if (path != "/content/html") {
      EXPECT_EQ(get("root", "/" + id + std::string(path)).status, 200) << path;
    }
  }
  EXPECT_EQ(send("eve", "POST", "/" + id + "/data/content/update", R"({"content":"x"})").status, 404);
  EXPECT_EQ(send("eve", "POST", "/" + id + "/rename", R"({"filename":"x"})").status, 404);
  EXPECT_EQ(send("eve", "DELETE", "/" + id).status, 404);
  EXPECT_EQ(get("eve", "/").body, R"({"items":[],"total":0})");
  EXPECT_EQ(get("eve", "/search?filename=*").body, "[]");
  EXPECT_EQ(get("eve", "/count").body, "0");
  EXPECT_EQ(send("eve", "DELETE", "/all").status, 401);
  EXPECT_EQ(get("bob", "/" + id + "/content").body, "secret");
}

TEST_P(FilesTest, ListsAreOnesOwnAndAnAdministratorsOfAll) {
  for (int i = 0; i != 3; ++i) add("bob", "b" + std::to_string(i) + ".md", "x" + std::to_string(i));
  add("eve", "e.md", "y");
  add("root", "r.md", "z");
  EXPECT_EQ(json::int_at(get("bob", "/").json(), "total"), 3);
  EXPECT_EQ(names(*json::find(get("bob", "/").json(), "items")),
            (std::vector<std::string>{"b0.md", "b1.md", "b2.md"}));
  EXPECT_EQ(json::array_at(get("bob", "/?page=2").json(), "items")->size(), 0u);
  EXPECT_EQ(json::int_at(get("root", "/").json(), "total"), 5);
  EXPECT_EQ(get("bob", "/count").body, "3");
  EXPECT_EQ(get("root", "/count").body, "5");
  EXPECT_EQ(get("root", "/user/count").body, "1");
  EXPECT_EQ(names(get("root", "/search?filename=*.md").json()).size(), 5u);
  EXPECT_EQ(names(get("root", "/user/search").json()), (std::vector<std::string>{"r.md"}));
}

TEST_P(FilesTest, SearchTakesAGlob) {
  for (std::string name : {"Plan.PDF", "plan2.pdf", "100%.txt", "a_b.txt", "axb.txt", "back\\.txt"})
    if (name.find('\\') == name.npos) add("bob", name, name);
  auto found = [&](const std::string& glob) {
    return names(get("bob", "/search?filename=" + glob).json());
  };
  EXPECT_EQ(found("plan*.pdf"), (std::vector<std::string>{"Plan.PDF", "plan2.pdf"}));
  EXPECT_EQ(found("plan?.pdf"), (std::vector<std::string>{"plan2.pdf"}));
  EXPECT_EQ(found("plan"), std::vector<std::string>{});
  EXPECT_EQ(found("*%*"), (std::vector<std::string>{"100%.txt"}));
  EXPECT_EQ(found("a_b.txt"), (std::vector<std::string>{"a_b.txt"}));
  EXPECT_EQ(found("**x**"), (std::vector<std::string>{"100%.txt", "a_b.txt", "axb.txt"}));
  EXPECT_EQ(found("\\"), std::vector<std::string>{});
  EXPECT_EQ(json::find(get("bob", "/search?filename=a*&limit=1").json().at(0), "path"), nullptr);
  EXPECT_EQ(get("bob", "/search").status, 422);
  EXPECT_EQ(get("bob", "/search?filename=*&limit=0").status, 422);
}

TEST_P(FilesTest, TextsAreKeptBesideTheBytes) {
  std::string id = add("bob", "a.txt", "bytes");
  EXPECT_EQ(get("bob", "/" + id + "/data/content").body, R"({"content":""})");
  EXPECT_EQ(send("bob", "POST", "/" + id + "/data/content/update", R"({"content":"text"})").body,
            R"({"content":"text"})");
  EXPECT_EQ(get("bob", "/" + id + "/data/content").body, R"({"content":"text"})");
  EXPECT_EQ(get("bob", "/" + id + "/content").body, "bytes");
  Value shown = get("bob", "/" + id).json();
  EXPECT_EQ(json::text_at(shown, "hash"), hex(sha256("text")));
  EXPECT_EQ(json::text_at(*json::find(shown, "data"), "content"), "text");
  auto listed = [&](const std::string& query) {
    Value list = get("bob", "/search?filename=*" + query).json();
    return std::string(json::text_at(*json::find(list.at(0), "data"), "content"));
  };
  EXPECT_EQ(listed(""), "text");
  EXPECT_EQ(listed("&content=false"), "");
  std::string large = R"({"content":")" + std::string(Files::kContent + 1, 'x') + R"("})";
  EXPECT_EQ(send("bob", "POST", "/" + id + "/data/content/update", large).status, 413);
}

TEST_P(FilesTest, AListHoldsTextsOnlyAsFarAsItMayGrow) {
  std::string most(Files::kContent, 'x');
  for (int i = 0; i != 10; ++i) {
    std::string id = add("bob", std::to_string(i), "b");
    auto file = run([&] { return files->find(id); });
    run([&] { return files->set_content(*file, most); });
  }
  int with = 0;
  auto list = run([&] { return files->list({.owner = "bob", .content = true}); });
  EXPECT_EQ(list.size(), 10u);
  for (const File& file : list) with += file.content.has_value();
  EXPECT_EQ(with, Files::kListed / Files::kContent);
}

// An earlier version sets texts without their lengths.
TEST_P(FilesTest, ATextOfUnknownLengthCountsAsTheLongest) {
  for (int i = 0; i != 10; ++i) {
    std::string id = add("bob", std::to_string(i), "b");
    auto file = run([&] { return files->find(id); });
    run([&] { return files->set_content(*file, "short"); });
  }
  auto texts = [&] {
    auto list = run([&] { return files->list({.owner = "bob", .content = true}); });
    return std::ranges::count_if(list, [](const File& f) { return f.content.has_value(); });
  };
  EXPECT_EQ(texts(), 10);
  run([&] { return store.db->run({"test.old", "UPDATE file SET content_size = NULL"}); });
  EXPECT_EQ(texts(), Files::kListed / Files::kContent);
  run([&] { return store.db->run({"test.none", "UPDATE file SET content = NULL"}); });
  EXPECT_EQ(texts(), 0);
}

// row 47
TEST_P(FilesTest, WhoMayReadWhatAFileIsInMayReadItAndNoMore) {
  std::string id = add("bob", "a.txt", "x"), other = add("bob", "b.txt", "y");
  shown = "eve bob " + id;
  for (const char* path : {"", "/content", "/content/x", "/data/content", "/process/status"})
    EXPECT_EQ(get("eve", "/" + id + path).status, 200) << path;
  EXPECT_EQ(get("eve", "/" + other).status, 404);
  EXPECT_EQ(send("eve", "POST", "/" + id + "/rename", R"({"filename":"x"})").status, 404);
  EXPECT_EQ(send("eve", "POST", "/" + id + "/data/content/update", R"({"content":"x"})").status, 404);
  EXPECT_EQ(send("eve", "DELETE", "/" + id).status, 404);
  EXPECT_EQ(get("eve", "/count").body, "0");
}

TEST_P(FilesTest, WhatOneUserMayKeepIsBounded) {
  settings.quota.set(1);
  EXPECT_EQ(upload("bob", "a", std::string(1 << 20, 'x')).status, 200);
  Reply more = upload("bob", "b", "y");
  EXPECT_EQ(more.status, 413);
  EXPECT_EQ(json::text_at(more.json(), "detail"),
            "Your files may have 1 MiB together, and there is room for 0 KiB more. Delete some, or ask "
            "an administrator.");
  auto limit = [&](const char* who) { return run([&] { return files->limit({who}); }); };
  EXPECT_EQ(limit("bob").bytes, 0u);
  EXPECT_THAT(limit("bob").beyond, ::testing::StartsWith("Your files may have 1 MiB together"));
  EXPECT_EQ(limit("eve").bytes, 1u << 20);
  EXPECT_EQ(upload("eve", "b", "y").status, 200);
  settings.quota.set(0);
  EXPECT_EQ(upload("bob", "b", "y").status, 200);
  EXPECT_EQ(limit("bob").bytes, static_cast<std::uint64_t>(Files::kMostMiB) << 20);
}

// row 17
TEST_P(FilesTest, NamesAreForPeopleAndMakeNoPath) {
  std::string id = add("bob", "a.txt", "x");
  EXPECT_EQ(json::text_at(send("bob", "POST", "/" + id + "/rename", R"({"filename":"b é.txt"})").json(),
                          "filename"),
            "b é.txt");
  Reply named = get("bob", "/" + id + "/content/..%2fetc");
  EXPECT_EQ(named.header("Content-Disposition"), "attachment; filename*=UTF-8''b%20%C3%A9.txt");
  std::string longest(255, 'n');
  for (const std::string& bad :
       {std::string("../x"), std::string("a/b"), std::string("a\\\\b"), std::string("."),
        std::string(".."), std::string(), longest + "n", std::string("a\\nb")}) {
    Reply reply = send("bob", "POST", "/" + id + "/rename", R"({"filename":")" + bad + R"("})");
    EXPECT_EQ(reply.status, 400) << bad << reply.body;
  }
  EXPECT_EQ(send("bob", "POST", "/" + id + "/rename", R"({"filename":")" + longest + R"("})").status,
            200);
  EXPECT_EQ(upload("bob", "\xff\xfe.txt", "x").status, 400);
}

TEST_P(FilesTest, EndingsAndPermissionsAreObeyed) {
  settings.extensions.set({"pdf", ".MD"});
  EXPECT_EQ(upload("bob", "a.PDF", "x").status, 200);
  EXPECT_EQ(upload("bob", "a.tar.md", "x").status, 200);
  EXPECT_EQ(upload("bob", "a.exe", "x").status, 400);
  EXPECT_EQ(upload("bob", "pdf", "x").status, 400);
  settings.extensions.set({});
  denied = "bob chat.file_upload";
  EXPECT_EQ(upload("bob", "a.txt", "x").status, 403);
  denied = "root chat.file_upload";
  EXPECT_EQ(upload("root", "a.txt", "x").status, 200);
}

// row 26
TEST_P(FilesTest, TheirSizeIsTheSettings) {
  EXPECT_EQ(files->most_bytes(), Files::kMostMiB << 20);
  settings.max_size.set(1);
  EXPECT_EQ(files->most_bytes(), 1 << 20);
  EXPECT_EQ(upload("bob", "a", std::string(1 << 20, 'x')).status, 200);
  EXPECT_EQ(upload("bob", "b", std::string((1 << 20) + 1, 'x')).status, 413);
  EXPECT_EQ(get("bob", "/count").body, "1");
}

TEST_P(FilesTest, MetadataIsAnObject) {
  EXPECT_EQ(upload("bob", "a", "x", "text/plain", "[1]").status, 400);
  EXPECT_EQ(upload("bob", "a", "x", "text/plain", "{").status, 400);
  EXPECT_EQ(upload("bob", "a", "x", "text/plain", "").status, 200);
  EXPECT_EQ(upload("bob", "a", "x", "text/plain", R"({"knowledge_id":"k"})").status, 404);
  EXPECT_EQ(get("bob", "/count").body, "1");
}

TEST_P(FilesTest, TheSameBytesAreOneBlobThatGoesWithTheLastRow) {
  std::string one = add("bob", "a", "same"), two = add("eve", "b", "same");
  blobs::BlobId blob{hex(sha256("same"))};
  auto swept = [&] { return run([&] { return blobs->blobs.sweep(-1); }); };
  EXPECT_EQ(swept(), 0);
  EXPECT_EQ(send("bob", "DELETE", "/" + one).status, 200);
  EXPECT_EQ(get("bob", "/" + one).status, 404);
  EXPECT_EQ(swept(), 0);
  EXPECT_EQ(get("eve", "/" + two + "/content").body, "same");
  EXPECT_EQ(send("eve", "DELETE", "/" + two).status, 200);
  EXPECT_EQ(run([&] { return blobs->blobs.sweep(); }), 0) << "it may come back within a day";
  EXPECT_EQ(swept(), 1);
  EXPECT_FALSE(run([&] { return blobs->blobs.stat(blob); }).has_value());
  EXPECT_EQ(get("bob", "/" + add("bob", "a", "same") + "/content").body, "same");
}

TEST_P(FilesTest, GoWithTheirUserAndByAnAdministratorsWord) {
  add("bob", "a", "1");
  std::string kept = add("eve", "b", "2");
  run([&] { return store.db->run({"test.remove_user", "DELETE FROM \"user\" WHERE id = 'bob'"}); });
  EXPECT_EQ(get("root", "/count").body, "1");
  EXPECT_EQ(upload("bob", "a", "3").status, 409) << "no file without its user";
  EXPECT_EQ(send("root", "DELETE", "/all").status, 200);
  EXPECT_EQ(get("eve", "/" + kept).status, 404);
}

TEST_P(FilesTest, BytesThatAreGoneAreAnAnswerAndNoCutOffStream) {
  std::string id = add("bob", "a", "gone");
  run([&] { return blobs->blobs.remove({hex(sha256("gone"))}); });
  EXPECT_EQ(get("bob", "/" + id + "/content").status, 503);
}

// row 49
TEST_P(FilesTest, ModelsAreShownPicturesOfWhoMayReadThem) {
  Pictures pictures(*files, *guard);
  std::string png = add("bob", "a.png", kPng, "image/png"),
              text = add("bob", "b.png", "text", "image/png");
  auto read = [&](const std::string& who, const std::string& id, std::int64_t room = 1000) {
    User me = user(who);
    return run([&] { return pictures.read(me, id, room); });
  };
  auto check = [&](const std::string& who, const std::string& id) {
    User me = user(who);
    try {
      run([&] { return pictures.check(me, id); });
    } catch (const Problem& p) {
      return p.status();
    }
    return 200;
  };
  EXPECT_EQ(read("bob", png), data_url("image/png", kPng));
  EXPECT_EQ(read("bob", png, 16), std::nullopt);
  EXPECT_EQ(read("eve", png), std::nullopt);
  EXPECT_EQ(read("bob", text), std::nullopt);
  EXPECT_EQ(read("bob", "nowhere"), std::nullopt);
  EXPECT_EQ(check("bob", png), 200);
  EXPECT_EQ(check("eve", png), 404);
  EXPECT_EQ(check("bob", text), 400);
}

}  // namespace
}  // namespace antiphon::files

#include "features/models/models.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>

#include "base/async.h"
#include "testing/models_app.h"

namespace antiphon::models {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::string>;

/// Offers what the test says; counts how often it is asked.
class FakeBackend final : public Backend {
 public:
  Task<std::vector<BaseModel>> list(ConnectionPtr c) override {
    Ids offered = ids;  // As of when it was asked.
    ++asked;
    if (delay.count()) co_await sleep_for(delay);
    if (failing) throw Problem(Problem::Kind::upstream, "down");
    std::vector<BaseModel> out;
    for (const std::string& id : offered)
      out.push_back({.id = c->prefixed(id),
                     .upstream_id = id,
                     .kind = c->kind,
                     .connections = {c},
                     .shown = {{"id", c->prefixed(id)}, {"name", id}, {"owned_by", "openai"}}});
    co_return out;
  }
  Task<std::unique_ptr<ChunkStream>> stream(Target, json::Object, Asker) override {
    throw Problem(Problem::Kind::internal, "not here");
  }
  Task<json::Value> complete(Target target, json::Object, Asker) override {
    ++completions;
    co_return json::Object{{"model", target.upstream_id()}};
  }

  Ids ids = {"a", "b"};
  std::atomic<int> asked = 0, completions = 0;
  std::atomic<bool> failing = false;
  std::chrono::milliseconds delay{0};
};

class ModelsTest : public ::testing::TestWithParam<store::Engine> {
 protected:
  ModelsTest() : app(GetParam()) {
    app.settings.openai_urls.set({"http://one/v1"});
    app.settings.list_seconds.set(3600);
    app.start(backend, other);
    app.user("admin");
  }
  std::string create(const std::string& who, std::string_view form) {
    auto reply = app.post(who, "/api/v1/models/create", std::string(form));
    return reply.status == 200 ? "" : std::to_string(reply.status) + " " + reply.body;
  }
  /// A model that everybody may read.
  void register_for_all(const std::string& id, const std::string& base = "") {
    json::Object form{
        {"id", id},
        {"name", "N " + id},
        {"base_model_id", base.empty() ? json::Value() : json::Value(base)},
        {"meta", json::Object()},
        {"params", json::Object{{"system", "secret prompt"}, {"temperature", 0.5}}},
        {"access_grants",
         json::parse_value(R"([{"principal_type":"user","principal_id":"*","permission":"read"}])")}};
    EXPECT_EQ(create("admin", json::serialize(form)), "");
  }
  void allow(std::string_view leaf) {
    std::size_t dot = leaf.find('.');
    json::Value tree = app.auth_settings.user_permissions();
    json::Object all = tree.is_object() ? tree.as_object() : json::Object();
    json::Value& branch = all[leaf.substr(0, dot)];
    if (!branch.is_object()) branch = json::Object();
    branch.as_object()[leaf.substr(dot + 1)] = true;
    app.auth_settings.user_permissions.set(all);
  }

  FakeBackend backend, other;
  testing::ModelsApp app;
};

INSTANTIATE_TEST_SUITE_P(, ModelsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

TEST_P(ModelsTest, ModelsWithoutARowAreTheAdministrators) {
  EXPECT_EQ(app.shown("admin"), (Ids{"a", "b"}));
  EXPECT_EQ(app.shown("bob"), Ids{});
  register_for_all("a");
  EXPECT_EQ(app.shown("bob"), Ids{"a"});
  app.settings.bypass_access.set(true);
  EXPECT_EQ(app.shown("bob"), (Ids{"a", "b"}));
}

// row 116
TEST_P(ModelsTest, OneListInMemoryNeverShowsOneCallerWhatIsAnothers) {
  EXPECT_EQ(create("admin", R"({"id":"a","name":"A","meta":{},"params":{},"access_grants":
      [{"principal_type":"user","principal_id":")" +
                                app.user("bob").id.value + R"(","permission":"read"}]})"),
            "");
  for (int i = 0; i != 50; ++i) {
    ASSERT_EQ(app.shown("admin"), (Ids{"a", "b"}));
    ASSERT_EQ(app.shown("bob"), Ids{"a"});
    ASSERT_EQ(app.shown("eve"), Ids{});
  }
  EXPECT_EQ(backend.asked, 1);
}

TEST_P(ModelsTest, ManyWhoWaitCauseOneQuestion) {
  backend.delay = 50ms;
  std::atomic<int> left = 40, good = 0;
  User admin = app.user("admin");
  for (int i = 0; i != 40; ++i)
    spawn_detached(app.store.loops.at(i % 2), [&]() -> Task<> {
      std::string text = co_await app.models->list_text(admin, true);
      good += text.find("\"a\"") != std::string::npos;
      --left;
    });
  while (left > 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(good, 40);
  EXPECT_EQ(backend.asked, 1);
}

TEST_P(ModelsTest, WhoMissedAModelInAnOldListDecidesByTheNewOne) {
  Catalog catalog(app.settings, [&](Kind) -> Backend& { return backend; }, app.store.loops);
  ListingPtr old = run([&] { return catalog.get(); });
  auto look_again = [&](const ListingPtr& seen) {
    return run([&] { return catalog.look_again(seen->number); });
  };
  backend.ids.push_back("new");
  int before = backend.asked;
  EXPECT_TRUE(look_again(old));
  EXPECT_TRUE(look_again(old)) << "another's look has come to its end meanwhile";
  EXPECT_EQ(backend.asked, before + 1);
  ListingPtr now = run([&] { return catalog.get(); });
  EXPECT_TRUE(now->find("new"));
  EXPECT_FALSE(look_again(now)) << "nobody is asked twice within a second";
  EXPECT_EQ(backend.asked, before + 1);
  run([&] { return catalog.close(); });
}

TEST_P(ModelsTest, ALookThatBeganBeforeTheModelWasThereIsNotTheLast) {
  app.shown("admin");
  backend.delay = 50ms;
  int before = backend.asked;
  User admin = app.user("admin");
  std::atomic<bool> listed = false;
  spawn_detached(app.store.loops.at(0), [&]() -> Task<> {
    co_await app.models->list_text(admin, true);
    listed = true;
  });
  while (backend.asked == before) std::this_thread::sleep_for(1ms);
  backend.ids.push_back("new");
  EXPECT_EQ(run([&] { return app.models->resolve(admin, "new"); }).id, "new");
  while (!listed) std::this_thread::sleep_for(1ms);
}

TEST_P(ModelsTest, AFailedRefreshShrinksNothing) {
  EXPECT_EQ(app.shown("admin"), (Ids{"a", "b"}));
  backend.failing = true;
  EXPECT_EQ(app.get("admin", "/api/models?refresh=true").status, 200);
  EXPECT_EQ(app.shown("admin"), (Ids{"a", "b"}));
  backend.failing = false;
  backend.ids = {"b"};
  app.get("admin", "/api/models?refresh=true");
  EXPECT_EQ(app.shown("admin"), Ids{"b"});
}

TEST_P(ModelsTest, AChangedConnectionIsAskedAtOnceAndKeepsNothingOfTheOld) {
  EXPECT_EQ(app.shown("admin"), (Ids{"a", "b"}));
  run([&] {
    return app.config->set({{"openai.api_configs", json::parse_value(R"({"0":{"prefix_id":"pp"}})")}});
  });
  EXPECT_EQ(app.shown("admin"), (Ids{"pp.a", "pp.b"}));
  EXPECT_EQ(backend.asked, 2);
}

TEST_P(ModelsTest, AUserCannotMakeServersWorkByRefreshing) {
  app.shown("admin");
  for (int i = 0; i != 5; ++i) app.get("bob", "/api/models?refresh=true");
  EXPECT_EQ(backend.asked, 1);
}

TEST_P(ModelsTest, TheDemonstrationIsThereOnlyWhileNothingElseIs) {
  backend.ids = {};
  EXPECT_EQ(app.shown("bob"), Ids{"antiphon-demo"});
  backend.ids = {"a"};
  app.models->catalog().forget();
  EXPECT_EQ(app.shown("admin"), Ids{"a"});
  EXPECT_EQ(app.shown("bob"), Ids{});
  backend.ids = {};
  app.settings.demo.set(false);
  app.models->catalog().forget();
  EXPECT_EQ(app.shown("admin"), Ids{});
}

TEST_P(ModelsTest, TheDemonstrationStreamsAnAnswerThatEnds) {
  backend.ids = {};
  std::string text;
  run([&]() -> Task<> {
    Target target = co_await app.models->resolve(app.user("bob"), "antiphon-demo");
    json::Object body{{"messages", json::Array{json::Object{{"role", "user"}, {"content", "ping"}}}}};
    auto chunks = co_await app.models->stream(target, body, {});
    for (int i = 0; i != 5; ++i) {
      auto chunk = co_await chunks->next();
      text +=
          json::text_at(*json::find(json::array_at(*chunk, "choices")->front(), "delta"), "content");
    }
    chunks->cancel();
    EXPECT_THROW(co_await chunks->next(), Problem);
    json::Value whole = co_await app.models->complete(target, body, {});
    EXPECT_EQ(json::text_at(json::array_at(whole, "choices")->front(), "finish_reason"), "stop");
  });
  EXPECT_TRUE(text.starts_with("You wrote: “ping”")) << text;
}

// row 68
TEST_P(ModelsTest, WhoMayNotUseTheBaseMayNotUseItThroughAPreset) {
  register_for_all("front", "b");
  register_for_all("second", "front");
  auto may = [&](const std::string& who, const std::string& id) {
    return run([&] { return app.models->find(app.user(who), id); }).has_value();
  };
  EXPECT_FALSE(may("bob", "b"));
  EXPECT_FALSE(may("bob", "front"));
  EXPECT_FALSE(may("bob", "second"));
  EXPECT_EQ(app.shown("bob"), Ids{});
  EXPECT_TRUE(may("admin", "second"));

  register_for_all("b");
  EXPECT_TRUE(may("bob", "front"));
  EXPECT_TRUE(may("bob", "second"));
  EXPECT_EQ(app.shown("bob").size(), 3u);
}

// row 68
TEST_P(ModelsTest, WhatAUserWritesOpensNoDoor) {
  allow("workspace.models");
  allow("workspace.models_import");
  EXPECT_EQ(create("eve", R"({"id":"mine","base_model_id":"a","name":"M","meta":{},"params":{}})"), "");
  EXPECT_FALSE(run([&] { return app.models->find(app.user("eve"), "mine"); }));

  constexpr std::string_view kOverride = R"({"id":"a","name":"M","meta":{},"params":{}})";
  constexpr std::string_view kShadow =
      R"({"id":"a","base_model_id":"b","name":"M","meta":{},"params":{}})";
  EXPECT_EQ(create("eve", kOverride).substr(0, 3), "403");
  EXPECT_EQ(create("eve", kShadow).substr(0, 3), "401");
  for (std::string_view form : {kOverride, kShadow})
    EXPECT_NE(
        app.post("eve", "/api/v1/models/import", R"({"models":[)" + std::string(form) + "]}").status,
        200);
  EXPECT_EQ(app.post("eve", "/api/v1/models/model/update?id=mine", std::string(kOverride)).status, 403);
  EXPECT_EQ(app.shown("eve"), Ids{});
}

// row 68: a database of Open WebUI may hold what we would not have stored.
TEST_P(ModelsTest, ARowOfAUsersOwnAboutAServersModelIsNoRightToUseIt) {
  std::string eve = app.user("eve").id.value;
  for (const char* base : {"NULL", "'b'"}) {
    app.store.script("DELETE FROM model");
    app.store.script(
        "INSERT INTO model (id, user_id, base_model_id, name, params, meta, updated_at, created_at, "
        "is_active) "
        "VALUES ('a', '" +
        eve + "', " + base + ", 'Mine', '{}', '{}', 1, 1, TRUE)");
    std::this_thread::sleep_for(Rows::kFresh + 100ms);  // As if another replica had written it.
    EXPECT_EQ(app.shown("eve"), Ids{}) << base;
    EXPECT_EQ(app.shown("admin").size(), 2u) << base;
  }
}

TEST_P(ModelsTest, MissingAndForbiddenLookTheSame) {
  auto problem = [&](const std::string& who, const std::string& id) {
    Problem p = store::problem_of([&] { return app.models->resolve(app.user(who), id); });
    return std::to_string(p.status()) + p.detail();
  };
  EXPECT_EQ(problem("bob", "a"), problem("bob", "nowhere"));
  EXPECT_EQ(problem("bob", "a"), "403Model not found");
  EXPECT_EQ(problem("admin", "nowhere"), "404Model not found");
}

TEST_P(ModelsTest, ChainsThatGoInCirclesOrNowhereAreNotOffered) {
  register_for_all("x", "y");
  register_for_all("y", "x");
  register_for_all("lost", "gone");
  EXPECT_EQ(app.shown("admin"), (Ids{"a", "b"}));
  EXPECT_FALSE(run([&] { return app.models->find(app.user("admin"), "x"); }));
}

TEST_P(ModelsTest, APresetCarriesItsParametersOverTheDefaults) {
  app.settings.default_params.set(json::parse_value(R"({"temperature":0.1,"top_p":0.9})"));
  app.settings.default_meta.set(json::parse_value(R"({"capabilities":{"vision":false}})"));
  register_for_all("b");
  register_for_all("front", "b");
  auto target = run([&] { return app.models->resolve(app.user("bob"), "front"); });
  EXPECT_EQ(target.upstream_id(), "b");
  EXPECT_EQ(target.name, "N front");
  EXPECT_EQ(json::serialize(target.params),
            R"({"temperature":0.5,"top_p":0.9,"system":"secret prompt"})");
  EXPECT_TRUE(target.meta.contains("capabilities"));
}

// row 69
TEST_P(ModelsTest, ReadersSeeNoPromptAndNoParameters) {
  register_for_all("b");
  register_for_all("front", "b");
  for (const char* path : {"/api/models", "/api/v1/models/model?id=front", "/api/v1/models/list"}) {
    auto reply = app.get("bob", path);
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_NE(reply.body.find("front"), std::string::npos) << path;
    EXPECT_EQ(reply.body.find("secret prompt"), std::string::npos) << path << reply.body;
  }
  EXPECT_NE(app.get("admin", "/api/v1/models/model?id=front").body.find("secret prompt"),
            std::string::npos);
}

TEST_P(ModelsTest, InactiveModelsAreNotOffered) {
  register_for_all("a");
  auto off = app.post("admin", "/api/v1/models/model/toggle?id=a", "");
  EXPECT_EQ(off.status, 200);
  EXPECT_FALSE(json::bool_at(off.json(), "is_active", true));
  EXPECT_EQ(app.shown("admin"), Ids{"b"});
  app.post("admin", "/api/v1/models/model/toggle?id=a", "");
  EXPECT_EQ(app.shown("admin"), (Ids{"a", "b"}));
}

TEST_P(ModelsTest, AreShownInTheAdministratorsOrder) {
  app.settings.order.set(json::parse_value(R"(["b","nowhere"])"));
  EXPECT_EQ(app.shown("admin"), (Ids{"b", "a"}));
}

TEST_P(ModelsTest, CreatingNeedsThePermissionAndAFreeId) {
  constexpr std::string_view kForm =
      R"({"id":"mine","base_model_id":"a","name":"M","meta":{},"params":{}})";
  EXPECT_EQ(create("eve", kForm).substr(0, 3), "401");
  allow("workspace.models");
  EXPECT_EQ(create("eve", kForm), "");
  EXPECT_EQ(create("admin", kForm).substr(0, 3), "401");
  EXPECT_EQ(create("eve", R"({"id":"x y","name":"M","meta":{},"params":{}})").substr(0, 3), "422");
}

TEST_P(ModelsTest, SharingNeedsThePermissionsForIt) {
  allow("workspace.models");
  constexpr std::string_view kAll =
      R"([{"principal_type":"user","principal_id":"*","permission":"read"}])";
  EXPECT_EQ(
      create("eve",
             R"({"id":"m","base_model_id":"a","name":"M","meta":{},"params":{},"access_grants":)" +
                 std::string(kAll) + "}"),
      "");
  auto reply = app.get("eve", "/api/v1/models/model?id=m").json();
  EXPECT_TRUE(json::array_at(reply, "access_grants")->empty()) << "dropped without a word";
  std::string share = R"({"id":"m","access_grants":)" + std::string(kAll) + "}";
  EXPECT_EQ(app.post("eve", "/api/v1/models/model/access/update", share).status, 403);
  allow("sharing.models");
  allow("sharing.public_models");
  EXPECT_EQ(app.post("eve", "/api/v1/models/model/access/update", share).status, 200);
  EXPECT_EQ(app.get("bob", "/api/v1/models/model?id=m").status, 200);
}

TEST_P(ModelsTest, OnlyWhoMayWriteChangesOrRemovesAModel) {
  register_for_all("m", "a");
  constexpr std::string_view kForm =
      R"({"id":"m","base_model_id":"a","name":"Stolen","meta":{},"params":{}})";
  EXPECT_EQ(app.post("eve", "/api/v1/models/model/update?id=m", std::string(kForm)).status, 401);
  EXPECT_EQ(app.post("eve", "/api/v1/models/model/toggle?id=m", "").status, 401);
  EXPECT_EQ(app.post("eve", "/api/v1/models/model/delete", R"({"id":"m"})").status, 401);
  EXPECT_EQ(app.post("eve", "/api/v1/models/model/delete", R"({"id":"m"})").body,
            app.post("eve", "/api/v1/models/model/delete", R"({"id":"nowhere"})").body);
  EXPECT_EQ(app.get("eve", "/api/v1/models/model/history?id=m").status, 401);

  auto renamed = app.post("admin", "/api/v1/models/model/update?id=m", std::string(kForm));
  EXPECT_EQ(json::text_at(renamed.json(), "name"), "Stolen");
  EXPECT_EQ(app.post("admin", "/api/v1/models/model/delete", R"({"id":"m"})").body, "true");
  EXPECT_EQ(app.get("admin", "/api/v1/models/model?id=m").status, 404);
}

// row 67
TEST_P(ModelsTest, ImportingNeverOverwritesWhatIsAnothers) {
  register_for_all("m", "a");
  allow("workspace.models_import");
  auto stolen = app.post(
      "eve", "/api/v1/models/import",
      R"({"models":[{"id":"new","name":"New"},{"id":"m","name":"Stolen","base_model_id":"a"}]})");
  EXPECT_EQ(stolen.status, 403);
  EXPECT_EQ(app.get("admin", "/api/v1/models/model?id=new").status, 404) << "all or nothing";
  EXPECT_EQ(json::text_at(app.get("admin", "/api/v1/models/model?id=m").json(), "name"), "N m");

  EXPECT_EQ(app.post("eve", "/api/v1/models/import",
                     R"({"models":[{"id":"new","name":"New","base_model_id":"a"}]})")
                .body,
            "true");
  EXPECT_EQ(json::text_at(app.get("admin", "/api/v1/models/model?id=new").json(), "user_id"),
            app.user("eve").id.value);
}

TEST_P(ModelsTest, EveryVersionIsKeptAndCanComeBack) {
  register_for_all("m", "a");
  auto first = app.get("admin", "/api/v1/models/model?id=m").json();
  app.post(
      "admin", "/api/v1/models/model/update?id=m",
      R"({"id":"m","base_model_id":"b","name":"Second","meta":{},"params":{},"commit_message":"why"})");
  json::Value history = app.get("admin", "/api/v1/models/model/history?id=m").json();
  ASSERT_EQ(history.as_array().size(), 2u);
  std::string id(json::text_at(first, "version_id"));

  auto old = app.get("admin", "/api/v1/models/model/history/" + id + "?id=m");
  EXPECT_EQ(json::text_at(*json::find(old.json(), "snapshot"), "name"), "N m");
  EXPECT_EQ(app.get("admin", "/api/v1/models/model/history/" + id + "?id=a").status, 401)
      << "parent and child are bound";
  auto restored =
      app.post("admin", "/api/v1/models/model/update/version?id=m", R"({"version_id":")" + id + "\"}");
  EXPECT_EQ(json::text_at(restored.json(), "name"), "N m");
  EXPECT_EQ(json::text_at(restored.json(), "base_model_id"), "a");
}

constexpr std::string_view kPng = "data:image/png;base64,iVBORw0KGgo=";

TEST_P(ModelsTest, APictureIsStoredByItsBytesAndLeavesWithTheModel) {
  const std::string with = R"("base_model_id":"a","params":{},"meta":{"profile_image_url":")";
  ASSERT_EQ(create("admin", R"({"id":"p","name":"P",)" + with + std::string(kPng) + R"("}})"), "");
  auto url_of = [&](const std::string& id) {
    json::Value all = app.get("admin", "/api/v1/models/all").json();
    for (const json::Value& m : all.as_array())
      if (json::text_at(m, "id") == id)
        return std::string(json::text_at(*json::find(m, "meta"), "profile_image_url"));
    return std::string("none");
  };
  const std::string blob = "4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6";
  auto shown = [&](const std::string& id) {
    return app.get("admin", "/api/v1/models/model/profile/image?id=" + id).body;
  };

  EXPECT_EQ(url_of("p"), "/api/v1/models/model/profile/image?id=p&v=" + blob);
  EXPECT_EQ(shown("p"), "\x89PNG\r\n\x1a\n");
  for (const char* path : {"/api/v1/models/export", "/api/v1/models/model?id=p"})
    EXPECT_NE(app.get("admin", path).body.find(kPng), std::string::npos) << path;
  // A copy has it; somebody who may not see the model, or names another blob, has not.
  ASSERT_EQ(create("admin", R"({"id":"q","name":"Q",)" + with + url_of("p") + R"("}})"), "");
  EXPECT_EQ(shown("q"), "\x89PNG\r\n\x1a\n");
  allow("workspace.models");
  ASSERT_EQ(create("bob", R"({"id":"r","name":"R",)" + with + url_of("p") + R"("}})"), "");
  EXPECT_NE(shown("r").find("<svg"), std::string::npos);
  EXPECT_EQ(run([&] { return app.blobs.blobs.sweep(-60); }), 0);
}

TEST_P(ModelsTest, APictureIsSweptOnceNoVersionHasIt) {
  ASSERT_EQ(
      create("admin",
             R"({"id":"p","name":"P","base_model_id":"a","params":{},"meta":{"profile_image_url":")" +
                 std::string(kPng) + R"("}})"),
      "");
  app.post("admin", "/api/v1/models/model/update?id=p",
           R"({"id":"p","name":"P","base_model_id":"a","params":{},"meta":{}})");

  EXPECT_EQ(run([&] { return app.blobs.blobs.sweep(-60); }), 0) << "an earlier version has it";
  app.post("admin", "/api/v1/models/model/delete", R"({"id":"p"})");
  EXPECT_EQ(run([&] { return app.blobs.blobs.sweep(-60); }), 1);
}

TEST_P(ModelsTest, TheWorkspaceListSearchesSortsAndPages) {
  for (int i = 0; i != 35; ++i) register_for_all("m" + std::to_string(100 + i), "a");
  json::Value first = app.get("admin", "/api/v1/models/list?order_by=name&direction=asc").json();
  EXPECT_EQ(json::int_at(first, "total"), 35);
  EXPECT_EQ(json::array_at(first, "items")->size(), 30u);
  EXPECT_EQ(json::text_at(json::array_at(first, "items")->front(), "id"), "m100");
  json::Value second =
      app.get("admin", "/api/v1/models/list?order_by=name&direction=asc&page=2").json();
  EXPECT_EQ(json::array_at(second, "items")->size(), 5u);
  json::Value found = app.get("admin", "/api/v1/models/list?query=M107").json();
  EXPECT_EQ(json::int_at(found, "total"), 1);
  // U4: what is no column is the default, never SQL.
  EXPECT_EQ(app.get("admin", "/api/v1/models/list?order_by=(select 1)&direction=sideways").status, 200);
}

TEST_P(ModelsTest, AdministratorsRoutesAreTheirs) {
  for (const char* path :
       {"/api/models/base", "/api/v1/models/all", "/api/v1/models/base", "/api/v1/models/base/tags"}) {
    EXPECT_EQ(app.get("admin", path).status, 200) << path;
    EXPECT_NE(app.get("bob", path).status, 200) << path;
    EXPECT_NE(app.get("", path).status, 200) << path;
  }
  EXPECT_EQ(app.get("", "/api/models").status, 401);
}

}  // namespace
}  // namespace antiphon::models

#include <gtest/gtest.h>

#include "base/metrics.h"
#include "features/configs/documents.h"
#include "features/configs/routes.h"
#include "features/configs/store_metrics.h"
#include "http/testing.h"
#include "json/text.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::configs {
namespace {

using http::testing::a_caller;
using http::testing::request;
using json::Value;

/// What Open WebUI 0.12.4 answers to strangers and to users, at the top.
const std::set<std::string> kStrangers{"status", "name",  "version", "default_locale",
                                       "i18n",   "oauth", "features"};

class Configs : public testing::TestWithParam<store::Engine> {
 protected:
  Configs() : database(GetParam()) {
    for (const store::Migration& m : store::migrations)
      if (m.name.ends_with("_config")) database.script(store::sql_for(database->dialect(), m.text));
    registry.add(settings);
    registry.add(general);
    registry.add(auth);
    registry.add(permissions);
    store.emplace(*database.db, registry, &sealer);
    run([&] { return store->load(); });
    health.emplace(*database.db, nullptr);
    add_routes(
        router,
        {.store = *store,
         .settings = settings,
         .general = general,
         .auth = auth,
         .permissions = permissions,
         .health = *health,
         .metrics = metrics,
         .router = router,
         .takes_page = [](const http::Request& r) { return r.headers.get("Origin") != "https://far"; },
         .has_users = [this]() -> Task<bool> { co_return users; },
         .usage = []() -> Task<Usage> { co_return Usage{{"m"}, 3}; },
         .cluster = []() -> Task<cluster::ClusterOverview> {
           co_return cluster::ClusterOverview{.secret_key = "abc"};
         }});
  }
  http::Response get(const std::string& path, Caller caller = {}) {
    return *http::testing::serve(router, request("GET", path), std::move(caller));
  }
  http::Response post(const std::string& path, std::string body, Caller caller,
                      std::string if_match = {}) {
    http::Request r = request("POST", path);
    r.headers.add("Content-Type", "application/json");
    if (!if_match.empty()) r.headers.add("If-Match", if_match);
    r.body = std::move(body);
    return *http::testing::serve(router, std::move(r), std::move(caller));
  }
  Value json_of(const http::Response& r) {
    return json::parse_value(r.fixed_body.empty() ? std::string_view(r.body) : r.fixed_body);
  }
  std::set<std::string> keys_of(const Value& value) {
    std::set<std::string> out;
    for (const auto& [key, inner] : value.as_object()) out.insert(std::string(key.data(), key.size()));
    return out;
  }
  std::string header(const http::Response& r, std::string_view name) {
    for (const auto& [key, value] : r.headers)
      if (key == name) return value;
    return "";
  }
  static Caller admin() { return a_caller(Caller::Via::session, Role::admin); }
  static Caller user() { return a_caller(Caller::Via::session, Role::user); }
  static Caller pending() { return a_caller(Caller::Via::session, Role::pending); }

  store::Store database;
  Settings settings;
  config::General general;
  auth::Settings auth;
  auth::PermissionDefaults permissions;
  config::Registry registry;
  config::AesSealer sealer{{Secret(std::string(32, 'k'))}};
  metrics::Registry metrics;
  std::optional<config::Store> store;
  std::optional<Health> health;
  http::Router router;
  bool users = true;
};

TEST_P(Configs, StrangersSeeSevenMembersAndNothingOfTheInside) {  // row 114
  Value seen = json_of(get("/api/config"));
  EXPECT_EQ(keys_of(seen), kStrangers);
  EXPECT_EQ(keys_of(seen.at("features")),
            (std::set<std::string>{"slim", "auth", "auth_trusted_header",
                                   "enable_signup_password_confirmation", "enable_ldap",
                                   "enable_signup", "enable_login_form", "enable_websocket"}));
}

TEST_P(Configs, APageWhoseSocketWouldBeRefusedIsTold) {
  http::Request r = request("GET", "/api/config");
  r.headers.add("Origin", "https://far");
  Value told = json_of(*http::testing::serve(router, std::move(r), {}));
  EXPECT_FALSE(told.at("origin_ok").as_bool());
  EXPECT_TRUE(told.at("status").as_bool());
}

TEST_P(Configs, OnlyTheFirstVisitorIsToldThatThereIsNobodyYet) {
  users = false;
  EXPECT_TRUE(json_of(get("/api/config")).at("onboarding").as_bool());
  users = true;
  EXPECT_EQ(keys_of(json_of(get("/api/config"))), kStrangers);
  users = false;  // It is not asked again.
  EXPECT_EQ(keys_of(json_of(get("/api/config"))), kStrangers);
}

TEST_P(Configs, PendingUsersSeeTheFeaturesAndTheirOverlay) {
  Value seen = json_of(get("/api/config", pending()));
  std::set<std::string> expected = kStrangers;
  expected.insert("ui");
  EXPECT_EQ(keys_of(seen), expected);
  EXPECT_EQ(keys_of(seen.at("ui")),
            (std::set<std::string>{"pending_user_overlay_title", "pending_user_overlay_content"}));
  EXPECT_TRUE(seen.at("features").as_object().contains("enable_folders"));
}

TEST_P(Configs, UsersSeeWhatUpstreamsUsersSee) {
  Value seen = json_of(get("/api/config", user()));
  std::set<std::string> expected = kStrangers;
  for (const char* key : {"default_models", "default_pinned_models", "default_prompt_suggestions",
                          "default_prompt_suggestions_i18n", "code", "audio", "file", "permissions",
                          "google_drive", "onedrive", "ui", "license_metadata"})
    expected.insert(key);
  EXPECT_EQ(keys_of(seen), expected);
  EXPECT_EQ(seen.at("features").as_object().size(), 8u + 44u);
  EXPECT_TRUE(seen.at("default_models").is_null());
  EXPECT_TRUE(seen.at("permissions").at("chat").at("delete").as_bool());
  EXPECT_EQ(json::serialize(seen), json::serialize(json_of(get("/api/config", admin()))));
}

TEST_P(Configs, AChangeShowsAtTheNextRequest) {
  EXPECT_EQ(json::text_at(json_of(get("/api/config", user())).at("ui"), "response_watermark"), "");
  run([&] { return store->set({{"ui.watermark", "made by a machine"}}); });
  EXPECT_EQ(json::text_at(json_of(get("/api/config", user())).at("ui"), "response_watermark"),
            "made by a machine");
  auth.enable_signup.set(false);
  EXPECT_FALSE(json_of(get("/api/config")).at("features").at("enable_signup").as_bool());
}

TEST_P(Configs, AFeatureIsAnnouncedOnlyWhenItsRoutesAreThere) {
  auto announced = [&](const char* name) {
    return json_of(get("/api/config", user())).at("features").at(name).as_bool();
  };
  EXPECT_TRUE(general.enable_notes());
  EXPECT_FALSE(announced("enable_notes"));
  http::Endpoint notes;
  notes.who_said = true;
  router.on("GET /api/v1/notes/", http::Cost::read, notes);
  general.enable_channels.set(true);        // Makes the answer anew.
  EXPECT_FALSE(announced("enable_notes"));  // An empty list is no feature.
  router.on("POST /api/v1/notes/create", http::Cost::write, notes);
  general.enable_channels.set(false);
  general.enable_channels.set(true);
  EXPECT_TRUE(announced("enable_notes"));
  EXPECT_FALSE(announced("enable_channels"));
}

TEST_P(Configs, NoSecretIsInAnyAnswerToOthersThanAdmins) {  // row 117
  settings.metrics_token.set(Secret("planted-1"));
  auth.secret_key.set(Secret("planted-2"));
  for (const http::Route& route : router.routes()) {
    if (route.method != "GET") continue;
    for (const Caller& caller : {Caller{}, pending(), user()}) {
      http::Response r = get(route.path, caller);
      EXPECT_EQ(r.body.find("planted"), std::string::npos) << route.path;
    }
  }
}

TEST_P(Configs, PagesOfSettingsAreForAdmins) {
  for (const http::Route& route : router.routes()) {
    if (!route.path.starts_with("/api/v1/configs/") || route.path.ends_with("/banners") ||
        route.path.ends_with("/defaults"))
      continue;
    for (const Caller& caller : {Caller{}, pending(), user()}) {
      int status = http::testing::serve(router, request(route.method, route.path), caller)->status;
      EXPECT_TRUE(status == 401 || status == 403) << route.method << route.path << status;
    }
  }
}

TEST_P(Configs, ReadinessIsTruthful) {
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(json::serialize(json_of(get("/ready"))), R"({"status":false,"reasons":["starting"]})");
  health->started();
  EXPECT_EQ(get("/ready").status, 200);
  health->draining();
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(get("/health").status, 200);
}

TEST_P(Configs, ReadinessSeesADatabaseThatIsGone) {
  health->started();
  run([&] { return database.db->close(); });
  EXPECT_EQ(get("/health/db").status, 503);
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(get("/health").status, 200);
}

TEST_P(Configs, TheNameIsEscapedWhereverItGoes) {  // row 43
  settings.name.set("\"><script>alert(1)</script>");
  general.webui_url.set("https://a/?x=\"><b>");
  http::Response xml = get("/opensearch.xml");
  EXPECT_EQ(xml.body.find("<script"), std::string::npos);
  EXPECT_EQ(xml.body.find("<b>"), std::string::npos);
  EXPECT_NE(xml.body.find("&quot;&gt;&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(json::text_at(json_of(get("/manifest.json")), "name"), "\"><script>alert(1)</script>");
  EXPECT_EQ(json::text_at(json_of(get("/api/config")), "name"), "\"><script>alert(1)</script>");
}

TEST_P(Configs, MetricsAreForAdminsAndHoldersOfTheToken) {
  metrics.counter("n_total", "").only().add(2);
  EXPECT_EQ(get("/metrics").status, 401);
  EXPECT_EQ(get("/metrics", user()).status, 401);
  EXPECT_NE(get("/metrics", admin()).body.find("n_total 2"), std::string::npos);
  settings.metrics_token.set(Secret("t0ken"));
  http::Request r = request("GET", "/metrics");
  r.headers.add("Authorization", "Bearer t0ken");
  EXPECT_EQ(http::testing::serve(router, r)->status, 200);
  http::Request wrong = request("GET", "/metrics");
  wrong.headers.add("Authorization", "Bearer t0kem");
  EXPECT_EQ(http::testing::serve(router, wrong)->status, 401);
}

TEST_P(Configs, MetricsTellWhatTheDatabaseDoes) {
  add_store_metrics(metrics, *database.db, *store);
  run([&] { return store->set({{"ui.watermark", "x"}}); });
  std::string text = get("/metrics", admin()).body;
  EXPECT_EQ(text.find("antiphon_db_commits_total 0"), text.npos);
  EXPECT_NE(text.find("antiphon_config_version " + std::to_string(store->version())), text.npos);
}

TEST_P(Configs, TheDescriptionOfTheApiIsForAdminsUnlessSet) {
  EXPECT_EQ(get("/openapi.json").status, 401);
  EXPECT_EQ(get("/openapi.json", user()).status, 401);
  EXPECT_TRUE(json::find(json_of(get("/openapi.json", admin())), {"paths", "/api/config"}));
  settings.openapi_public.set(true);
  EXPECT_EQ(get("/openapi.json").status, 200);
}

TEST_P(Configs, PagesKeepUpstreamsShapes) {
  EXPECT_EQ(
      get("/api/v1/configs/connections", admin()).body,
      R"({"ENABLE_DIRECT_CONNECTIONS":false,"ENABLE_DIRECT_INTEGRATIONS":false,"ENABLE_BASE_MODELS_CACHE":false})");
  EXPECT_EQ(get("/api/v1/configs/models", admin()).body,
            R"({"DEFAULT_MODELS":null,"DEFAULT_PINNED_MODELS":null,"MODEL_ORDER_LIST":[],)"
            R"("DEFAULT_MODEL_METADATA":{},"DEFAULT_MODEL_PARAMS":{}})");
  EXPECT_EQ(get("/api/v1/configs/tool_servers", admin()).body, R"({"TOOL_SERVER_CONNECTIONS":[]})");
  http::Response r =
      post("/api/v1/configs/code_execution", R"({"ENABLE_CODE_EXECUTION":false})", admin());
  EXPECT_FALSE(json_of(r).at("ENABLE_CODE_EXECUTION").as_bool());
  EXPECT_FALSE(settings.code_execution());
}

TEST_P(Configs, BannersAndSuggestionsAreCheckedAndKept) {
  const char* banners =
      R"([{"id":"a","type":"info","title":null,"content":"Hi","dismissible":true,"timestamp":1,"i18n":null}])";
  EXPECT_EQ(post("/api/v1/configs/banners", "{\"banners\":" + std::string(banners) + "}", admin()).body,
            banners);
  EXPECT_EQ(get("/api/v1/configs/banners", user()).body, banners);
  EXPECT_EQ(get("/api/v1/configs/banners").status, 401);
  EXPECT_EQ(post("/api/v1/configs/banners", R"({"banners":[{"id":1}]})", admin()).status, 422);
  EXPECT_EQ(post("/api/v1/configs/suggestions",
                 R"({"suggestions":[{"title":["a","b"],"content":"c"}]})", admin())
                .body,
            R"({"suggestions":[{"title":["a","b"],"content":"c"}],"i18n":{}})");
  EXPECT_EQ(post("/api/v1/configs/interface/visibility", R"({"visibility":{"x":true}})", admin()).body,
            R"({"visibility":{"x":true}})");
}

TEST_P(Configs, AnExportGoesBackIn) {
  Value out = json_of(get("/api/v1/configs/export", admin()));
  EXPECT_EQ(json::text_at(out, "ui.default_user_role"), "pending");
  http::Response r = post(
      "/api/v1/configs/import",
      R"({"config":{"ui.default_user_role":"user","rag.top_k":5,"rag":{"nested":{"x":1}}}})", admin());
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(auth.default_user_role(), "user");
  EXPECT_EQ(json::int_at(json_of(r), "rag.top_k"), 5);
  EXPECT_EQ(json::int_at(json_of(r), "rag.nested.x"), 1);
  EXPECT_EQ(
      post("/api/v1/configs/import", R"({"config":{"ui":{"default_user_role":"admin"}}})", admin())
          .status,
      200);
  EXPECT_EQ(auth.default_user_role(), "admin");
  EXPECT_EQ(
      post("/api/v1/configs/import", R"({"config":{"ui.default_user_role":"god"}})", admin()).status,
      400);
  EXPECT_EQ(post("/api/v1/configs/import", R"({"config":[1]})", admin()).status, 400);
  EXPECT_EQ(keys_of(json_of(get("/api/v1/configs/namespace/rag", admin()))),
            (std::set<std::string>{"rag.top_k", "rag.nested.x"}));
}

TEST_P(Configs, AnEditorOfAnOldVersionIsRefused) {
  http::Response seen = get("/api/v1/configs/settings", admin());
  std::string etag = header(seen, "ETag");
  EXPECT_EQ(seen.body.find("\"value\":\"planted"), std::string::npos);
  EXPECT_EQ(
      post("/api/v1/configs/settings", R"({"changes":{"ui.watermark":"a"}})", admin(), etag).status,
      200);
  EXPECT_EQ(
      post("/api/v1/configs/settings", R"({"changes":{"ui.watermark":"b"}})", admin(), etag).status,
      412);
  EXPECT_EQ(general.response_watermark(), "a");
  EXPECT_EQ(post("/api/v1/configs/settings", R"({"reset":["ui.watermark"]})", admin()).status, 200);
  EXPECT_EQ(general.response_watermark(), "");
}

TEST_P(Configs, UsageMayBeKeptToAdmins) {
  EXPECT_EQ(get("/api/usage", user()).body, R"({"model_ids":["m"],"user_count":3})");
  settings.public_user_count.set(false);
  EXPECT_EQ(get("/api/usage", user()).status, 403);
  EXPECT_EQ(get("/api/usage", admin()).status, 200);
}

TEST_P(Configs, DocumentsAreJson) {
  EXPECT_EQ(json::text_at(json_of(get("/api/version")), "version"), "0.12.4");
  EXPECT_TRUE(json_of(get("/api/changelog")).is_object());
  EXPECT_TRUE(json_of(get("/api/version/updates", user())).is_object());
}

INSTANTIATE_TEST_SUITE_P(Engines, Configs, testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

}  // namespace
}  // namespace antiphon::configs

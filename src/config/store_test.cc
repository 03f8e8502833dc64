#include "config/store.h"

#include <thread>

#include "base/scope.h"
#include "config/admin_page.h"
#include "json/text.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::config {
namespace {

using namespace std::chrono_literals;

struct Choir : Group {
  Choir() : Group("Choir") {}
  Int voices = env("CHOIR_VOICES", 4).key("choir.voices").between(0, 100);
  Int soloists = env("CHOIR_SOLOISTS", 1).key("choir.soloists");
  SecretText code = env_secret("CHOIR_CODE").key("choir.code");
  List parts = env_list("CHOIR_PARTS", {}).key("choir.parts");

  void check(const Values& v) const override {
    if (soloists(v) > voices(v)) throw std::invalid_argument("more soloists than voices");
  }
};

struct Found {
  std::string value;
};
ANTIPHON_DTO(Found, value)
ANTIPHON_DTO_DEFINE(Found)

/// One replica: its settings over a database.
struct Replica {
  explicit Replica(store::Db& db, std::vector<std::pair<std::string, std::string>> env = {},
                   bool persistent = true, char key = 'k')
      : sealer({Secret(std::string(32, key))}),
        store(db, registered(std::move(env)), &sealer, persistent) {
    run([&] { return store.load(); });
  }
  Registry& registered(std::vector<std::pair<std::string, std::string>> env) {
    registry.add(choir);
    registry.load_env(env);
    return registry;
  }
  std::int64_t set(std::vector<Change> changes, std::optional<std::int64_t> expected = {}) {
    return run([&] { return store.set(changes, expected); });
  }
  Choir choir;
  Registry registry;
  AesSealer sealer;
  Store store;
};

class SettingsStore : public testing::TestWithParam<store::Engine> {
 protected:
  SettingsStore() : database(GetParam()) {
    for (const store::Migration& m : store::migrations)
      if (m.name.ends_with("_config")) database.script(store::sql_for(database->dialect(), m.text));
  }
  std::string row(const std::string& key) {
    auto found = run([&] { return database.db->first<Found>(kRow, key); });
    return found ? found->value : "";
  }
  static constexpr store::Sql kRow{"test_row", "SELECT value FROM config WHERE key = $1"};
  store::Store database;
};

TEST_P(SettingsStore, TheDatabaseBeatsTheEnvironmentAndSurvivesARestart) {
  {
    Replica one(*database.db, {{"CHOIR_VOICES", "7"}});
    EXPECT_EQ(one.choir.voices(), 7);
    one.set({{"choir.voices", 9}});
    EXPECT_EQ(one.choir.voices(), 9);
  }
  Replica again(*database.db, {{"CHOIR_VOICES", "7"}});
  EXPECT_EQ(again.choir.voices(), 9);
}

TEST_P(SettingsStore, TheEnvironmentWinsWhenAskedAndAChangeLastsUntilTheEnd) {
  Replica(*database.db).set({{"choir.voices", 9}});
  Replica stubborn(*database.db, {{"CHOIR_VOICES", "7"}}, false);
  EXPECT_EQ(stubborn.choir.voices(), 7);
  stubborn.set({{"choir.voices", 8}});
  EXPECT_EQ(stubborn.choir.voices(), 8);
  EXPECT_EQ(Replica(*database.db).choir.voices(), 9);
}

TEST_P(SettingsStore, AnotherReplicaFollows) {
  Replica one(*database.db), two(*database.db);
  std::vector<std::string> heard;
  two.store.on_change([&](const std::vector<std::string>& keys) { heard = keys; });
  one.set({{"choir.voices", 9}, {"choir.parts", json::Value{"a", "b"}}});
  EXPECT_EQ(two.choir.voices(), 4);
  run([&] { return two.store.refresh(); });
  EXPECT_EQ(two.choir.voices(), 9);
  EXPECT_EQ(two.choir.parts(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(heard, (std::vector<std::string>{"choir.parts", "choir.voices"}));
  EXPECT_EQ(one.store.version(), two.store.version());
}

TEST_P(SettingsStore, NothingIsWrittenUnlessEverythingFits) {
  Replica one(*database.db);
  Problem p = store::problem_of([&] {
    return one.store.set(
        {{"choir.parts", json::Value{"a"}}, {"choir.voices", 101}, {"choir.tenor", 1}});
  });
  EXPECT_EQ(p.status(), 400);
  EXPECT_EQ(p.detail(), "CHOIR_VOICES: expected a number from 0 to 100; choir.tenor is not a setting");
  EXPECT_TRUE(one.choir.parts().empty());
  EXPECT_EQ(row("choir.parts"), "");
  EXPECT_EQ(store::problem_of([&] { return one.store.set({{"choir.soloists", 5}}); }).detail(),
            "more soloists than voices");
}

TEST_P(SettingsStore, OfTwoEditorsOfOneVersionTheSecondIsRefused) {
  Replica one(*database.db), two(*database.db);
  std::int64_t version = one.store.version();
  EXPECT_EQ(one.store.etag(), "\"" + std::to_string(version) + "\"");
  EXPECT_EQ(one.set({{"choir.voices", 9}}, version), version + 1);
  EXPECT_EQ(store::problem_of([&] { return two.store.set({{"choir.voices", 10}}, version); }).status(),
            412);
  EXPECT_EQ(row("choir.voices"), "9");
}

TEST_P(SettingsStore, ResettingBringsTheEnvironmentBack) {
  Replica one(*database.db, {{"CHOIR_VOICES", "7"}});
  one.set({{"choir.voices", 9}});
  one.set({{.key = "choir.voices", .value = {}, .reset = true}});
  EXPECT_EQ(one.choir.voices(), 7);
  EXPECT_EQ(row("choir.voices"), "");
}

TEST_P(SettingsStore, SecretsAreUnreadableAtRest) {
  Replica one(*database.db);
  one.set({{"choir.code", "open sesame"}});
  EXPECT_EQ(row("choir.code").find("sesame"), std::string::npos);
  EXPECT_EQ(Replica(*database.db).choir.code().reveal(), "open sesame");
  Replica stranger(*database.db, {{"CHOIR_CODE", "mine"}}, true, 'x');
  EXPECT_EQ(stranger.choir.code().reveal(), "mine");
}

TEST_P(SettingsStore, RowsOfOpenWebuiAreReadAndForeignOnesKept) {
  database.script(R"(INSERT INTO config VALUES ('choir.voices', '"12"', 1), ('rag.top_k', '3', 1),
                     ('choir.parts', '{"not":"a list"}', 1), ('choir.code', '"plain"', 1))");
  Replica one(*database.db);
  EXPECT_EQ(one.choir.voices(), 12);
  EXPECT_TRUE(one.choir.parts().empty());
  EXPECT_EQ(one.choir.code().reveal(), "plain");
  json::Value rows = run([&] { return one.store.export_rows(); });
  EXPECT_EQ(json::int_at(rows, "rag.top_k"), 3);
  EXPECT_EQ(json::text_at(rows, "choir.code"), "plain");
}

TEST_P(SettingsStore, AnExportCanBeImportedElsewhere) {
  Replica one(*database.db);
  one.set({{"choir.voices", 9}, {"choir.code", "secret"}});
  json::Value rows = run([&] { return one.store.export_rows(); });
  store::Store other(GetParam());
  for (const store::Migration& m : store::migrations)
    if (m.name.ends_with("_config")) other.script(store::sql_for(other->dialect(), m.text));
  Replica two(*other.db, {}, true, 'x');
  run([&] { return two.store.import_rows(rows); });
  EXPECT_EQ(two.choir.voices(), 9);
  EXPECT_EQ(two.choir.code().reveal(), "secret");
}

TEST_P(SettingsStore, AnAdminPageShowsAndTakesVariablesByName) {
  Replica one(*database.db);
  AdminPage page(one.store, {one.choir.voices, {one.choir.parts, "PARTS"}});
  EXPECT_EQ(json::serialize(page.show()), R"({"CHOIR_VOICES":4,"PARTS":[]})");
  json::Value body = *json::try_parse(R"({"CHOIR_VOICES":5,"choir.code":"x","CHOIR_CODE":"x"})");
  EXPECT_EQ(json::serialize(run([&] { return page.change(body); })),
            R"({"CHOIR_VOICES":5,"PARTS":[]})");
  EXPECT_TRUE(one.choir.code().empty());
  json::Value bad = *json::try_parse(R"({"CHOIR_VOICES":"x","PARTS":3})");
  Problem p = store::problem_of([&] { return page.change(bad); });
  EXPECT_EQ(p.status(), 422);
  EXPECT_NE(p.detail_json().find(R"("loc":["body","PARTS"])"), std::string::npos);
  EXPECT_EQ(store::problem_of([&] { return page.change(body, "\"99\""); }).status(), 412);
  EXPECT_EQ(store::problem_of([&] { return page.change(body, "nonsense"); }).status(), 400);
}

INSTANTIATE_TEST_SUITE_P(Engines, SettingsStore, testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

}  // namespace
}  // namespace antiphon::config

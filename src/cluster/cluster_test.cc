#include <gtest/gtest.h>

#include <set>

#include "base/scope.h"
#include "cluster/clock.h"
#include "cluster/codes.h"
#include "cluster/connections.h"
#include "cluster/environment.h"
#include "cluster/keys.h"
#include "cluster/preflight.h"
#include "cluster/queue.h"
#include "cluster/seals.h"
#include "json/json.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::cluster {
namespace {

using store::Engine;

struct Choir : config::Group {
  Choir() : Group("Choir") {}
  config::Int voices = env("CHOIR_VOICES", 4).key("choir.voices");
  config::SecretText password = env_secret("CHOIR_PASSWORD").key("choir.password");
  config::Bool loud = env("CHOIR_LOUD", false).cluster_wide();
  config::Text room = env("CHOIR_ROOM", "");
};

/// A node's settings, as its environment has them.
struct Environs {
  explicit Environs(const std::vector<std::pair<std::string, std::string>>& env) {
    registry.add(choir);
    registry.load_env(env);
  }
  Choir choir;
  config::Registry registry;
};

Key key(const std::string& name, const std::string& source = "WEBUI_SECRET_KEY") {
  return {.fingerprint = name, .source = source, .hashing = Secret("secret of " + name)};
}

Node node(const std::string& name, const std::vector<Key>& ring, std::int64_t connections = 3) {
  Node out;
  out.node_id = out.name = name;
  out.connections = connections;
  out.secret_keys = fingerprints_of(ring);
  return out;
}

std::vector<std::string> differing(const Environs& here, const Environs& there,
                                   const std::vector<std::string>& stored = {}) {
  std::vector<Key> ring{key("k")};
  Node other = node("other", ring);
  other.settings = json::dump(environment_of(there.registry, ring.front()));
  std::vector<std::string> out;
  for (Disagreement& d : disagreements(here.registry, ring, {other}, stored)) out.push_back(d.setting);
  return out;
}

TEST(Codes, EachIsThereOnceAndHasACure) {
  std::set<std::string_view> ids;
  for (const Code& code : codes()) {
    EXPECT_TRUE(ids.insert(code.id).second) << code.id;
    EXPECT_FALSE(code.cure.empty()) << code.id;
    EXPECT_NE(codes_markdown().find("| " + std::string(code.id) + " |"), std::string::npos);
  }
  EXPECT_EQ(said(kClockIsOff, "It is late"), "AP-004 It is late. " + std::string(kClockIsOff.cure));
}

TEST(Clock, IsOffOnlyBeyondWhatTheRoundTripMayHide) {
  using std::chrono::milliseconds;
  EXPECT_TRUE((Skew{milliseconds(-603'000), milliseconds(1)}.exceeds(kSkewRefuses)));
  EXPECT_FALSE((Skew{milliseconds(900), milliseconds(500)}.exceeds(kSkewWarns)));
  EXPECT_EQ((Skew{milliseconds(-603'000), {}}.sentence()),
            "This machine's clock is 10 min 3 s behind the database's");
  EXPECT_EQ((Skew{milliseconds(1'250), {}}.sentence()),
            "This machine's clock is 1 s 250 ms ahead of the database's");
  EXPECT_EQ(duration_words(milliseconds(0)), "0 ms");
}

TEST(Connections, AreAddedUpAndTheNarrowestLimitCounts) {
  std::vector<Node> others{node("a", {}, 3), node("b", {}, 3), node("c", {}, 5)};
  ConnectionLimits limits{.most = 20, .reserved = 3, .of_database = -1, .of_role = -1, .others = 0};

  Arithmetic fits(limits, others, 5);
  limits.of_role = 15;
  Arithmetic narrow(limits, others, 5);

  EXPECT_EQ(fits.wanted, 16);
  EXPECT_TRUE(fits.fits());
  EXPECT_TRUE(fits.nearly());
  EXPECT_EQ(fits.text,
            "max_connections 20 - 3 reserved = 17; 2 nodes × 3 + 1 node × 5 + 5 of this node = 16");
  EXPECT_FALSE(narrow.fits());
}

TEST(Queue, IsWarnedOfFromATenthOnAndSaysWho) {
  EXPECT_FALSE((NotifyQueue{.used = 0.1}.fills()));
  NotifyQueue queue{.used = 0.25, .oldest = "process 7 (psql, user ann, database shop), 90 s old"};
  EXPECT_TRUE(queue.fills());
  EXPECT_NE(queue.sentence().find("25 % full"), std::string::npos);
  EXPECT_NE(queue.sentence().find("process 7 (psql"), std::string::npos);
  EXPECT_NE((NotifyQueue{.used = 0.25}.sentence().find("pg_monitor")), std::string::npos);
}

TEST(Queue, IsAskedForOnPostgresOnly) {
  for (store::Engine engine : store::engines()) {
    store::Store store(engine);
    auto queue = run([&] { return notify_queue(*store.db); });
    EXPECT_EQ(queue.has_value(), engine == store::Engine::postgres);
    if (queue) EXPECT_LE(queue->used, 1);
  }
}

TEST(Environment, DiffersOnlyInWhatAllNodesShare) {
  Environs plain({}), seven({{"CHOIR_VOICES", "7"}}), four({{"CHOIR_VOICES", "4"}});
  Environs loud({{"CHOIR_LOUD", "true"}}), room({{"CHOIR_ROOM", "vestry"}});
  Environs one({{"CHOIR_PASSWORD", "one"}}), two({{"CHOIR_PASSWORD", "two"}});
  using Names = std::vector<std::string>;

  EXPECT_EQ(differing(plain, seven), Names{"CHOIR_VOICES"});
  EXPECT_EQ(differing(seven, plain), Names{"CHOIR_VOICES"});
  EXPECT_EQ(differing(plain, four), Names{}) << "the default, said aloud";
  EXPECT_EQ(differing(plain, loud), Names{"CHOIR_LOUD"});
  EXPECT_EQ(differing(plain, room), Names{}) << "its own affair";
  EXPECT_EQ(differing(one, two), Names{"CHOIR_PASSWORD"});
  EXPECT_EQ(differing(one, one), Names{});
  EXPECT_EQ(differing(plain, seven, {"choir.voices"}), Names{}) << "the database has a value";
}

TEST(Environment, SaysNothingOfTheValues) {
  Environs secret({{"CHOIR_PASSWORD", "soprano"}});

  std::string text = json::dump(environment_of(secret.registry, key("k")));

  EXPECT_EQ(text.find("soprano"), std::string::npos);
  EXPECT_NE(text, json::dump(environment_of(secret.registry, key("other"))));
}

class ClusterStore : public testing::TestWithParam<Engine> {
 protected:
  ClusterStore() : store(GetParam()) {
    run([&] { return store::migrate(*store.db); });
  }
  std::size_t agreed(const std::vector<Key>& ring, const std::vector<Node>& others,
                     const std::string& name = "me") {
    std::size_t out = 99;
    run([&]() -> Task<> {
      co_await store.db->transact(
          [&](store::Connection& tx) -> Task<> { out = co_await agree(tx, ring, others, name); });
    });
    return out;
  }
  std::vector<ClusterKey> known() {
    return run([&] { return cluster_keys(*store.db); });
  }
  store::Store store;
};

TEST_P(ClusterStore, TheFirstKeyIsTheClustersUntilEveryNodePrefersAnother) {
  std::vector<Key> old{key("old")}, rotating{key("new"), key("old", "ANTIPHON_SECRET_KEYS")};

  EXPECT_EQ(agreed(old, {}), 0u);
  EXPECT_EQ(agreed(rotating, {node("a", old)}), 1u) << "a would not know the new one";
  EXPECT_EQ(agreed(rotating, {node("a", {})}), 1u) << "nobody knows what a knows";
  EXPECT_EQ(agreed(rotating, {node("a", rotating)}, "last"), 0u);
  EXPECT_EQ(agreed({key("old"), key("new")}, {node("a", rotating)}), 1u) << "nor does one turn it back";

  ASSERT_EQ(known().size(), 2u);
  EXPECT_EQ(known().front().set_by, "last");
}

TEST_P(ClusterStore, AnotherKeyIsRefusedByBothFingerprints) {
  agreed({key("ours")}, {}, "web-1");

  Problem refused = store::problem_of([&]() -> Task<> {
    co_await store.db->transact([&](store::Connection& tx) -> Task<> {
      (void)co_await agree(tx, {key("foreign")}, {}, "web-2");
    });
  });

  EXPECT_EQ(refused.detail().substr(0, 6), "AP-001");
  for (const char* part : {"foreign", "ours", "WEBUI_SECRET_KEY", "web-1"})
    EXPECT_NE(refused.detail().find(part), std::string::npos) << part;
}

TEST_P(ClusterStore, AForgottenKeyMakesRoomForTheNext) {
  agreed({key("lost")}, {});

  EXPECT_FALSE(run([&] { return forget_key(*store.db, "other"); }));
  EXPECT_TRUE(run([&] { return forget_key(*store.db, "lost"); }));

  EXPECT_EQ(agreed({key("next")}, {}), 0u);
  EXPECT_EQ(known().size(), 1u);
}

TEST_P(ClusterStore, WhatAnEarlierKeySealedIsSealedAgainAndWhatNoneOpensIsNamed) {
  auto sealer_of = [](const std::string& letters) {
    std::vector<Secret> keys;
    for (char letter : letters) keys.emplace_back(std::string(32, letter));
    return std::make_unique<config::AesSealer>(std::move(keys));
  };
  auto old = sealer_of("o"), both = sealer_of("no"), fresh = sealer_of("n");
  constexpr store::Sql kPut{"test.put",
                            "INSERT INTO config (key, value, updated_at) VALUES ($1, $2, 0)"};
  run([&]() -> Task<> {
    for (std::string name : {"a", "b"})
      co_await store.db->run(kPut, name, R"({"$sealed":")" + old->seal(name, "\"x\"") + "\"}");
    co_await store.db->run(kPut, "open", "7");
  });
  Scope scope;

  auto lost = run([&] { return unopened(*store.db, *fresh); });
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(complaint(lost), "2 settings (a, b) were sealed with a key that this node does not have");
  EXPECT_EQ(run([&] { return seal_again(*store.db, *both, scope); }), 2u);
  EXPECT_EQ(run([&] { return seal_again(*store.db, *both, scope); }), 0u);
  EXPECT_TRUE(run([&] { return unopened(*store.db, *fresh); }).empty());
  EXPECT_EQ(run([&] { return drop_unopened(*store.db, *old); }), 2u);
}

INSTANTIATE_TEST_SUITE_P(Engines, ClusterStore, testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

}  // namespace
}  // namespace antiphon::cluster

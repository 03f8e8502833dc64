#include <csignal>

#include "app/application.h"
#include "base/ids.h"
#include "base/log.h"

/// This process among the others of its database.
namespace antiphon::app {

using namespace std::chrono_literals;

namespace {

constexpr auto kLookAtVersions = 2s;    ///< Well below how long a change is written down before.
constexpr int kLookForContracts = 300;  ///< Of those looks one.

Problem too_old(const std::string& needed) {
  std::string own(kAntiphonVersion);
  return Problem(Problem::Kind::unavailable, "The database needs version " + needed +
                                                 " or later, and this is " + own + ". Start version " +
                                                 needed + " or later.")
      .because("cluster.min_compatible is " + needed);
}

}  // namespace

/// Once this process is in the table of nodes, and before it serves.
Task<> App::join_others() {
  co_await member.join(runs.node_id());
  member.follow(scope, loops.at(0));
  // Registered, and only then looked: a contract step that was about to begin sees this replica, or it
  // sees the step.
  co_await announced.refresh();
  if (!announced.too_old_for().empty()) throw too_old(announced.too_old_for());
}

/// Keeps what is announced current, and takes the contract steps that may be taken by now. Replicas do
/// not start their counts together, and whoever comes second finds nothing to do.
Task<> App::follow_versions() {
  if (db->dialect() == store::Dialect::sqlite) co_return;  // One process: as it is when it starts.
  auto round = static_cast<unsigned char>(random_bytes(1)[0]);
  bool look = true;
  for (int i = round; co_await scope.rest(kLookAtVersions); ++i) try {
      look = announced.changed.take() || look;
      if (look) co_await announced.refresh();
      look = false;
      if (!announced.too_old_for().empty()) {
        // It was away for so long that the others took it for dead.
        log::error("Stopping", {{"detail", too_old(announced.too_old_for()).detail()}});
        std::raise(SIGTERM);
        co_return;
      }
      if (i % kLookForContracts == 0 && declared.process.migrations())
        (void)co_await store::migrate(*db, upgrade_of(declared.process));
    } catch (const Problem& p) {
      log::warn("The versions of the replicas are not known", {{"cause", p.cause()}});
    }
}

/// Where polls of another replica's sessions go: the one whose id begins so.
Task<std::optional<std::string>> App::address_of_node(std::string name) {
  for (cluster::Node& node : co_await cluster::living(*db, runs.node_id()))
    if (node.node_id.starts_with(name) && !node.advertise.empty()) co_return std::move(node.advertise);
  co_return std::nullopt;
}

/// What an administrator may want to know of this process among the others.
Task<std::vector<cluster::ClusterFact>> App::facts() {
  std::vector<cluster::ClusterFact> out{{"Files", blobs.place()}};
  if (!bus.alone())
    out.push_back({"Events of other replicas",
                   bus.hears() ? "heard as they happen" : "looked for, several times a second"});
  if (auto redis = bus.redis()) out.push_back({"Redis", said_of_redis(*redis)});
  co_return out;
}

/// What one replica changes, the others look at when they hear of it; what was not heard the heartbeat
/// finds.
void App::follow_others() {
  runs.relay_by(relay);
  runs.session_by(
      [this] {
        return bus.hears() ? std::optional(runs::Runs::Session{bus.session_key(), bus.hearing_since()})
                           : std::nullopt;
      },
      [this] { bus.reconnect(); });
  bus.on_redis(log_redis);
  if (bus.alone() && declared.redis.address().wanted())
    log::info("Redis is not needed: on SQLite there is one process, which has nobody to tell");
  runs.on_company([this](std::size_t others) { bus.company(others); });
  runs.on_return([this] { bus.came_back(); });
  auto when_told = [this](std::string_view topic, std::string name, std::function<Task<>()> look) {
    auto start = [this, name, look] {
      scope.start(loops.at(0), name, [look]() -> Task<> {
        try {
          co_await look();
        } catch (const Problem& p) {
          log::warn("What another replica changed could not be read yet", {{"cause", p.cause()}});
        }
      });
    };
    bus.on(std::string(topic), [start](std::string_view) { start(); });
    bus.on_missed(start);
    return start;
  };
  auto look_at_settings =
      when_told("settings", "settings changed elsewhere", [this] { return config.refresh(); });
  auto look_at_identities = when_told("identities", "identities changed elsewhere",
                                      [this] { return auth.principals.catch_up(); });
  runs::Heartbeat& beat = runs.heartbeat();
  beat.ask(config::Store::kCurrent, [this, look_at_settings](std::int64_t version) {
    if (config.persistent() && version != config.version()) look_at_settings();
  });
  beat.ask(auth::Principals::kCurrent, [this, look_at_identities](std::int64_t version) {
    if (!auth.principals.knows(version)) look_at_identities();
  });
  beat.ask(jobs::Jobs::kDue, [this](std::int64_t due) {
    if (due != 0) jobs.wake();
  });
  beat.ask(store::Announced::kCurrent, [this](std::int64_t v) { announced.changed.heard(v); });
  beat.ask(cluster::Member::kCurrent, [this](std::int64_t v) { member.changed.heard(v); });
  bus.on(std::string(runs::Relay::kLook), [this](std::string_view) { runs.look(); });
  member.also([this] { return facts(); });
  config.on_written([this] { bus.send("settings"); });
  auth.principals.on_committed([this] { bus.send("identities"); });
}

}  // namespace antiphon::app

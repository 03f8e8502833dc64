#include "cluster/member.h"

#include <algorithm>

#include "base/log.h"
#include "base/problem.h"
#include "cluster/environment.h"
#include "cluster/queue.h"
#include "cluster/seals.h"
#include "json/json.h"
#include "store/now.h"

namespace antiphon::cluster {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 1s;
constexpr auto kWatchAnyhow = 60s;

std::vector<Node> without(std::vector<Node> nodes, const std::string& id) {
  std::erase_if(nodes, [&](const Node& n) { return n.node_id == id; });
  return nodes;
}

}  // namespace

constexpr store::Sql Member::kCurrent{"", "", R"(
    SELECT hashtext(concat(c.secret_keys,
                           (SELECT string_agg(concat(node_id, secret_keys), ' ' ORDER BY node_id)
                              FROM node
                             WHERE lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"()))
      FROM cluster c
     WHERE c.id = 1)"};

Member::Member(Parts parts, Self self, std::vector<Key> ring)
    : parts_(std::move(parts)),
      self_(std::move(self)),
      ring_(std::move(ring)),
      skew_gauge_(parts_.metrics
                      .gauge("antiphon_clock_skew_seconds",
                             "How far this machine's clock is ahead of the database's.")
                      .only()),
      nodes_gauge_(
          parts_.metrics.gauge("antiphon_cluster_nodes", "Processes on this database that live.")
              .only()) {}

Node Member::own_row() const {
  std::scoped_lock lock(mutex_);
  Node row;
  row.node_id = node_id_;
  row.name = self_.name;
  row.version = self_.version;
  row.advertise = self_.advertise;
  row.state = state_;
  row.connections = self_.connections;
  row.skew_ms = skew_ ? skew_->ahead.count() : 0;
  row.secret_keys = fingerprints_of(ring_);
  row.settings = json::dump(environment_of(parts_.registry, ring_.at(signing_)));
  return row;
}

void Member::use_key(std::size_t index) {
  signing_ = index;
  parts_.sealer.seal_with(index);
  parts_.sign_with(index);
}

Task<> Member::join(std::string node_id) {
  {
    std::scoped_lock lock(mutex_);
    node_id_ = node_id;
    state_ = "serving";
  }
  if (auto skew = co_await measure_skew(parts_.db)) {
    std::scoped_lock lock(mutex_);
    skew_ = skew;
    skew_gauge_.set(static_cast<double>(skew->ahead.count()) / 1000);
  }
  co_await parts_.db.transact([&](store::Connection& tx) -> Task<> {
    // Its lock makes those that join at the same time come one after the other.
    (void)co_await cluster_keys(tx, true);
    std::vector<Node> others = without(co_await living(tx, node_id), node_id);
    use_key(co_await agree(tx, ring_, others, self_.name));
    std::vector<std::string> stored;
    if (parts_.persistent) stored = co_await stored_settings(tx);
    auto different = disagreements(parts_.registry, ring_, others, stored);
    if (!different.empty())
      throw Problem(Problem::Kind::unavailable, said(kSettingsDiffer, complaint(different)));
    (void)co_await describe(tx, own_row());
  });
}

void Member::follow(Scope& scope, Executor where) {
  scope.start(where, "the cluster", [this, &scope]() -> Task<> {
    auto seen = std::chrono::steady_clock::now();
    // Once at the start: what an earlier process left unfinished, or a new key brings with it.
    bool keys = true;
    do {
      bool clock = std::chrono::steady_clock::now() - seen >= kWatchAnyhow;
      if (clock) seen = std::chrono::steady_clock::now();
      keys = changed.take() || keys || clock;
      try {
        if (clock) co_await watch_clock();
        if (clock) co_await watch_queue();
        if (keys) co_await watch_keys(scope);
        keys = false;
      } catch (const Problem& p) {
        log::warn("The cluster could not be watched", {{"detail", p.detail()}, {"cause", p.cause()}});
      }
    } while (co_await scope.rest(kLook));
  });
}

Task<> Member::watch_clock() {
  std::optional<Skew> skew = co_await measure_skew(parts_.db);
  if (!skew) co_return;
  {
    std::scoped_lock lock(mutex_);
    skew_ = skew;
  }
  skew_gauge_.set(static_cast<double>(skew->ahead.count()) / 1000);
  bool off = skew->exceeds(kSkewWarns);
  if (off)
    log::warn("The clock is off", {{"said", said(kClockIsOff, skew->sentence())}});
  else if (warned_of_clock_)
    log::info("The clock is right again");
  warned_of_clock_ = off;
  (void)co_await describe(parts_.db, own_row());
}

Task<> Member::watch_queue() {
  std::optional<NotifyQueue> queue = co_await notify_queue(parts_.db);
  if (!queue) co_return;
  if (queue->fills())
    log::warn("Notifications pile up", {{"said", said(kQueueFills, queue->sentence())}});
  else if (warned_of_queue_)
    log::info("Notifications are read again");
  warned_of_queue_ = queue->fills();
}

Task<> Member::watch_keys(const Scope& scope) {
  Node own = own_row();
  std::vector<Node> nodes = co_await living(parts_.db, own.node_id);
  nodes_gauge_.set(static_cast<double>(nodes.size()));
  auto row = std::ranges::find(nodes, own.node_id, &Node::node_id);
  // Its row was taken away during an outage, and runs/ made it anew.
  if (row != nodes.end() && row->secret_keys.empty()) (void)co_await describe(parts_.db, own);
  std::optional<std::size_t> key = in_use(ring_, co_await cluster_keys(parts_.db));
  if (!key) {
    log::error("The cluster uses another secret key now",
               {{"said", said(kSecretDiffers, difference(ring_, co_await cluster_keys(parts_.db)))}});
    co_return;
  }
  if (*key != 0)
    co_await parts_.db.transact([&](store::Connection& tx) -> Task<> {
      (void)co_await cluster_keys(tx, true);
      key =
          co_await agree(tx, ring_, without(co_await living(tx, own.node_id), own.node_id), self_.name);
    });
  bool changed = *key != signing_;
  if (changed) use_key(*key);
  if (changed) (void)co_await describe(parts_.db, own_row());
  (void)co_await seal_again(parts_.db, parts_.sealer, scope);
}

Task<> Member::leaving() {
  {
    std::scoped_lock lock(mutex_);
    if (node_id_.empty()) co_return;
    state_ = "stopping";
  }
  (void)co_await describe(parts_.db, own_row());
}

Task<std::vector<std::string>> Member::why_not_ready() {
  std::vector<std::string> why;
  std::optional<Skew> skew;
  std::string id;
  {
    std::scoped_lock lock(mutex_);
    skew = skew_;
    id = node_id_;
  }
  if (skew && skew->exceeds(kSkewRefuses)) why.push_back(said(kClockIsOff, skew->sentence()));
  if (id.empty() || parts_.db.dialect() == store::Dialect::sqlite) co_return why;
  std::vector<Node> nodes = co_await living(parts_.db, id);
  auto own = std::ranges::find(nodes, id, &Node::node_id);
  if (own == nodes.end() || own->lease_left < 0)
    why.push_back(said(kLeaseLost, "This node's lease has run out"));
  co_return why;
}

}  // namespace antiphon::cluster

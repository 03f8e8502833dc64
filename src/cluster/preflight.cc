#include "cluster/preflight.h"

#include <algorithm>
#include <iterator>

#include "base/async.h"
#include "base/problem.h"
#include "cluster/clock.h"
#include "cluster/connections.h"
#include "cluster/environment.h"
#include "cluster/queue.h"
#include "cluster/seals.h"
#include "store/pooler.h"

namespace antiphon::cluster {

struct Deployment {
  std::string id;
};
ANTIPHON_DTO(Deployment, id)
ANTIPHON_DTO_DEFINE(Deployment)

namespace {

constexpr store::Sql kDeployment{"cluster.deployment",
                                 "SELECT deployment_id AS id FROM cluster WHERE id = 1"};

Task<> check_keys(Findings& out, const Agreement& with) {
  std::vector<ClusterKey> known = co_await cluster_keys(with.db);
  std::optional<std::size_t> current = in_use(with.ring, known);
  if (!current || with.ring.empty()) {
    out.refuse("secret key", kSecretDiffers, difference(with.ring, known));
    co_return;
  }
  const Key& key = with.ring[*current];
  std::string until =
      *current == 0 ? "" : ", until every node prefers " + with.ring.front().fingerprint;
  out.good("secret key", "signs with " + key.fingerprint + ", from " + key.source + until);
  std::vector<Unopened> lost = co_await unopened(with.db, *with.sealer);
  if (lost.empty())
    out.good("sealed", "every sealed value opens");
  else
    out.refuse("sealed", kSealedByLostKey, complaint(lost));
}

Task<> check_clock(Findings& out, store::Db& db) {
  std::optional<Skew> skew = co_await measure_skew(db);
  if (!skew) co_return;
  if (skew->exceeds(kSkewRefuses))
    out.refuse("clock", kClockIsOff, skew->sentence());
  else if (skew->exceeds(kSkewWarns))
    out.warn("clock", kClockIsOff, skew->sentence());
  else
    out.good("clock", std::to_string(skew->ahead.count()) + " ms from the database's, give or take " +
                          std::to_string(skew->doubt.count()));
}

/// What the nodes that live now say against this one.
Task<> check_others(Findings& out, const Agreement& with) {
  std::vector<Node> others = co_await living(with.db, "");
  if (auto limits = co_await connection_limits(with.db))
    judge(out, Arithmetic(*limits, others, with.self.connections));
  std::vector<std::string> stored;
  if (with.persistent) stored = co_await stored_settings(with.db);
  auto different = disagreements(with.registry, with.ring, others, stored);
  if (!different.empty())
    out.refuse("environment", kSettingsDiffer, complaint(different));
  else if (with.db.dialect() == store::Dialect::postgres)
    out.good("environment", "agrees with " + std::to_string(others.size()) + " other node(s)");
}

bool refuses(const Findings& findings) {
  return std::ranges::any_of(findings.all,
                             [](const Finding& f) { return f.level == Finding::Level::refusal; });
}

}  // namespace

void check_route(Findings& out, const Route& route) {
  store::Pooling main = store::probe_pooling(route.url);
  if (main.forgets_prepared) {
    out.refuse("pooler", kPoolerForgets,
               "DATABASE_URL goes through a pooler that forgets what is prepared");
  } else if (main.by_transaction && route.direct_url.empty() && !route.polls) {
    out.refuse("pooler", kTransactionPooler, "DATABASE_URL goes through a transaction pooler");
  } else if (main.by_transaction) {
    out.good("pooler", route.polls ? "by transaction; other nodes' events are polled for"
                                   : "by transaction; LISTEN goes past it");
  }
  if (!route.direct_url.empty() && store::probe_pooling(route.direct_url).by_transaction)
    out.refuse("direct", kDirectUrl, "ANTIPHON_PG_DIRECT_URL goes through a transaction pooler too");
}

Task<> check_direct(Findings& out, const Route& route, store::Db& db) {
  if (route.direct_url.empty() || db.dialect() == store::Dialect::sqlite) co_return;
  std::optional<Deployment> ours = co_await db.first<Deployment>(kDeployment);
  std::string theirs;
  try {
    theirs = store::ask_once(route.direct_url, std::string(kDeployment.text));
  } catch (const Problem& p) {
    theirs = p.cause();
  }
  if (ours && theirs == ours->id)
    out.good("direct", "leads to the same database");
  else
    out.refuse("direct", kDirectUrl,
               "ANTIPHON_PG_DIRECT_URL does not lead to the database of DATABASE_URL");
}

Task<Findings> check_agreement(Agreement with) {
  Findings out;
  co_await check_keys(out, with);
  co_await check_clock(out, with.db);
  if (auto queue = co_await notify_queue(with.db); queue && queue->fills())
    out.warn("notifications", kQueueFills, queue->sentence());
  auto end = std::chrono::steady_clock::now() + kLeaseRunsOut;
  for (;;) {
    Findings said_by_others;
    co_await check_others(said_by_others, with);
    if (!refuses(said_by_others) || std::chrono::steady_clock::now() > end) {
      std::ranges::move(said_by_others.all, std::back_inserter(out.all));
      co_return out;
    }
    co_await sleep_for(std::chrono::milliseconds(500));
  }
}

}  // namespace antiphon::cluster

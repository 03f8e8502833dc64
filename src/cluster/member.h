#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/changed.h"
#include "base/metrics.h"
#include "base/scope.h"
#include "cluster/clock.h"
#include "cluster/overview.h"
#include "cluster/preflight.h"

namespace antiphon::cluster {

/// This process as one of the cluster's nodes: says what it is, agrees with the others, watches its
/// clock and its lease. Any thread.
class Member {
 public:
  struct Parts {
    store::Db& db;
    const config::Registry& registry;
    bool persistent;
    config::AesSealer& sealer;
    std::function<void(std::size_t)> sign_with;  ///< The place in the ring of the key that signs now.
    metrics::Registry& metrics;
  };
  Member(Parts parts, Self self, std::vector<Key> ring);

  /// Once the node has its row and before it serves: tells the others, and throws a Problem where they
  /// disagree. Of two that start together and disagree one at least is refused.
  Task<> join(std::string node_id);
  /// Watches until the scope closes: keys when `changed` has heard of another value, and they and the
  /// clock every minute.
  void follow(Scope& scope, Executor where);
  /// Yields a number that is another when there is something to watch, for whoever asks several things
  /// at once.
  static const store::Sql kCurrent;
  Changed changed;  ///< Told what that yields.
  /// Lets another part add facts to the overview. Before serving.
  void also(std::function<Task<std::vector<ClusterFact>>()> look) { also_.push_back(std::move(look)); }
  /// The others see that it takes no new work.
  Task<> leaving();

  /// With its code; empty when nothing speaks against serving. A round trip, on PostgreSQL.
  Task<std::vector<std::string>> why_not_ready();
  Task<ClusterOverview> overview();

 private:
  Task<> watch_clock();
  Task<> watch_queue();
  Task<> watch_keys(const Scope& scope);
  void use_key(std::size_t index);
  Node own_row() const;

  Parts parts_;
  Self self_;
  std::vector<Key> ring_;
  std::vector<std::function<Task<std::vector<ClusterFact>>()>> also_;  ///< Fixed once serving.
  metrics::Gauge& skew_gauge_;
  metrics::Gauge& nodes_gauge_;
  mutable std::mutex mutex_;
  std::string node_id_;           ///< Guarded by mutex_.
  std::string state_;             ///< Guarded by mutex_.
  std::optional<Skew> skew_;      ///< Guarded by mutex_.
  bool warned_of_clock_ = false;  ///< Of the watching task only.
  bool warned_of_queue_ = false;  ///< Of the watching task only.
  std::atomic<std::size_t> signing_ = 0;
};

}  // namespace antiphon::cluster

#include "features/configs/store_metrics.h"

namespace antiphon::configs {

void add_store_metrics(metrics::Registry& registry, const store::Db& db, const config::Store& config) {
  auto counter = [&](const char* name, const char* help) {
    return &registry.counter(name, help).only();
  };
  metrics::Counter* statements = counter("antiphon_db_statements_total", "Statements run.");
  metrics::Counter* errors = counter("antiphon_db_errors_total", "Statements that failed.");
  metrics::Counter* slow = counter("antiphon_db_slow_total", "Statements above 250 ms.");
  metrics::Counter* commits = counter("antiphon_db_commits_total", "Transactions made durable.");
  metrics::Counter* writes =
      counter("antiphon_db_writes_total", "Writes that those transactions held.");
  metrics::Counter* reconnects =
      counter("antiphon_db_reconnects_total", "Connections made again after a loss.");
  metrics::Gauge* waiting =
      &registry.gauge("antiphon_db_waiting", "Statements not answered yet.").only();
  metrics::Gauge* version =
      &registry
           .gauge("antiphon_config_version", "Version of the settings that this process has applied.")
           .only();
  registry.before_scrape([=, &db, &config] {
    store::Statistics now = db.stats();
    auto raise = [](metrics::Counter* to, std::int64_t n) {
      to->raise_to(static_cast<std::uint64_t>(n));
    };
    raise(statements, now.statements);
    raise(errors, now.errors);
    raise(slow, now.slow);
    raise(commits, now.commits);
    raise(writes, now.jobs);
    raise(reconnects, now.reconnects);
    waiting->set(static_cast<double>(now.waiting));
    version->set(static_cast<double>(config.version()));
  });
}

}  // namespace antiphon::configs

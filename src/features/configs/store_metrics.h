#pragma once

#include "base/metrics.h"
#include "config/store.h"
#include "store/db.h"

namespace antiphon::configs {

/// Puts what the database counts, and the version of the settings, into /metrics. All outlive the
/// registry.
void add_store_metrics(metrics::Registry& registry, const store::Db& db, const config::Store& config);

}  // namespace antiphon::configs

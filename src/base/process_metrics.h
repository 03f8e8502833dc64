#pragma once

namespace antiphon::metrics {

class Registry;

/// What every Prometheus client says of its process: memory, processor time, descriptors, threads,
/// start.
void add_process_metrics(Registry& registry);

}  // namespace antiphon::metrics

#pragma once

#include <cstddef>

namespace antiphon::metrics {

class Registry;

/// What every Prometheus client says of its process: memory, processor time, descriptors, threads,
/// start.
void add_process_metrics(Registry& registry);

/// Physical memory that the process has now; 0 when the system does not say.
std::size_t resident_bytes();

}  // namespace antiphon::metrics

#pragma once

#include <string>
#include <vector>

namespace bench {

/// `"name":{"p50":…,"p99":…,"max":…}`, in milliseconds.
std::string spread(const char* name, std::vector<double> milliseconds);

/// Processor seconds of this process so far.
double cpu_seconds();

}  // namespace bench

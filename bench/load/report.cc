#include "report.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>

namespace bench {

std::string spread(const char* name, std::vector<double> all) {
  if (all.empty()) return fmt::format("\"{}\":null", name);
  std::sort(all.begin(), all.end());
  auto at = [&](double part) {
    auto place = static_cast<std::size_t>(std::ceil(part * static_cast<double>(all.size())));
    return all[std::clamp<std::size_t>(place, 1, all.size()) - 1];
  };
  return fmt::format("\"{}\":{{\"p50\":{:.3f},\"p90\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}}", name,
                     at(0.5), at(0.9), at(0.99), all.back());
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace bench

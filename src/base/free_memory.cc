#include "base/free_memory.h"

#include <malloc.h>

#include "base/process_metrics.h"

namespace antiphon {
namespace {

constexpr std::chrono::seconds kPeriod{4};
constexpr std::size_t kWorthIt = 32 << 20;

}  // namespace

void FreeMemory::look(Clock::time_point now) {
  if (now < next_) return;
  next_ = now + kPeriod;
  std::size_t resident = metrics::resident_bytes();
  if (first_ == 0) first_ = resident;
  if (resident > first_ + kWorthIt) malloc_trim(0);
}

}  // namespace antiphon

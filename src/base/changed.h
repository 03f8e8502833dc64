#pragma once

#include <atomic>
#include <cstdint>

namespace antiphon {

/// Whether a value that is looked at again and again has become another. Any thread; one of them takes.
class Changed {
 public:
  void heard(std::int64_t value) {
    if (seen_.exchange(value) != value) changed_ = true;
  }
  /// True once for however many changes.
  bool take() { return changed_.exchange(false); }

 private:
  std::atomic<std::int64_t> seen_ = 0;
  std::atomic<bool> changed_ = true;
};

}  // namespace antiphon

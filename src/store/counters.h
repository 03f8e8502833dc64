#pragma once

#include <atomic>
#include <chrono>

#include "base/log.h"
#include "store/db.h"

namespace antiphon::store {

/// Statistics while they are being counted. Any thread.
class Counters {
 public:
  static constexpr std::chrono::milliseconds kSlow{250};

  std::atomic<std::int64_t> statements = 0, errors = 0, slow = 0, commits = 0, jobs = 0, waiting = 0,
                            reconnects = 0;

  Statistics read() const {
    return {.statements = statements,
            .errors = errors,
            .slow = slow,
            .commits = commits,
            .jobs = jobs,
            .waiting = waiting,
            .reconnects = reconnects};
  }

  /// Counts a statement; the log gets the name of a slow one, never its text or arguments.
  void finished(std::string_view name, std::chrono::steady_clock::duration took, bool failed) {
    statements.fetch_add(1, std::memory_order_relaxed);
    if (failed) errors.fetch_add(1, std::memory_order_relaxed);
    if (took < kSlow) return;
    slow.fetch_add(1, std::memory_order_relaxed);
    log::warn("Slow statement",
              {{"statement", name},
               {"milliseconds",
                std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}}});
  }
};

}  // namespace antiphon::store

#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/task.h"

namespace antiphon::store {
class Connection;
}

namespace antiphon::cluster {

using std::chrono::milliseconds;

/// Above this an operator is told.
inline constexpr milliseconds kSkewWarns{500};
/// Above this a process does not serve: half of what is forgiven where sessions are checked.
inline constexpr milliseconds kSkewRefuses{30'000};

/// How this machine's clock stands to the database's.
struct Skew {
  milliseconds ahead{0};  ///< Less than zero: behind.
  milliseconds doubt{0};  ///< Half of the round trip: it may be so much less or more.

  /// Whether it is more than that for certain.
  bool exceeds(milliseconds limit) const;
  /// "This machine's clock is 10 min 3 s behind the database's"
  std::string sentence() const;
};

/// Asks three times and takes the quickest answer; time between is measured by the clock nobody sets.
/// Nothing on SQLite, whose clock is this machine's.
Task<std::optional<Skew>> measure_skew(store::Connection& db);

/// "10 min 3 s", "1 s 250 ms", "700 ms"
std::string duration_words(milliseconds time);

}  // namespace antiphon::cluster

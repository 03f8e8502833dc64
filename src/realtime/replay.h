#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "realtime/event.h"

namespace antiphon::realtime {

struct ReplayedEvent {
  Room room;
  Event event;
};

/// Where events of running and recent answers can be read again: the answer log. Implemented over
/// runs::Runs by whoever wires the product. Any thread.
class Replay {
 public:
  virtual ~Replay() = default;

  /// Events of runs that `rooms` may see and `position` does not cover, in order of (seq, index)
  /// within a run. A run counts when it is live or ended within the last ten minutes, and
  /// - `position.find(run)` is there and not ended: from behind that point;
  /// - it is not there and the run is live or ended after `position.floor`: from its beginning.
  /// Nothing: this cannot be told any more (the log was trimmed, or is of another epoch), so the
  /// client must start afresh. At most `kMaxEvents`; more is nothing too.
  virtual Task<std::optional<std::vector<ReplayedEvent>>> since(Position position, UserId user,
                                                                std::vector<Room> rooms) = 0;
  static constexpr std::size_t kMaxEvents = 20'000;
};

}  // namespace antiphon::realtime

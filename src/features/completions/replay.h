#pragma once

#include "realtime/replay.h"
#include "runs/runs.h"

namespace antiphon::completions {

/// Reads a user's answers again from the log, for clients that were cut off.
class LogReplay final : public realtime::Replay {
 public:
  explicit LogReplay(runs::Runs& runs) : runs_(runs) {}
  Task<std::optional<std::vector<realtime::ReplayedEvent>>> since(
      realtime::Position position, UserId user, std::vector<realtime::Room> rooms) override;

 private:
  runs::Runs& runs_;
};

}  // namespace antiphon::completions

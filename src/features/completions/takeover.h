#pragma once

#include "features/models/models.h"
#include "runs/output.h"

/// What a process does with an answer it takes over. Pure functions.
namespace antiphon::completions {

enum class Takeup {
  ask,      ///< There is nothing yet: the model is asked as if for the first time.
  attach,   ///< The answer goes on at its server: it is read on.
  resume,   ///< The model goes on behind what there is.
  restart,  ///< What there is goes; the model is asked anew.
  keep,     ///< It ends as interrupted.
  give_up,  ///< It ends as interrupted: it was tried often enough.
  stop,     ///< It was stopped meanwhile.
};

/// Tries of one answer, the first included.
inline constexpr int kMaxAttempts = 3;

struct Abandoned {
  const runs::Output& output;  ///< The log's.
  std::int64_t attempts = 1;   ///< The one that begins included.
  bool cancelled = false;
  bool user = true;         ///< He is still there and allowed.
  bool attachable = false;  ///< Its server may have it, and we know where.
};

Takeup takeup_of(const Abandoned& left, models::Takeover policy);

/// The entry of the message's `statusHistory` that says so; for `attach`, `resume` and `restart`.
/// `now`: Unix seconds.
json::Object takeover_status(Takeup takeup, const runs::Output& left, std::int64_t now);

}  // namespace antiphon::completions

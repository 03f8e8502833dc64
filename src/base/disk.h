#pragma once

#include <functional>

#include "base/task.h"

namespace antiphon {

/// Runs what waits for the disk on a thread where nobody else waits for it, one a loop, in order. An
/// exception of `work` comes back to the caller.
Task<> on_disk(std::function<void()> work);

}  // namespace antiphon

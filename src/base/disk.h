#pragma once

#include <functional>

#include "base/task.h"

namespace antiphon {

/// Runs what waits for the disk on a thread where nobody else waits for it, one a loop, in order. An
/// exception of `work` comes back to the caller.
Task<> on_disk(std::function<void()> work);

/// Starts the loop's thread for that now, not with its first work: a process has as many threads under
/// load as without. For Loops.
void start_disk_thread(const Executor& loop);

}  // namespace antiphon

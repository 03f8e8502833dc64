#pragma once

#include "base/async.h"

namespace antiphon::store {

/// What `start` completes, or false when it fails or takes longer than `deadline`.
Task<bool> within(std::chrono::nanoseconds deadline, std::function<void(Completion<bool>)> start);

}  // namespace antiphon::store

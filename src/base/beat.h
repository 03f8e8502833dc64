#pragma once

#include <chrono>

namespace antiphon {

/// Streamed answers move in beats of the steady clock. A provider's socket is read on the beat, and the
/// answer log commits a little after it: so what was read waits for nothing, and all answers share the
/// wake-up and the commit. Six times a second reads as flowing (docs/adr/0004).
inline constexpr std::chrono::milliseconds kBeat{160};

/// The first point on the grid of `step` that is not before `at`.
inline std::chrono::steady_clock::time_point on_grid(std::chrono::steady_clock::time_point at,
                                                     std::chrono::steady_clock::duration step) {
  auto past = at.time_since_epoch() % step;
  return past == past.zero() ? at : at + step - past;
}

}  // namespace antiphon

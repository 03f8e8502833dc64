#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/async.h"
#include "base/problem.h"

namespace antiphon::store {

/// Whether the same may succeed a moment later: the database is away, or too busy.
inline bool passes(const Problem& p) {
  return p.kind() == Problem::Kind::unavailable && p.retry_after() > 0;
}

/// Reads again while the database is away, 0.1 to 2 s apart, for five minutes or until `enough`. For
/// what goes on without a request: an answer must not end because of an outage that passes. Throws what
/// `read` threw last.
template <class T>
Task<T> patiently(std::function<Task<T>()> read, std::function<bool()> enough) {
  using namespace std::chrono_literals;
  auto until = std::chrono::steady_clock::now() + 5min;
  for (std::chrono::milliseconds pause = 100ms;;
       pause = std::min<std::chrono::milliseconds>(pause * 2, 2s)) {
    try {
      co_return co_await read();
    } catch (const Problem& p) {
      if (!passes(p) || enough() || std::chrono::steady_clock::now() >= until) throw;
    }
    co_await sleep_for(pause);
  }
}

}  // namespace antiphon::store

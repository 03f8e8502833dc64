#pragma once

#include <array>
#include <chrono>
#include <unordered_map>

#include "base/metrics.h"
#include "http/router.h"

namespace antiphon::http {

/// What a server tells /metrics about requests: how long each route takes, and how they end. Any
/// thread.
class Meters {
 public:
  Meters(metrics::Registry& registry, const Router& router);

  /// A request has been answered. `route` is null when there was none.
  void note(const Route* route, int status, std::chrono::nanoseconds took);
  void websocket_opened() { websockets_.add(1); }
  void websocket_closed() { websockets_.add(-1); }
  metrics::Gauge& connections() { return connections_; }

 private:
  std::array<metrics::Counter*, 6> by_class_{};  ///< 1xx to 5xx at 1 to 5; 0 is anything else.
  std::unordered_map<const Route*, metrics::Histogram*> by_route_;
  metrics::Histogram& elsewhere_;
  metrics::Gauge& connections_;
  metrics::Gauge& websockets_;
};

}  // namespace antiphon::http

#pragma once

#include <array>
#include <atomic>
#include <unordered_map>

#include "base/metrics.h"
#include "http/router.h"

namespace antiphon::http {

/// Counts every call and how long it took, by route, for /metrics; and logs it, one line with its
/// request id, when that is asked for or when it failed or was slow. Never logs a query, a body or a
/// header.
class AccessLog final : public Observer {
 public:
  struct Options {
    bool all = false;                       ///< Every call, not only those worth a look.
    std::chrono::milliseconds slow{2'000};  ///< A call that does not stream is worth a look beyond it.
  };
  AccessLog(metrics::Registry& registry, Options options);

  /// Observes `router`, whose routes are all declared. Once.
  void watch(Router& router);
  void served(const Route& route, const Call& call, int status, std::chrono::nanoseconds took) override;

 private:
  /// The series of one route, made when it is first called: then counting takes no lock.
  struct Series {
    std::atomic<metrics::Histogram*> seconds = nullptr;
    std::array<std::atomic<metrics::Counter*>, 6> by_class = {};  ///< By the status's first digit.
  };
  void count(const Route& route, int status, std::chrono::nanoseconds took);

  Options options_;
  metrics::Family<metrics::Counter>& requests_;
  metrics::Family<metrics::Histogram>& seconds_;
  std::unordered_map<const Route*, Series> series_;  ///< Fixed after watch().
};

}  // namespace antiphon::http

#pragma once

#include <chrono>

#include "http/router.h"

namespace antiphon::http {

/// Logs calls that failed or were slow, or all of them: a line each, with its request id. Never a
/// query, a body or a header. Any thread.
class AccessLog final : public Observer {
 public:
  struct Options {
    bool all = false;                       ///< Every call, not only those worth a look.
    std::chrono::milliseconds slow{2'000};  ///< A call that does not stream is worth a look beyond it.
  };
  explicit AccessLog(Options options) : options_(options) {}

  void served(const Route& route, const Call& call, int status, std::chrono::nanoseconds took) override;

 private:
  Options options_;
};

}  // namespace antiphon::http

#include "http/access_log.h"

#include "base/log.h"

namespace antiphon::http {

void AccessLog::served(const Route& route, const Call& call, int status,
                       std::chrono::nanoseconds took) {
  bool slow = took > options_.slow && !route.endpoint.streams && route.cost != Cost::model;
  if (!options_.all && !slow && status < 500) return;
  double milliseconds = std::chrono::duration<double, std::milli>(took).count();
  log::write(slow || status >= 500 ? log::Level::warn : log::Level::info,
             slow ? "A slow call" : "A call",
             {{"request", call.request.id},
              {"method", route.method},
              {"path", call.request.path},
              {"status", status},
              {"milliseconds", milliseconds},
              {"user", call.caller.id.value},
              {"address", call.request.remote}});
}

}  // namespace antiphon::http

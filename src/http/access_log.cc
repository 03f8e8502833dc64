#include "http/access_log.h"

#include "base/log.h"

namespace antiphon::http {

AccessLog::AccessLog(metrics::Registry& registry, Options options)
    : options_(options),
      requests_(registry.counter("antiphon_http_requests_total",
                                 "Calls that reached a route, by how they ended.", {"route", "class"})),
      seconds_(registry.histogram("antiphon_http_request_seconds",
                                  "How long they took; streams to their end.", metrics::seconds(),
                                  {"route"})) {}

void AccessLog::watch(Router& router) {
  for (const Route& route : router.routes()) series_[&route];
  router.observe_by(*this);
}

void AccessLog::count(const Route& route, int status, std::chrono::nanoseconds took) {
  auto at = series_.find(&route);
  if (at == series_.end()) return;
  Series& series = at->second;
  std::size_t digit = status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 5;
  metrics::Histogram* seconds = series.seconds;
  metrics::Counter* calls = series.by_class[digit];
  // Two threads may both look it up; they find the same.
  if (!seconds || !calls) {
    std::string name = route.method + " " + route.path;
    series.seconds = seconds = &seconds_.with({name});
    series.by_class[digit] = calls = &requests_.with({name, std::to_string(digit) + "xx"});
  }
  seconds->observe(std::chrono::duration<double>(took).count());
  calls->add();
}

void AccessLog::served(const Route& route, const Call& call, int status,
                       std::chrono::nanoseconds took) {
  count(route, status, took);
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

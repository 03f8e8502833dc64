#include "http/meters.h"

namespace antiphon::http {
namespace {

metrics::Family<metrics::Histogram>& durations(metrics::Registry& registry) {
  return registry.histogram("antiphon_http_request_seconds",
                            "From a request's header to the end of its answer.", metrics::seconds(),
                            {"route"});
}

}  // namespace

Meters::Meters(metrics::Registry& registry, const Router& router)
    : elsewhere_(durations(registry).with({"none"})),
      connections_(
          registry.gauge("antiphon_http_connections", "Open connections, WebSockets included.").only()),
      websockets_(registry.gauge("antiphon_http_websockets", "Open WebSockets.").only()) {
  for (const Route& route : router.routes())
    by_route_.emplace(&route, &durations(registry).with({route.method + " " + route.path}));
  auto& answers = registry.counter("antiphon_http_requests_total", "Requests answered.", {"status"});
  for (std::size_t i = 0; i != by_class_.size(); ++i)
    by_class_[i] = &answers.with({i == 0 ? "other" : std::to_string(i) + "xx"});
}

void Meters::note(const Route* route, int status, std::chrono::nanoseconds took) {
  bool known = status >= 100 && status < 600;
  by_class_[known ? static_cast<std::size_t>(status / 100) : 0]->add();
  auto found = by_route_.find(route);
  metrics::Histogram& spread = found == by_route_.end() ? elsewhere_ : *found->second;
  spread.observe(std::chrono::duration<double>(took).count());
}

}  // namespace antiphon::http

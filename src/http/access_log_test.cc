#include "http/access_log.h"

#include <gtest/gtest.h>

#include "http/testing.h"

namespace antiphon::http {
namespace {

Endpoint answering(int status) {
  Endpoint e;
  e.who = Who::anyone;
  e.who_said = true;
  e.run = [status](Call&) -> Task<std::optional<Response>> {
    if (status == 0) throw ClientGone();
    if (status == 500) throw std::runtime_error("broken");
    co_return Response{.status = status};
  };
  return e;
}

TEST(AccessLog, CountsEveryCallByRouteAndHowItEnded) {
  metrics::Registry registry;
  AccessLog log(registry, {});
  Router router;
  router.on("GET /ok", Cost::read, answering(200));
  router.on("GET /bad", Cost::read, answering(500));
  router.on("GET /gone", Cost::read, answering(0));
  log.watch(router);
  for (int i = 0; i != 3; ++i) testing::serve(router, testing::request("GET", "/ok"));
  testing::serve(router, testing::request("GET", "/bad"));
  EXPECT_THROW(testing::serve(router, testing::request("GET", "/gone")), ClientGone);
  std::string text = registry.text();
  EXPECT_NE(text.find(R"(antiphon_http_requests_total{route="GET /ok",class="2xx"} 3)"), text.npos)
      << text;
  EXPECT_NE(text.find(R"(antiphon_http_requests_total{route="GET /bad",class="5xx"} 1)"), text.npos);
  EXPECT_NE(text.find(R"(antiphon_http_requests_total{route="GET /gone",class="4xx"} 1)"), text.npos);
  EXPECT_NE(text.find(R"(antiphon_http_request_seconds_count{route="GET /ok"} 3)"), text.npos);
}

}  // namespace
}  // namespace antiphon::http

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
    if (status == 500) throw std::runtime_error("broken");
    co_return Response{.status = status};
  };
  return e;
}

std::string logged_of(AccessLog::Options options, const std::string& path) {
  AccessLog log(options);
  Router router;
  router.on("GET /ok", Cost::read, answering(200));
  router.on("GET /bad", Cost::read, answering(500));
  router.observe_by(log);
  auto request = testing::request("GET", path);
  request.query.emplace("secret", "hidden");
  ::testing::internal::CaptureStderr();
  testing::serve(router, std::move(request));
  return ::testing::internal::GetCapturedStderr();
}

TEST(AccessLog, TellsOfCallsThatFailed) {
  EXPECT_EQ(logged_of({}, "/ok"), "");
  std::string line = logged_of({}, "/bad");
  EXPECT_NE(line.find("A call"), line.npos);
  EXPECT_NE(line.find("status=500"), line.npos) << line;
}

TEST(AccessLog, TellsOfSlowCalls) {
  std::string line = logged_of({.slow = std::chrono::milliseconds(-1)}, "/ok");
  EXPECT_NE(line.find("A slow call"), line.npos) << line;
}

TEST(AccessLog, TellsOfAllWhenAskedAndNeverOfAQuery) {  // row 118
  std::string line = logged_of({.all = true}, "/ok");
  EXPECT_NE(line.find("path=\"/ok\""), line.npos) << line;
  EXPECT_EQ(line.find("hidden"), line.npos);
}

}  // namespace
}  // namespace antiphon::http

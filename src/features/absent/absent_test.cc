#include "features/absent/absent.h"

#include <gtest/gtest.h>

#include "http/testing.h"
#include "json/text.h"

namespace antiphon::absent {
namespace {

using http::testing::a_caller;

struct World {
  World() { add_routes(router); }
  http::Response get(const std::string& path, Caller caller) {
    return *http::testing::serve(router, http::testing::request("GET", path), std::move(caller));
  }
  http::Router router;
};
const Caller kUser = a_caller(Caller::Via::session, Role::user);
const Caller kAdmin = a_caller(Caller::Via::session, Role::admin);

TEST(Absent, EveryRouteIsOfAUserOrAnAdministratorAndAnswersJson) {
  World w;
  ASSERT_GT(w.router.routes().size(), 25u);
  for (const http::Route& route : w.router.routes()) {
    EXPECT_TRUE(route.endpoint.who == http::Who::user || route.endpoint.who == http::Who::admin)
        << route.path;
    if (route.method != "GET") continue;
    EXPECT_EQ(w.get(route.path, {}).status, 401) << route.path;
    http::Response reply = w.get(route.path, kAdmin);
    std::string text = reply.body + std::string(reply.fixed_body);
    EXPECT_TRUE(json::try_parse(text)) << route.path << " " << text;
    EXPECT_EQ(reply.status, route.path.starts_with("/api/v1/channels/") ? 403 : 200) << route.path;
    if (route.endpoint.who == http::Who::admin) {
      EXPECT_EQ(w.get(route.path, kUser).status, 401) << route.path;
    }
  }
}

TEST(Absent, SaysThatThereIsNothing) {
  World w;
  EXPECT_EQ(w.get("/api/v1/tools/", kUser).fixed_body, "[]");
  EXPECT_EQ(w.get("/api/v1/prompts/list", kUser).fixed_body, R"({"items":[],"total":0})");
  auto reply = http::testing::serve(
      w.router, http::testing::request("POST", "/api/chat/actions/translate"), kUser);
  EXPECT_EQ(reply->status, 404);
}

}  // namespace
}  // namespace antiphon::absent

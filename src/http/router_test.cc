#include "http/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "http/bind.h"
#include "http/testing.h"
#include "json/text.h"

namespace antiphon::http {
namespace {

using testing::a_caller;
using testing::request;
using testing::serve;
using Via = Caller::Via;

/// Answers with its name and path arguments, so a test sees who was chosen.
Endpoint named(std::string name, int path_args, Who who = Who::anyone) {
  Endpoint e;
  e.who = who;
  e.who_said = true;
  e.path_args = path_args;
  e.run = [name](Call& call) -> Task<std::optional<Response>> {
    std::string text = name;
    for (const std::string& arg : call.path_args) text += " " + arg;
    co_return Response{.body = text};
  };
  return e;
}

std::string body_of(const Router& router, std::string method, std::string path) {
  return serve(router, request(std::move(method), std::move(path)))->body;
}

std::string header_of(const Response& response, std::string_view name) {
  for (const auto& [field, value] : response.headers)
    if (field == name) return value;
  return {};
}

TEST(Router, PrefersAnExactSegmentAndComesBackFromADeadEnd) {
  Router router;
  router.on("GET /chats/{id}", Cost::read, named("one", 1));
  router.on("GET /chats/all", Cost::read, named("all", 0));
  router.on("GET /chats/all/tags", Cost::read, named("all tags", 0));
  router.on("GET /chats/{id}/share", Cost::read, named("share", 1));
  router.on("POST /chats/{id}", Cost::read, named("post", 1));

  EXPECT_EQ(body_of(router, "GET", "/chats/all"), "all");
  EXPECT_EQ(body_of(router, "GET", "/chats/7"), "one 7");
  EXPECT_EQ(body_of(router, "GET", "/chats/all/share"), "share all");
  EXPECT_EQ(body_of(router, "POST", "/chats/all"), "post all");
}

TEST(Router, TakesTheRemainingSegments) {
  Router router;
  router.on("GET /files/{rest...}", Cost::read, named("rest", 1));
  router.on("GET /files/{id}/info", Cost::read, named("info", 1));

  EXPECT_EQ(body_of(router, "GET", "/files/a/b/c"), "rest a/b/c");
  EXPECT_EQ(body_of(router, "GET", "/files/a/info"), "info a");
  EXPECT_EQ(serve(router, request("GET", "/files/"))->status, 404);
  EXPECT_EQ(serve(router, request("GET", "/files"))->status, 404);
}

TEST(Router, KnowsATrailingSlashFromNone) {
  Router router;
  router.on("GET /chats/", Cost::read, named("list", 0));

  EXPECT_EQ(body_of(router, "GET", "/chats/"), "list");
  EXPECT_EQ(serve(router, request("GET", "/chats"))->status, 404);
}

TEST(Router, NamesTheMethodsOfAPathThatHasOthers) {
  Router router;
  router.on("GET /chats/{id}", Cost::read, named("get", 1));
  router.on("DELETE /chats/{id}", Cost::write, named("delete", 1));

  auto reply = serve(router, request("PUT", "/chats/7"));

  EXPECT_EQ(reply->status, 405);
  EXPECT_EQ(reply->body, R"({"detail":"Method Not Allowed"})");
  EXPECT_EQ(header_of(*reply, "Allow"), "DELETE, GET, HEAD");
}

TEST(Router, AnswersHeadWhereThereIsGet) {
  Router router;
  router.on("GET /health", Cost::free, named("health", 0));

  EXPECT_EQ(serve(router, request("HEAD", "/health"))->status, 200);
}

TEST(Router, RefusesRoutesThatContradictThemselves) {
  Router router;
  router.on("GET /a/{id}", Cost::read, named("a", 1));

  EXPECT_THROW(router.on("GET /a/{other}", Cost::read, named("b", 1)), std::logic_error);
  EXPECT_THROW(router.on("GET /b/{id}", Cost::read, named("b", 0)), std::logic_error);
  EXPECT_THROW(router.on("GET /c/{rest...}/d", Cost::read, named("b", 1)), std::logic_error);
  EXPECT_THROW(router.on("GET b", Cost::read, named("b", 0)), std::logic_error);
  Endpoint nobody = named("n", 0);
  nobody.who_said = false;
  EXPECT_THROW(router.on("GET /n", Cost::read, nobody), std::logic_error);
}

struct Row {
  Who who;
  Caller caller;
  int status;
};

TEST(Router, LetsInWhomTheRouteNames) {
  Caller anonymous;
  Caller pending = a_caller(Via::session, Role::pending), user = a_caller(Via::session, Role::user),
         admin = a_caller(Via::session, Role::admin), key = a_caller(Via::api_key, Role::user),
         admin_key = a_caller(Via::api_key, Role::admin);
  std::vector<Row> rows = {
      {Who::anyone, anonymous, 200},    {Who::anyone, pending, 200},
      {Who::signed_in, anonymous, 401}, {Who::signed_in, pending, 200},
      {Who::signed_in, key, 200},       {Who::pending_human, anonymous, 401},
      {Who::pending_human, key, 403},   {Who::pending_human, pending, 200},
      {Who::user, anonymous, 401},      {Who::user, pending, 401},
      {Who::user, user, 200},           {Who::user, key, 200},
      {Who::human, user, 200},          {Who::human, key, 403},  // row 83
      {Who::human, pending, 401},       {Who::admin, user, 401},
      {Who::admin, key, 401},           {Who::admin, admin_key, 200},
      {Who::admin, admin, 200},         {Who::admin, anonymous, 401},
  };
  for (const Row& row : rows) {
    Router router;
    router.on("GET /x", Cost::read, named("x", 0, row.who));
    EXPECT_EQ(serve(router, request("GET", "/x"), row.caller)->status, row.status)
        << name_of(row.who) << " " << name_of(row.caller.role);
  }
}

TEST(Router, SaysWhyACredentialDoesNotCount) {
  Router router;
  router.on("GET /x", Cost::read, named("x", 0, Who::user));
  Caller stale;
  stale.failure = "The session has ended.";

  EXPECT_EQ(serve(router, request("GET", "/x"))->body, R"({"detail":"Not authenticated"})");
  EXPECT_EQ(serve(router, request("GET", "/x"), stale)->body, R"({"detail":"The session has ended."})");
}

TEST(Router, RefusesAChangeThatACookieAloneAllows) {  // row 90
  Router router;
  router.on("POST /x", Cost::write, named("x", 0, Who::user));
  router.on("GET /x", Cost::read, named("x", 0, Who::user));
  Caller caller = a_caller(Via::session, Role::user);
  Request post = request("POST", "/x");
  auto status = [&](Request r) { return serve(router, std::move(r), caller)->status; };

  for (Origin from : {Origin::none, Origin::foreign, Origin::same, Origin::allowed}) {
    post.origin = from;
    caller.by_cookie = false;
    EXPECT_EQ(status(post), 200);
    caller.by_cookie = true;
    EXPECT_EQ(status(post), from == Origin::same || from == Origin::allowed ? 200 : 403);
    Request get = request("GET", "/x");
    get.origin = from;
    EXPECT_EQ(status(get), 200);
  }
}

TEST(Router, NamesTheLineToSetForARefusedOrigin) {  // row 90
  Router router;
  router.on("POST /x", Cost::write, named("x", 0, Who::user));
  Caller caller = a_caller(Via::session, Role::user);
  caller.by_cookie = true;
  Request post = request("POST", "/x");
  post.headers.add("Origin", "https://chat.example");
  post.origin = Origin::foreign;

  EXPECT_NE(serve(router, post, caller)->body.find("CORS_ALLOW_ORIGIN=https://chat.example"),
            std::string::npos);
}

struct Full final : Limiter {
  int refuse(const Call&, Cost cost) override { return cost == Cost::search ? 7 : 0; }
};

TEST(Router, AsksTheLimiterBeforeTheHandler) {
  Router router;
  Full full;
  router.limit_by(full);
  router.on("GET /search", Cost::search, named("search", 0));
  router.on("GET /x", Cost::read, named("x", 0));

  auto refused = serve(router, request("GET", "/search"));

  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(header_of(*refused, "Retry-After"), "7");
  EXPECT_EQ(serve(router, request("GET", "/x"))->status, 200);
}

Endpoint throwing(std::function<void()> act) {
  Endpoint e = named("", 0);
  e.run = [act](Call&) -> Task<std::optional<Response>> {
    act();
    co_return Response{};
  };
  return e;
}

TEST(Router, TurnsAProblemIntoAnAnswer) {
  Router router;
  router.on(
      "GET /busy", Cost::read, throwing([] {
        throw Problem(Problem::Kind::unavailable, "Busy \"now\"").because("secret").retry_after(3);
      }));
  router.on(
      "GET /list", Cost::read, throwing([] {
        throw Problem(Problem::Kind::invalid, "x").with_detail_json(R"([{"a":1}])").answering(422);
      }));

  auto busy = serve(router, request("GET", "/busy"));
  auto list = serve(router, request("GET", "/list"));

  EXPECT_EQ(busy->status, 503);
  EXPECT_EQ(busy->body, R"({"detail":"Busy \"now\""})");
  EXPECT_EQ(header_of(*busy, "Retry-After"), "3");
  EXPECT_EQ(list->status, 422);
  EXPECT_EQ(list->body, R"({"detail":[{"a":1}]})");
}

TEST(Router, HidesWhatIsWrongWithCredentials) {
  Router router;
  router.on(
      "POST /api/v1/auths/signin", Cost::hash, throwing([] {
        throw Problem(Problem::Kind::invalid, "x").with_detail_json(R"([{"a":1}])").answering(422);
      }));

  EXPECT_EQ(body_of(router, "POST", "/api/v1/auths/signin"),
            R"({"detail":"Invalid authentication request."})");
}

TEST(Router, TellsNothingOfAnUnexpectedFailure) {
  Router router;
  router.on("GET /x", Cost::read, throwing([] { throw std::runtime_error("/etc/passwd"); }));
  router.on("GET /y", Cost::read, throwing([] { throw 7; }));

  EXPECT_EQ(serve(router, request("GET", "/x"))->status, 500);
  EXPECT_EQ(body_of(router, "GET", "/x"), R"({"detail":"Internal Server Error"})");
  EXPECT_EQ(serve(router, request("GET", "/y"))->status, 500);
}

TEST(Router, LetsAClientLeave) {
  Router router;
  router.on("GET /x", Cost::read, throwing([] { throw ClientGone(); }));

  EXPECT_THROW(serve(router, request("GET", "/x")), ClientGone);
}

TEST(Router, DescribesItsRoutes) {
  Router router;
  Endpoint chat = named("one", 1, Who::user);
  chat.object = ObjectRight{"chat", "read"};
  router.on("GET /api/v1/chats/{id}", Cost::read, chat, {.summary = "One chat"});
  router.on("GET /health", Cost::free, named("health", 0));
  router.on("GET /files/{rest...}", Cost::read, named("rest", 1));

  auto all = json::try_parse(router.openapi());

  ASSERT_TRUE(all);
  EXPECT_EQ(json::text_at(*all, "openapi"), "3.1.0");
  const json::Value* one = json::find(*all, {"paths", "/api/v1/chats/{id}", "get"});
  ASSERT_TRUE(one);
  EXPECT_EQ(json::text_at(*one, "summary"), "One chat");
  EXPECT_EQ(json::text_at(*one, "operationId"), "get_api_v1_chats_id");
  EXPECT_TRUE(json::find(*one, {"responses", "401"}));
  EXPECT_EQ(json::text_at(*json::find(*one, "x-object"), "kind"), "chat");
  EXPECT_EQ(one->at("parameters").at(0).at("name"), "id");
  const json::Value* health = json::find(*all, {"paths", "/health", "get"});
  ASSERT_TRUE(health);
  EXPECT_TRUE(health->at("security").as_array().empty());
  EXPECT_TRUE(json::find(*all, {"paths", "/files/{rest}", "get"}));
}

}  // namespace
}  // namespace antiphon::http

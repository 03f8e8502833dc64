#include "http/bind.h"

#include <gtest/gtest.h>

#include "http/testing.h"
#include "json/dto.h"
#include "json/text.h"

namespace antiphon::http {
namespace {

struct Thing {
  static constexpr std::string_view kKind = "thing";
  std::string id;
};

struct Options_ {
  json::Number<1, 1, 100> page;
  std::optional<bool> pinned;
  std::optional<std::string> tag;
  std::optional<std::vector<std::string>> ids;
};
ANTIPHON_DTO(Options_, page, pinned, tag, ids)
ANTIPHON_DTO_DEFINE(Options_)

struct Form {
  json::Text<1, 8> title;
  std::optional<std::string> folder;
};
ANTIPHON_DTO(Form, title, folder)
ANTIPHON_DTO_DEFINE(Form)

struct Lenient {
  std::optional<std::string> folder;
};
ANTIPHON_DTO(Lenient, folder)
ANTIPHON_DTO_DEFINE(Lenient)

struct Reply {
  std::string said;
};
ANTIPHON_DTO(Reply, said)
ANTIPHON_DTO_DEFINE(Reply)

struct Api {
  Task<Reply> list(Anyone, Query<Options_> q) {
    std::string said = std::to_string(q.page.value);
    if (q.pinned) said += *q.pinned ? " pinned" : " loose";
    if (q.tag) said += " #" + *q.tag;
    for (const std::string& id : q.ids.value_or(std::vector<std::string>{})) said += " " + id;
    co_return Reply{said};
  }
  Task<Reply> add(const User& me, Body<Form> form) { co_return Reply{me.id.value + form.title.value}; }
  Task<Reply> lenient(Anyone, Body<Lenient>) { co_return Reply{"ok"}; }
  Task<Reply> show(const User&, Granted<Thing, Right::read> thing, std::string part) {
    co_return Reply{thing->id + "/" + part};
  }
  Task<> stream(Anyone, Events events) {
    co_await events.send("one");
    co_await events.done();
  }
  Task<Response> cookies(Anyone, Call& call) {
    call.extra_headers.emplace_back("Set-Cookie", "a=b");
    co_return Response{.status = 201, .body = "{}"};
  }
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    if (id == "foreign") throw not_found("Thing");
    co_return G::after_check(Thing{id + "@" + me.id.value});
  }
};

/// Routes that must not compile: nobody says who may call them, or two do, or what it costs.
struct Undeclared {
  Task<Reply> by_nobody(Query<Options_>);
  Task<Reply> by_two(Anyone, const User&);
};
template <class A, auto M>
concept Binds = requires(A api) { bind<M>(api); };
template <class R>
concept CostsNothing = requires(R& r, Endpoint e) { r.on("GET /free", e); };

static_assert(Binds<Api, &Api::list> && Binds<Api, &Api::show>);
static_assert(!Binds<Undeclared, &Undeclared::by_nobody>);
static_assert(!Binds<Undeclared, &Undeclared::by_two>);
static_assert(!CostsNothing<Router>);

const Router& router() {
  static const Router* routes = [] {
    auto* r = new Router;
    Api api;
    r->on("GET /list", Cost::read, bind<&Api::list>(api));
    r->on("POST /add", Cost::write, bind<&Api::add>(api));
    r->on("POST /lenient", Cost::write, bind<&Api::lenient>(api));
    r->on("GET /things/{id}/{part}", Cost::read, bind<&Api::show>(api));
    r->on("GET /stream", Cost::model, bind<&Api::stream>(api));
    r->on("POST /cookies", Cost::write, bind<&Api::cookies>(api));
    return r;
  }();
  return *routes;
}

Caller alice() {
  return testing::a_caller(Caller::Via::session, Role::user);
}

Response get(std::string path, std::vector<std::pair<std::string, std::string>> query = {}) {
  Request request = testing::request("GET", std::move(path));
  for (auto& [name, value] : query) request.query.emplace(name, value);
  return *testing::serve(router(), request, alice());
}

Response post(std::string path, std::string body, std::string type = "application/json") {
  Request request = testing::request("POST", std::move(path));
  request.body = std::move(body);
  if (!type.empty()) request.headers.add("Content-Type", type);
  return *testing::serve(router(), request, alice());
}

TEST(Bind, ReadsAQuery) {
  EXPECT_EQ(get("/list").body, R"({"said":"1"})");
  EXPECT_EQ(get("/list", {{"page", "3"}, {"pinned", "TRUE"}, {"tag", "x"}, {"foreign", "y"}}).body,
            R"({"said":"3 pinned #x"})");
  EXPECT_EQ(get("/list", {{"ids", "a"}, {"ids", "b"}}).body, R"({"said":"1 a b"})");
}

TEST(Bind, ListsEveryFaultOfAQueryAsFastApiDoes) {
  Response reply = get("/list", {{"page", "x"}, {"pinned", "maybe"}, {"ids", "a"}});

  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(
      reply.body,
      R"({"detail":[{"type":"int_parsing","loc":["query","page"],"msg":"Input should be a valid integer, )"
      R"(unable to parse string as an integer","input":"x"},{"type":"bool_parsing","loc":["query","pinned"],)"
      R"("msg":"Input should be a valid boolean, unable to interpret input","input":"maybe"}]})");
}

TEST(Bind, KeepsNumbersOfAQueryWithinBounds) {
  EXPECT_EQ(get("/list", {{"page", "0"}}).status, 422);
  EXPECT_EQ(get("/list", {{"page", "101"}}).status, 422);
  EXPECT_EQ(get("/list", {{"page", "99999999999999999999999"}}).status, 422);
  EXPECT_EQ(get("/list", {{"page", "1; DROP"}}).status, 422);
  EXPECT_EQ(get("/list", {{"page", ""}}).status, 422);
}

TEST(Bind, ReadsABody) {
  EXPECT_EQ(post("/add", R"({"title":"a"})").body, R"({"said":"u1a"})");
  EXPECT_EQ(post("/add", R"({"title":"a"})", "application/json; charset=utf-8").status, 200);
  EXPECT_EQ(post("/add", R"({"title":"a"})", "application/merge-patch+json").status, 200);
  EXPECT_EQ(post("/add", R"({"title":"a"})", "").status, 200);
}

TEST(Bind, ListsTheFaultsOfABody) {
  Response reply = post("/add", R"({"title":""})");

  EXPECT_EQ(reply.status, 422);
  EXPECT_NE(reply.body.find("title"), std::string::npos);
  EXPECT_EQ(post("/add", "{").status, 422);
  EXPECT_EQ(post("/add", "").body,
            R"({"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]})");
  EXPECT_EQ(post("/lenient", "").status, 200);
}

TEST(Bind, TakesNothingThatAFormCouldSend) {  // row 90
  for (std::string type : {"text/plain", "application/x-www-form-urlencoded",
                           "multipart/form-data; boundary=x", "application/jsonp"})
    EXPECT_EQ(post("/add", R"({"title":"a"})", type).status, 415) << type;
}

TEST(Bind, HandsOutObjectsOnlyAfterTheCheck) {
  EXPECT_EQ(get("/things/t1/head").body, R"({"said":"t1@u1/head"})");
  EXPECT_EQ(get("/things/foreign/head").status, 404);
}

TEST(Bind, KnowsWhatARouteNeeds) {
  const Route& show = router().routes()[3];
  ASSERT_TRUE(show.endpoint.object);
  EXPECT_EQ(show.endpoint.object->kind, "thing");
  EXPECT_EQ(show.endpoint.object->right, "read");
  EXPECT_EQ(show.endpoint.who, Who::user);
  EXPECT_TRUE(router().routes()[4].endpoint.streams);
}

TEST(Bind, Streams) {
  testing::StringStream stream;
  auto reply = testing::serve(router(), testing::request("GET", "/stream"), {}, &stream);

  EXPECT_FALSE(reply);
  EXPECT_EQ(stream.text_, "data: one\n\ndata: [DONE]\n\n");
}

TEST(Bind, AddsAHandlersHeaders) {
  Response reply = post("/cookies", "");

  EXPECT_EQ(reply.status, 201);
  ASSERT_EQ(reply.headers.size(), 1u);
  EXPECT_EQ(reply.headers[0].first, "Set-Cookie");
}

}  // namespace
}  // namespace antiphon::http

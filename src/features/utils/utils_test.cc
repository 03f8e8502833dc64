#include "features/utils/utils.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "http/testing.h"
#include "json/text.h"
#include "store/test_store.h"

namespace antiphon::utils {
namespace {

struct World {
  explicit World(store::Engine engine) : store(engine, 2) {
    add_routes(router, {.db = *store.db, .may_export = [this] { return may_export; }});
  }
  struct Reply {
    int status;
    std::string text;
  };
  Reply ask(Role role, std::string method, std::string path, std::string body = {}) {
    http::Request request = http::testing::request(std::move(method), path.substr(0, path.find('?')));
    if (auto at = path.find("?email="); at != path.npos)
      request.query.emplace("email", path.substr(at + 7));
    request.body = std::move(body);
    http::testing::StringStream stream;
    auto response = http::testing::serve(router, std::move(request),
                                         http::testing::a_caller(Caller::Via::session, role), &stream);
    return response ? Reply{response->status, response->body}
                    : Reply{stream.head_.status, stream.text_};
  }

  store::Store store;
  http::Router router;
  bool may_export = true;
};

class UtilsTest : public ::testing::TestWithParam<store::Engine> {};
INSTANTIATE_TEST_SUITE_P(Engines, UtilsTest, ::testing::ValuesIn(store::engines()),
                         [](const auto& engine) { return store::engine_name(engine.param); });

constexpr const char* kDownload = "/api/v1/utils/db/download";

TEST_P(UtilsTest, ACopyOfTheDatabaseHoldsWhatWasAcknowledged) {
  World w(GetParam());
  w.store.script("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('kept-4711')");

  auto reply = w.ask(Role::admin, "GET", kDownload);

  if (GetParam() != store::Engine::sqlite) {
    EXPECT_EQ(reply.status, 400);
    return;
  }
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.text.starts_with("SQLite format 3")) << reply.text.substr(0, 100);
  EXPECT_NE(reply.text.find("kept-4711"), std::string::npos);
}

TEST_P(UtilsTest, TheDatabaseIsForAdministratorsWhereExportsAreAllowed) {
  World w(GetParam());
  EXPECT_EQ(w.ask(Role::user, "GET", kDownload).status, 401);
  w.may_export = false;
  EXPECT_EQ(w.ask(Role::admin, "GET", kDownload).status, 401);
}

TEST_P(UtilsTest, APictureIsNamedByTheHashOfItsOwner) {
  World w(GetParam());
  // The example of the service's own documentation.
  EXPECT_EQ(w.ask(Role::user, "GET", "/api/v1/utils/gravatar?email= MyEmailAddress@example.com ").text,
            "\"https://www.gravatar.com/avatar/"
            "84059b07d4be67b806386c0aad8070a23f18836bbaae342275dc0a83414c32ee?d=mp\"");
  EXPECT_EQ(w.ask(Role::user, "GET", "/api/v1/utils/gravatar").status, 422);
}

TEST_P(UtilsTest, CodeIsNotFormatted) {
  World w(GetParam());
  EXPECT_EQ(w.ask(Role::admin, "POST", "/api/v1/utils/code/format", R"({"code":"x=1"})").status, 400);
  EXPECT_EQ(w.ask(Role::admin, "POST", "/api/v1/utils/code/format", "{}").status, 422);
  EXPECT_EQ(w.ask(Role::user, "POST", "/api/v1/utils/code/format", R"({"code":"x=1"})").status, 401);
}

}  // namespace
}  // namespace antiphon::utils

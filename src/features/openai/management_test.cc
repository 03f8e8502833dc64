#include "features/openai/management.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/problem.h"

namespace antiphon::openai {
namespace {

using What = Management::What;

models::Connection at(std::string url, std::string provider = {}) {
  models::Connection out;
  out.url = std::move(url);
  out.provider = std::move(provider);
  return out;
}
std::string asked(const models::Connection& c, What what) {
  try {
    Errand e = errand(c, {.what = what, .model = "a/b:q4&x", .job = "j/../1", .more = {{"n", 1}}});
    return e.method + " " + e.url + (e.body ? " " + json::serialize(*e.body) : "");
  } catch (const Problem& p) {
    return std::to_string(p.status());
  }
}

TEST(Management, SpeaksToLlamaCppBesideItsOpenAiPart) {
  auto c = at("http://h:8080/v1");
  EXPECT_EQ(asked(c, What::catalog), "GET http://h:8080/models");
  EXPECT_EQ(asked(c, What::download), R"(POST http://h:8080/models {"n":1,"model":"a/b:q4&x"})");
  EXPECT_EQ(asked(c, What::load), R"(POST http://h:8080/models/load {"n":1,"model":"a/b:q4&x"})");
  EXPECT_EQ(asked(c, What::unload), R"(POST http://h:8080/models/unload {"n":1,"model":"a/b:q4&x"})");
  EXPECT_EQ(asked(c, What::remove), "DELETE http://h:8080/models?model=a%2Fb%3Aq4%26x");
  EXPECT_EQ(asked(c, What::events), "GET http://h:8080/models/sse");
  EXPECT_EQ(asked(c, What::download_status), "400");
  EXPECT_EQ(asked(at("http://h/proxy/llama"), What::catalog), "GET http://h/proxy/llama/models");
}

TEST(Management, SpeaksToLmStudioInItsOwnWay) {
  for (const char* name : {"lmstudio", "LM Studio", "lm-studio"}) {
    auto c = at("http://h:1234/v1", name);
    EXPECT_EQ(asked(c, What::catalog), "GET http://h:1234/api/v1/models");
    EXPECT_EQ(asked(c, What::download_status),
              "GET http://h:1234/api/v1/models/download/status/j%2F..%2F1");
    EXPECT_EQ(asked(c, What::unload),
              R"(POST http://h:1234/api/v1/models/unload {"n":1,"instance_id":"a/b:q4&x"})");
    EXPECT_EQ(asked(c, What::remove), "400");
    EXPECT_EQ(asked(c, What::events), "400");
  }
}

TEST(Management, IsNotForServersOfOthers) {
  auto c = at("https://h.openai.azure.com");
  c.azure = true;
  for (What what : {What::catalog, What::load, What::remove, What::events})
    EXPECT_EQ(asked(c, what), "400");
}

}  // namespace
}  // namespace antiphon::openai

#include "features/models/connection.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/data_image.h"
#include "base/encode.h"
#include "base/problem.h"
#include "features/models/answers.h"
#include "features/models/demo.h"
#include "features/models/forms.h"
#include "features/models/params.h"
#include "features/models/view.h"
#include "json/json.h"

namespace antiphon::models {
namespace {

using Strings = std::vector<std::string>;

TEST(Connections, HaveUpstreamsShape) {
  Settings s;
  s.openai_urls.set({"https://a/v1/", "https://b/v1", "https://c/v1"});
  s.openai_keys.set({"ka", "kb"});
  s.openai_configs.set(
      json::parse_value(R"({"0":{"enable":false},"1":{"prefix_id":"pp","tags":[{"name":"t"}],
    "model_ids":["m",7],"connection_type":"local","headers":{"X-A":"1","X-B":2},"auth_type":"none"},
    "https://c/v1":{"azure":true,"api_version":"v"}})"));

  auto all = openai_connections(s);

  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]->url, "https://a/v1");
  EXPECT_EQ(all[0]->key.reveal(), "ka");
  EXPECT_FALSE(all[0]->enabled);
  EXPECT_EQ(all[1]->prefixed("m"), "pp.m");
  EXPECT_EQ(all[1]->unprefixed("pp.m"), "m");
  EXPECT_EQ(all[1]->model_ids, Strings{"m"});
  EXPECT_TRUE(all[1]->takes("m"));
  EXPECT_FALSE(all[1]->takes("n"));
  EXPECT_EQ(all[1]->type, "local");
  EXPECT_EQ(all[1]->headers.size(), 1u);
  EXPECT_EQ(all[1]->proof, Proof::nothing);
  EXPECT_TRUE(all[2]->azure) << "options kept by URL";
  EXPECT_TRUE(all[2]->key.empty());
}

TEST(Connections, TheDefaultWithoutAKeyIsNotAsked) {
  Settings s;
  ASSERT_EQ(openai_connections(s).size(), 1u);
  EXPECT_FALSE(openai_connections(s)[0]->enabled);
  EXPECT_EQ(local_candidates(s).size(), 4u);
  s.openai_keys.set({"sk"});
  EXPECT_TRUE(openai_connections(s)[0]->enabled);
  EXPECT_TRUE(local_candidates(s).empty());
}

TEST(Connections, AreLookedForOnUsualPortsButNotOnOurOwn) {
  Settings s;
  s.own_port = 8080;
  Strings urls;
  for (const auto& c : local_candidates(s)) urls.push_back(c->url);
  EXPECT_EQ(urls, (Strings{"http://127.0.0.1:1234/v1", "http://127.0.0.1:8081/v1",
                           "http://127.0.0.1:8000/v1"}));
  s.discover_urls.set({"http://127.0.0.1:9/v1/"});
  ASSERT_EQ(local_candidates(s).size(), 1u);
  EXPECT_EQ(local_candidates(s)[0]->url, "http://127.0.0.1:9/v1");
  s.discover.set(false);
  EXPECT_TRUE(local_candidates(s).empty());
}

TEST(Connections, OfOllamaKeepTheirKeyAmongTheOptions) {
  Settings s;
  s.ollama_urls.set({"http://h:11434/api"});
  s.ollama_configs.set(json::parse_value(R"({"0":{"key":"k"}})"));
  auto all = ollama_connections(s);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]->url, "http://h:11434");
  EXPECT_EQ(all[0]->key.reveal(), "k");
}

std::string header(const std::vector<client::Header>& headers, std::string_view name) {
  for (const auto& [n, value] : headers)
    if (n == name) return value;
  return "-";
}

TEST(Headers, SayTheKeyAsTheServerWantsIt) {
  Settings s;
  Connection c{.url = "https://h", .key = Secret("k")};
  EXPECT_EQ(header(headers_for(s, c, {}), "Authorization"), "Bearer k");
  c.azure = true;
  EXPECT_EQ(header(headers_for(s, c, {}), "api-key"), "k");
  EXPECT_EQ(header(headers_for(s, c, {}), "Authorization"), "-");
  c.proof = Proof::nothing;
  EXPECT_TRUE(headers_for(s, c, {}).empty());
  c.proof = Proof::unsupported;
  EXPECT_THROW(headers_for(s, c, {}), Problem);
}

// row 13
TEST(Headers, OnlyWhoAsksIsFilledInAndCannotBreakOut) {
  Asker who{.id = {"u1"}, .name = "Zoë\r\nX-Evil: {{USER_ID}}", .email = "z@x.io", .role = Role::user};
  EXPECT_EQ(expand("a {{USER_NAME}} b", who), "a Zo%C3%AB%0D%0AX-Evil: {{USER_ID}} b");
  EXPECT_EQ(expand("{{USER_EMAIL}}/{{USER_ROLE}}", who), "z@x.io/user");
  for (const char* secret : {"{{WEBUI_SECRET_KEY}}", "${HOME}", "{{TOKEN}}", "{{", "}}"})
    EXPECT_EQ(expand(secret, who), secret);
}

TEST(Headers, TellWhoAsksOnlyWhenWanted) {
  Settings s;
  Connection c{.url = "https://h"};
  Asker who{.id = {"u1"}, .name = "Zoë", .email = "z@x.io", .role = Role::admin, .chat_id = "c1"};
  EXPECT_TRUE(headers_for(s, c, who).empty());
  s.forward_user.set(true);
  auto headers = headers_for(s, c, who);
  EXPECT_EQ(header(headers, "X-OpenWebUI-User-Name"), "Zo%C3%AB");
  EXPECT_EQ(header(headers, "X-OpenWebUI-User-Role"), "admin");
  EXPECT_EQ(header(headers, "X-OpenWebUI-Chat-Id"), "c1");
  EXPECT_EQ(header(headers, "X-OpenWebUI-Message-Id"), "-");
}

// row 22
TEST(Headers, ASignedTokenStandsForThePlainOnes) {
  Settings s;
  s.forward_user.set(true);
  s.user_jwt_secret.set(Secret("secret"));
  auto headers =
      headers_for(s, {.url = "https://h"}, {.id = {"u1"}, .name = "Zoe", .role = Role::user});
  EXPECT_EQ(header(headers, "X-OpenWebUI-User-Id"), "-");
  std::string token = header(headers, "X-OpenWebUI-User-Jwt");
  std::size_t dot = token.rfind('.');
  ASSERT_NE(dot, std::string::npos);
  EXPECT_EQ(token.substr(dot + 1), base64url(hmac_sha256("secret", token.substr(0, dot))));
  std::size_t first = token.find('.');
  json::Value claims = json::parse_value(*base64url_decode(token.substr(first + 1, dot - first - 1)));
  EXPECT_EQ(json::text_at(claims, "sub"), "u1");
  EXPECT_EQ(json::text_at(claims, "aud"), "https://h");
  EXPECT_EQ(json::int_at(claims, "exp") - json::int_at(claims, "iat"), 60);
}

// row 13
TEST(KeysAfter, AChangedUrlDropsTheKeyThatWasStoredForIt) {
  Strings urls = {"https://a", "https://b"}, keys = {"ka", "kb"};
  EXPECT_EQ(keys_after(urls, keys, {"https://evil", "https://b"}, {"ka", "kb"}), (Strings{"", "kb"}));
  EXPECT_EQ(keys_after(urls, keys, {"https://new", "https://b"}, {"kn", "kb"}), (Strings{"kn", "kb"}));
  EXPECT_EQ(keys_after(urls, keys, {"https://new", "https://b"}, {}), (Strings{"", ""}));
  EXPECT_EQ(keys_after(urls, keys, {"https://a/", "https://b"}, {"ka", "kb"}), keys);
  EXPECT_EQ(keys_after(urls, keys, {"https://b"}, {"kb"}), Strings{"kb"});
  EXPECT_EQ(keys_after(urls, keys, {"https://b", "https://a"}, {"kb", "ka"}), (Strings{"kb", "ka"}));
  EXPECT_EQ(keys_after(urls, keys, {"https://a", "https://b", "https://c"}, {"ka", "kb", "ka"}),
            (Strings{"ka", "kb", "ka"}));
}

// row 16
TEST(WordsOf, AProvidersErrorIsToldButNotThePageOfWhatIsNoProvider) {
  EXPECT_EQ(words_of(R"({"error":{"message":"boom","type":"x"}})"), "boom");
  EXPECT_EQ(words_of(R"({"error":"boom"})"), "boom");
  EXPECT_EQ(words_of(R"({"detail":"boom"})"), "boom");
  EXPECT_EQ(words_of(R"({"message":"boom"})"), "boom");
  EXPECT_EQ(words_of("<html>secret of an inner page</html>"), "");
  EXPECT_EQ(words_of(R"({"error":null})"), "");
  EXPECT_LE(words_of(json::serialize(json::Object{{"error", std::string(100'000, 'x')}})).size(),
            2010u);
  EXPECT_EQ(refusal(429, R"({"error":{"message":"slow down"}})").status(), 429);
  EXPECT_EQ(refusal(302, "").status(), 502);
  EXPECT_EQ(refusal(500, "<html>").detail().find("<html>"), std::string::npos);
}

Target target(std::string_view params) {
  Target out;
  out.params = json::parse_value(params).as_object();
  return out;
}

TEST(Preset, ItsPromptAndParametersFillWhatTheCallerLeftOpen) {
  json::Object body =
      json::parse_value(R"({"messages":[{"role":"user","content":"hi"}],"temperature":0.7})")
          .as_object();
  apply_preset(
      body,
      target(
          R"({"system":"For {{USER_NAME}}{{x}}","temperature":0.3,"num_ctx":7,"function_calling":"native",
                              "custom_params":{"foo":"{\"a\":1}","bar":"plain"}})"),
      {.name = "{{USER_ID}}"});
  EXPECT_EQ(
      json::serialize(body),
      R"({"messages":[{"role":"system","content":"For {{USER_ID}}{{x}}"},{"role":"user","content":"hi"}],)"
      R"("temperature":0.7,"num_ctx":7,"foo":{"a":1},"bar":"plain"})");
}

TEST(Preset, ItsPromptComesBeforeTheCallersOwn) {
  json::Object body =
      json::parse_value(R"({"messages":[{"role":"system","content":"mine"}]})").as_object();
  apply_preset(body, target(R"({"system":"preset"})"), {});
  EXPECT_EQ(json::serialize(body),
            "{\"messages\":[{\"role\":\"system\",\"content\":\"preset\\n\\nmine\"}]}");
}

TEST(Over, OwnMembersCountOneLevelDeep) {
  auto over_text = [](const char* own, const char* fallback) {
    return json::serialize(over(json::parse_value(own), json::parse_value(fallback)));
  };
  EXPECT_EQ(over_text(R"({"a":1,"c":{"x":1}})", R"({"a":2,"b":3,"c":{"x":2,"y":3}})"),
            R"({"a":1,"b":3,"c":{"x":1,"y":3}})");
  EXPECT_EQ(over_text(R"({"a":null})", R"({"a":2})"), R"({"a":2})");
  EXPECT_EQ(over_text("null", R"({"a":2})"), R"({"a":2})");
}

ModelForm form(std::string_view text) {
  return json::parse<ModelForm>(text);
}

TEST(Forms, KeepWhatTheClientSaysAndRefuseWhatCannotBe) {
  Model m = row_of(
      form(
          R"({"id":"a:b","name":"N","meta":{"tags":[{"name":"t"}],"x":1},"params":{"temperature":1}})"),
      "u");
  EXPECT_EQ(m.user_id, "u");
  EXPECT_EQ(json::int_at(m.meta, "x"), 1);
  EXPECT_TRUE(json::find(m.meta, "description")->is_null());
  EXPECT_THROW(row_of(form(R"({"id":"a b","name":"N","meta":{},"params":{}})"), "u"), Problem);
  for (std::string url : {"javascript:alert(1)", "data:image/svg+xml;base64,AA", "//evil/x.png"}) {
    std::string text =
        R"({"id":"a","name":"N","meta":{"profile_image_url":")" + url + R"("},"params":{}})";
    EXPECT_THROW(row_of(form(text), "u"), Problem) << url;
  }
  EXPECT_FALSE(row_of(form(R"({"id":"a","base_model_id":"a","name":"N","meta":{},"params":{}})"), "u")
                   .base_model_id);
}

// row 24
TEST(Picture, OnlyRasterImagesAreServed) {
  auto png = data_image("data:image/png;base64,iVBORw0KGgo=");
  ASSERT_TRUE(png);
  EXPECT_EQ(png->type, "image/png");
  EXPECT_EQ(png->bytes, "\x89PNG\r\n\x1a\n");
  for (const char* url :
       {"data:image/svg+xml;base64,AAAA", "data:text/html;base64,AAAA", "https://evil/x.png", "",
        "data:image/png;base64,%%", "data:image/png;base64,PGh0bWw+"})
    EXPECT_FALSE(data_image(url)) << url;
}

// Who asks it for a title as JSON must find none: the example in the prompt is no title.
TEST(Demo, EchoesNoObjectThatCouldBeTakenForAnAnswer) {
  std::string text = Demo::answer_to(json::Object{
      {"messages",
       json::Array{json::Object{{"role", "user"}, {"content", R"(Answer as {"title": "…"})"}}}}});
  EXPECT_EQ(text.find('{'), text.npos) << text;
  EXPECT_EQ(text.find('}'), text.npos) << text;
}

TEST(Demo, SaysWhatItIsAndEchoesSafely) {
  std::string text = Demo::answer_to(
      json::parse_value(
          R"({"messages":[{"role":"user","content":"first"},{"role":"user","content":"two\nlines"}]})")
          .as_object());
  EXPECT_NE(text.find("demonstration"), std::string::npos);
  EXPECT_NE(text.find("“two lines”"), std::string::npos);
  json::Object wide{
      {"messages", json::Array{json::Object{{"role", "user"}, {"content", std::string(5000, 'x')}}}}};
  EXPECT_LT(Demo::answer_to(wide).size(), 1500u);
  EXPECT_TRUE(valid_utf8(Demo::answer_to(json::Object{
      {"messages", json::Array{json::Object{{"role", "user"},
                                            {"content",
                                             "aéééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
                                             "ééééééééééééééééééééééééééééé"}}}}})));
}

}  // namespace
}  // namespace antiphon::models

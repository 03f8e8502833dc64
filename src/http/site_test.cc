#include "http/site.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "base/problem.h"
#include "http/testing.h"

namespace antiphon::http {
namespace {

constexpr Asset kAssets[] = {
    {"/index.html", "abc", "<html><script>one()</script><script src=\"/x.js\"></script>"},
    {"/assets/app-1f.js", "def", "identity", "br", "gzip"},
    {"/favicon.svg", "ghi", "<svg/>"},
    {"/docs/index.html", "jkl", "docs"},
};

std::string header_of(const Response& response, std::string_view name) {
  for (const auto& [field, value] : response.headers)
    if (field == name) return value;
  return {};
}

std::optional<Response> get(const Site& site, std::string path,
                            std::vector<std::pair<std::string, std::string>> headers = {}) {
  Request request = testing::request("GET", std::move(path));
  for (auto& [name, value] : headers) request.headers.add(name, value);
  return site.serve(request);
}

TEST(Site, FallsBackToThePageOnlyWhereTheClientRoutes) {  // U10
  StaticSite site(kAssets);
  for (const std::string& path : {"/", "/index.html", "/c/4711", "/admin/users", "/apix", "/s/a.b"}) {
    auto page = get(site, path);
    ASSERT_TRUE(page) << path;
    EXPECT_EQ(page->type, "text/html; charset=utf-8") << path;
  }
  for (const std::string& path :
       {"/api", "/api/v1/nowhere", "/ollama/x", "/openai/", "/oauth/x", "/ws/x", "/cache/x",
        "/static/x", "/assets/gone.js", "/gone.js", "/gone.png", "/_app/immutable/x"})
    EXPECT_FALSE(get(site, path)) << path;
  EXPECT_EQ(get(site, "/docs/")->fixed_body, "docs");
}

TEST(Site, KeepsHashedFilesForEverAndPagesNotAtAll) {
  StaticSite site(kAssets);

  EXPECT_EQ(header_of(*get(site, "/assets/app-1f.js"), "Cache-Control"),
            "public, max-age=31536000, immutable");
  EXPECT_EQ(header_of(*get(site, "/"), "Cache-Control"), "no-cache");
  EXPECT_EQ(header_of(*get(site, "/"), "ETag"), "\"abc\"");
}

TEST(Site, SendsTheSmallestFormTheClientTakes) {
  StaticSite site(kAssets);
  auto form = [&](std::string accept) {
    auto reply = get(site, "/assets/app-1f.js", {{"Accept-Encoding", accept}});
    return std::string(reply->fixed_body) + "/" + header_of(*reply, "Content-Encoding");
  };

  EXPECT_EQ(form("gzip, deflate, br, zstd"), "br/br");
  EXPECT_EQ(form("GZIP;q=0.5"), "gzip/gzip");
  EXPECT_EQ(form("br;q=0, gzip;q=0.0"), "identity/");
  EXPECT_EQ(form("brotli"), "identity/");
  EXPECT_EQ(form(""), "identity/");
  EXPECT_EQ(header_of(*get(site, "/assets/app-1f.js"), "Vary"), "Accept-Encoding");
}

TEST(Site, SaysWhenNothingHasChanged) {
  StaticSite site(kAssets);
  auto status = [&](std::string tag) {
    return get(site, "/assets/app-1f.js", {{"If-None-Match", tag}})->status;
  };

  EXPECT_EQ(status("\"def\""), 304);
  EXPECT_EQ(status("W/\"def-br\", \"x\""), 304);
  EXPECT_EQ(status("*"), 304);
  EXPECT_EQ(status("\"de\""), 200);
  EXPECT_EQ(status("\"defg\""), 200);
  EXPECT_EQ(status("def"), 200);
}

TEST(Site, AllowsAPagesOwnScriptsByHash) {
  StaticSite site(kAssets);
  std::string policy = header_of(*get(site, "/"), "Content-Security-Policy");

  // printf 'one()' | openssl dgst -sha256 -binary | base64
  EXPECT_NE(policy.find("script-src 'self' 'sha256-HR7iaask9daLMRRskMI++QeJtjWDOjyPA6lGzYGzKW4='"),
            std::string::npos)
      << policy;
  EXPECT_EQ(policy.find("unsafe-inline'; img"), policy.find("unsafe-inline'"));
  EXPECT_EQ(script_hashes("<SCRIPT type=module>a</Script><script src='x'>b</script>").size(), 53u);
  EXPECT_EQ(script_hashes("<script"), "");
  EXPECT_EQ(script_hashes("<script>unfinished"), "");
}

TEST(Site, ReadsADirectory) {
  namespace fs = std::filesystem;
  fs::path root = fs::temp_directory_path() / ("antiphon-site-" + random_hex(8));
  fs::create_directories(root / "assets");
  std::ofstream(root / "index.html") << "<html>";
  std::ofstream(root / "assets/a.css") << "body{}";
  std::ofstream(root / "assets/a.css.gz") << "packed";

  auto site = StaticSite::from_directory(root.string());
  fs::remove_all(root);

  EXPECT_EQ(get(*site, "/anything")->fixed_body, "<html>");
  EXPECT_EQ(get(*site, "/assets/a.css")->type, "text/css; charset=utf-8");
  EXPECT_EQ(get(*site, "/assets/a.css", {{"Accept-Encoding", "gzip"}})->fixed_body, "packed");
  EXPECT_THROW(StaticSite::from_directory(root.string()), Problem);
}

TEST(Site, EmbedsAPageInEveryBuild) {
  StaticSite site(embedded_assets());
  auto page = get(site, "/");

  ASSERT_TRUE(page);
  EXPECT_NE(page->fixed_body.find("<html"), std::string_view::npos);
}

}  // namespace
}  // namespace antiphon::http

#include "http/site.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/encode.h"
#include "base/problem.h"
#include "http/text.h"
#include "http/wire.h"

namespace antiphon::http {
namespace {

namespace fs = std::filesystem;

/// Paths that belong to programs: an unknown one is a 404 in JSON, never the client's page (U10).
constexpr std::array<std::string_view, 12> kReserved = {"/api",  "/ollama", "/openai", "/oauth",
                                                        "/ws",   "/cache",  "/static", "/assets",
                                                        "/_app", "/scim",   "/health", "/v1"};

bool is_under(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

bool is_reserved(std::string_view path) {
  return std::ranges::any_of(kReserved,
                             [&](std::string_view prefix) { return is_under(path, prefix); });
}

std::string_view ending_of(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  std::size_t dot = name.rfind('.');
  return dot == name.npos ? std::string_view{} : name.substr(dot + 1);
}

struct Type {
  std::string_view ending, type;
};
constexpr Type kTypes[] = {
    {"html", "text/html; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff2", "font/woff2"},
    {"woff", "font/woff"},
    {"ttf", "font/ttf"},
    {"wasm", "application/wasm"},
    {"txt", "text/plain; charset=utf-8"},
    {"xml", "application/xml"},
    {"pdf", "application/pdf"},
    {"mp3", "audio/mpeg"},
    {"wav", "audio/wav"},
    {"zip", "application/zip"},
    {"whl", "application/zip"},
};

/// Whether Accept-Encoding takes `coding`: named, and not with a weight of nothing.
bool accepts(std::string_view list, std::string_view coding) {
  while (!list.empty()) {
    std::string_view weight = take_part(list, ',');
    if (!equal_ignoring_case(trim(take_part(weight, ';')), coding)) continue;
    weight = trim(weight);
    return !weight.starts_with("q=0") || weight.find_first_of("123456789") != weight.npos;
  }
  return false;
}

/// If-None-Match names this content, in whatever encoding.
bool matches(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    std::string_view one = trim(take_part(list, ','));
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one.size() < 2 || one.front() != '"') continue;
    one = one.substr(1, one.size() - 2);
    if (one.starts_with(etag) && (one.size() == etag.size() || one[etag.size()] == '-')) return true;
  }
  return false;
}

std::string base64(std::string_view bytes) {
  std::string out = base64url(bytes);
  for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.good() && !in.eof())
    throw Problem(Problem::Kind::unavailable, "Cannot read " + path.string() + ".");
  return text;
}

/// File names of a directory, relative and with '/', in order.
std::vector<std::string> names_in(const fs::path& root) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file())
      names.push_back("/" + fs::relative(entry.path(), root).generic_string());
  std::ranges::sort(names);
  return names;
}

std::size_t find_ignoring_case(std::string_view text, std::string_view what, std::size_t from) {
  for (; from + what.size() <= text.size(); ++from)
    if (equal_ignoring_case(text.substr(from, what.size()), what)) return from;
  return text.npos;
}

}  // namespace

std::string_view type_of(std::string_view path) {
  std::string_view ending = ending_of(path);
  for (const Type& type : kTypes)
    if (equal_ignoring_case(type.ending, ending)) return type.type;
  return "application/octet-stream";
}

std::string script_hashes(std::string_view html) {
  std::string out;
  std::size_t at = 0;
  while ((at = find_ignoring_case(html, "<script", at)) != html.npos) {
    std::size_t begin = html.find('>', at);
    if (begin == html.npos) break;
    std::string_view tag = html.substr(at, begin - at);
    std::size_t end = find_ignoring_case(html, "</script", begin);
    if (end == html.npos) break;
    bool has_source = find_ignoring_case(tag, " src=", 0) != tag.npos;
    if (!has_source)
      out.append(out.empty() ? "'sha256-" : " 'sha256-")
          .append(base64(sha256(html.substr(begin + 1, end - begin - 1))))
          .append("'");
    at = end;
  }
  return out;
}

StaticSite::StaticSite(std::span<const Asset> assets) {
  for (const Asset& asset : assets) {
    Entry entry{.asset = asset, .type = std::string(type_of(asset.path))};
    entry.immutable = is_under(asset.path, "/assets") || asset.path.starts_with("/_app/immutable/");
    if (entry.type.starts_with("text/html")) entry.policy = page_policy(script_hashes(asset.identity));
    entries_.emplace(std::string(asset.path), std::move(entry));
  }
}
StaticSite::~StaticSite() = default;

std::unique_ptr<StaticSite> StaticSite::from_directory(const std::string& directory) {
  std::error_code missing;
  if (!fs::is_regular_file(fs::path(directory) / "index.html", missing))
    throw Problem(Problem::Kind::unavailable,
                  "FRONTEND_BUILD_DIR: there is no index.html in " + directory + ".");
  std::vector<std::string> names = names_in(directory), files, etags;
  std::size_t bytes = 0;
  for (const std::string& name : names) {
    files.push_back(read_file(directory + name));
    etags.push_back(hex(sha256(files.back())).substr(0, 20));
    if ((bytes += files.back().size()) > kMostBytes)
      throw Problem(Problem::Kind::unavailable, "FRONTEND_BUILD_DIR: " + directory + " is too large.");
  }
  auto encoded = [&](const std::string& name) -> std::string_view {
    auto found = std::ranges::lower_bound(names, name);
    if (found == names.end() || *found != name) return {};
    return files[static_cast<std::size_t>(found - names.begin())];
  };
  std::vector<Asset> assets;
  for (std::size_t i = 0; i != names.size(); ++i)
    assets.push_back({.path = names[i],
                      .etag = etags[i],
                      .identity = files[i],
                      .br = encoded(names[i] + ".br"),
                      .gzip = encoded(names[i] + ".gz")});
  auto site = std::make_unique<StaticSite>(assets);
  // Moving the outer vectors leaves the strings, and so the views into them, where they are.
  site->files_ = std::move(files);
  site->etags_ = std::move(etags);
  return site;
}

const StaticSite::Entry* StaticSite::find(std::string_view path) const {
  auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

std::optional<Response> StaticSite::serve(const Request& request) const {
  if (const Entry* exact = find(request.path)) return answer(*exact, request);
  if (request.path.ends_with('/'))
    if (const Entry* page = find(request.path + "index.html")) return answer(*page, request);
  // A file that is gone must not come back as a page: the browser would run it as a script.
  if (is_reserved(request.path) || type_of(request.path) != type_of("")) return std::nullopt;
  const Entry* index = find("/index.html");
  if (!index) return std::nullopt;
  return answer(*index, request);
}

Response StaticSite::answer(const Entry& entry, const Request& request) const {
  const Asset& asset = entry.asset;
  std::string_view coding = request.headers.get("accept-encoding");
  bool br = !asset.br.empty() && accepts(coding, "br");
  bool gzip = !br && !asset.gzip.empty() && accepts(coding, "gzip");
  Response out{.type = entry.type};
  out.header("ETag", "\"" + std::string(asset.etag) + (br ? "-br" : gzip ? "-gz" : "") + "\"");
  out.header("Cache-Control", entry.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (!asset.br.empty() || !asset.gzip.empty()) out.header("Vary", "Accept-Encoding");
  if (!entry.policy.empty()) out.header("Content-Security-Policy", entry.policy);
  if (matches(request.headers.get("if-none-match"), asset.etag)) {
    out.status = 304;
    return out;
  }
  if (br) out.header("Content-Encoding", "br");
  if (gzip) out.header("Content-Encoding", "gzip");
  out.fixed_body = br ? asset.br : gzip ? asset.gzip : asset.identity;
  return out;
}

}  // namespace antiphon::http

#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.h"

namespace antiphon::http {

/// A file of the web client, as it leaves the server. Views into memory that lives as long.
struct Asset {
  std::string_view path;  ///< "/assets/index-4f2a.js"
  std::string_view etag;  ///< Of the content, without quotes; encodings get a suffix.
  std::string_view identity;
  std::string_view br = {};    ///< Empty when not worth it.
  std::string_view gzip = {};  ///< Likewise.
};

/// The client that was embedded when the program was built, or a page that says how to build it.
/// Defined by the library antiphon_site (embed_site.cmake).
std::span<const Asset> embedded_assets();

/// Serves a built web client from memory: hashed files for ever, pages with an ETag and a policy that
/// allows their own inline scripts by hash and no others, and index.html for every path the client
/// routes itself. Any thread.
class StaticSite final : public Site {
 public:
  explicit StaticSite(std::span<const Asset> assets);
  ~StaticSite() override;

  /// Reads a directory whole, at most kMostBytes of it: FRONTEND_BUILD_DIR. Next to a file, its .br and
  /// .gz are its encodings. Throws a Problem when there is no index.html.
  static std::unique_ptr<StaticSite> from_directory(const std::string& directory);

  std::optional<Response> serve(const Request& request) const override;

  static constexpr std::size_t kMostBytes = 1 << 30;

 private:
  struct Entry {
    Asset asset;
    std::string type;
    std::string policy;  ///< For pages.
    bool immutable = false;
  };
  Response answer(const Entry& entry, const Request& request) const;
  const Entry* find(std::string_view path) const;

  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> files_, etags_;  ///< Of from_directory(); entries_ point into them.
};

/// "'sha256-…'" for every inline script of a page, separated by blanks.
std::string script_hashes(std::string_view html);
/// By the ending of the name; "application/octet-stream" when unknown.
std::string_view type_of(std::string_view path);

}  // namespace antiphon::http

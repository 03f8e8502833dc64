#include "features/users/avatar.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/encode.h"
#include "base/problem.h"
#include "features/users/users.h"

namespace antiphon::users {
namespace {

bool plain_https(std::string_view url) {
  if (!url.starts_with("https://") || url.size() > 2048) return false;
  std::string_view host = url.substr(8, url.find('/', 8) - 8);
  bool odd = std::ranges::any_of(
      url, [](unsigned char c) { return c <= 0x20 || c >= 0x7F || c == '\\' || c == '"'; });
  return !odd && !host.empty() && host.find('@') == host.npos;
}

/// The first character, whole, when it is plain enough to be put into markup as it is.
std::string initial_of(std::string_view name) {
  if (name.empty()) return "?";
  auto c = static_cast<unsigned char>(name[0]);
  if (c < 0x80) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter ? std::string(1, static_cast<char>(c >= 'a' ? c - 32 : c)) : "?";
  }
  std::size_t size = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
  std::string out(name.substr(0, size));
  return valid_utf8(out) ? out : "?";
}

http::Response letter(const std::string& id, std::string_view name) {
  constexpr std::array<std::string_view, 8> kColours = {"#7a5c2e", "#2e6f7a", "#5b4a8a", "#3d6b3f",
                                                        "#8a4a5e", "#46628c", "#6b5d3d", "#7a3f2e"};
  std::uint32_t sum = 0;
  for (unsigned char c : id) sum = sum * 31 + c;
  std::string svg =
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill=")";
  svg.append(kColours[sum % kColours.size()]);
  svg.append(
      R"("/><text x="32" y="43" font-family="sans-serif" font-size="32" fill="#fff" text-anchor="middle">)");
  svg.append(initial_of(name)).append("</text></svg>");
  return {.type = "image/svg+xml", .body = std::move(svg)};
}

}  // namespace

std::optional<DataImage> image_in(std::string_view url, const std::vector<std::string>& types) {
  std::optional<DataImage> image = data_image(url);
  if (image && std::ranges::find(types, image->type) == types.end()) image.reset();
  return image;
}

void check_image_url(std::string_view url, const UserId& owner, const std::vector<std::string>& types,
                     std::size_t max_bytes) {
  bool ours = url.empty() || url == "/user.png" || url == "/favicon.png" ||
              url == "/static/favicon.png" || is_own_image(url, owner);
  if (ours) return;
  if (url.size() <= max_bytes && (image_in(url, types) || plain_https(url))) return;
  throw Problem(Problem::Kind::invalid,
                "A profile image is a PNG, JPEG, GIF or WebP image of at most " +
                    std::to_string(max_bytes) + " bytes.")
      .answering(422);
}

std::string image_path(const UserId& id) {
  return "/api/v1/users/" + id.value + "/profile/image";
}

bool is_own_image(std::string_view url, const UserId& owner) {
  return !owner.value.empty() && (url == image_path(owner) || blob_in(url, owner));
}

std::optional<blobs::BlobId> blob_in(std::string_view stored, const UserId& owner) {
  std::string own = image_path(owner) + "?v=";
  if (!stored.starts_with(own) || !blobs::is_id(stored.substr(own.size()))) return std::nullopt;
  return blobs::BlobId{std::string(stored.substr(own.size()))};
}

std::string shown_image(const std::string& id, std::string stored) {
  if (stored.starts_with("https:") || stored.starts_with("http:") || stored.starts_with("//") ||
      stored.empty())
    return image_path({id});
  return stored;
}

http::Response picture(const std::string& id, std::string_view name, std::string_view stored,
                       const std::vector<std::string>& types, std::optional<std::string> kept) {
  http::Response out;
  std::string_view type = kept ? image_type(*kept) : "";
  if (std::ranges::find(types, type) != types.end())
    out = {.type = std::string(type), .body = std::move(*kept)};
  else if (std::optional<DataImage> image = image_in(stored, types))
    out = {.type = std::move(image->type), .body = std::move(image->bytes)};
  else
    out = letter(id, name);
  out.header("Cache-Control", "private, max-age=300");
  out.header("X-Content-Type-Options", "nosniff");
  out.header("Content-Security-Policy", "default-src 'none'; sandbox");
  return out;
}

}  // namespace antiphon::users

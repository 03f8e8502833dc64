#include "base/data_image.h"

#include <utility>

#include "base/encode.h"

namespace antiphon {
namespace {

bool begins_as(std::string_view type, std::string_view bytes) {
  using namespace std::string_view_literals;
  if (type == "image/png") return bytes.starts_with("\x89PNG\r\n\x1a\n"sv);
  if (type == "image/jpeg") return bytes.starts_with("\xFF\xD8\xFF"sv);
  if (type == "image/gif") return bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv);
  if (type == "image/webp")
    return bytes.size() > 12 && bytes.starts_with("RIFF"sv) && bytes.substr(8, 4) == "WEBP";
  return false;
}

}  // namespace

std::optional<DataImage> data_image(std::string_view url) {
  if (!url.starts_with("data:")) return std::nullopt;
  std::size_t comma = url.find(',');
  if (comma == url.npos) return std::nullopt;
  std::string_view head = url.substr(5, comma - 5);
  if (!head.ends_with(";base64")) return std::nullopt;
  std::string type(head.substr(0, head.size() - 7));
  std::optional<std::string> bytes = base64_decode(url.substr(comma + 1));
  if (!bytes || !begins_as(type, *bytes)) return std::nullopt;
  return DataImage{std::move(type), std::move(*bytes)};
}

std::string_view image_type(std::string_view bytes) {
  for (std::string_view type : {"image/png", "image/jpeg", "image/gif", "image/webp"})
    if (begins_as(type, bytes)) return type;
  return {};
}

std::string data_url(std::string_view type, std::string_view bytes) {
  return "data:" + std::string(type) + ";base64," + base64(bytes);
}

}  // namespace antiphon

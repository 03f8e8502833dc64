#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace antiphon {

struct DataImage {
  std::string type;  ///< "image/png"
  std::string bytes;
};

/// The raster image (PNG, JPEG, GIF, WebP) in a "data:image/png;base64,…" URL; nothing when it is none,
/// or its bytes do not begin as its type says. Pure.
std::optional<DataImage> data_image(std::string_view url);

/// "image/png" and the like, by how the bytes begin; "" when they are no raster image. Pure.
std::string_view image_type(std::string_view bytes);
/// What data_image() reads. Pure.
std::string data_url(std::string_view type, std::string_view bytes);

}  // namespace antiphon

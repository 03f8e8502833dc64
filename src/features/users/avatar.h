#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/call.h"
#include "http/caller.h"

/// Pictures of users. Only raster images are kept, and no picture makes a browser ask another server
/// (rows 15, 37). Pure functions.
namespace antiphon::users {

struct Image {
  std::string type;  ///< "image/png"
  std::string bytes;
};

/// The image in a "data:image/png;base64,…" URL, when it is one of the types and its bytes are.
std::optional<Image> image_in(std::string_view data_url, const std::vector<std::string>& types);

inline constexpr std::size_t kMaxImageUrl = 1 << 20;

/// Throws Problem (422) unless `url` may be a user's picture: nothing, our own default, his own
/// image's path, a raster data: URL, or an https address, which is kept but never shown.
void check_image_url(std::string_view url, const UserId& owner, const std::vector<std::string>& types,
                     std::size_t max_bytes = kMaxImageUrl);

/// Where clients find the picture of a user.
std::string image_path(const UserId& id);
/// What is shown as profile_image_url: what is stored, unless that is on another server.
std::string shown_image(const std::string& id, std::string stored);

/// The picture: the stored one, else a letter on a colour that stays the same.
http::Response picture(const std::string& id, std::string_view name, std::string_view stored,
                       const std::vector<std::string>& types);

}  // namespace antiphon::users

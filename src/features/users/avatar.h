#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/call.h"
#include "http/caller.h"

/// Pictures of users; users.h says the rest. Only raster images are kept, and no picture makes a
/// browser ask another server (rows 15, 37). Pure functions.
namespace antiphon::users {

struct Image {
  std::string type;  ///< "image/png"
  std::string bytes;
};

/// The image in a "data:image/png;base64,…" URL, when it is one of the types and its bytes are.
std::optional<Image> image_in(std::string_view data_url, const std::vector<std::string>& types);

/// The picture: the stored one, else a letter on a colour that stays the same.
http::Response picture(const std::string& id, std::string_view name, std::string_view stored,
                       const std::vector<std::string>& types);

}  // namespace antiphon::users

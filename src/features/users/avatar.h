#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/data_image.h"
#include "http/call.h"
#include "http/caller.h"

/// Pictures of users; users.h says the rest. Only raster images are kept, and no picture makes a
/// browser ask another server (rows 15, 37). Pure functions.
namespace antiphon::users {

/// The image in a "data:image/png;base64,…" URL, when it is of one of the types.
std::optional<DataImage> image_in(std::string_view data_url, const std::vector<std::string>& types);

/// The picture: the stored one, else a letter on a colour that stays the same.
http::Response picture(const std::string& id, std::string_view name, std::string_view stored,
                       const std::vector<std::string>& types);

}  // namespace antiphon::users

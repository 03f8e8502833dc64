#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/data_image.h"
#include "blobs/blob.h"
#include "http/call.h"
#include "http/caller.h"

/// Pictures of users; users.h says the rest. Only raster images are kept, and no picture makes a
/// browser ask another server (rows 15, 37). Pure functions.
namespace antiphon::users {

/// The image in a "data:image/png;base64,…" URL, when it is of one of the types.
std::optional<DataImage> image_in(std::string_view data_url, const std::vector<std::string>& types);

/// The blob that is stored as the picture of `owner`; nothing when that is none. An address of somebody
/// else's gives nobody his blob.
std::optional<blobs::BlobId> blob_in(std::string_view stored, const UserId& owner);

/// The picture: the stored one, else a letter on a colour that stays the same. `kept`: the bytes of the
/// blob it is.
http::Response picture(const std::string& id, std::string_view name, std::string_view stored,
                       const std::vector<std::string>& types, std::optional<std::string> kept = {});

}  // namespace antiphon::users

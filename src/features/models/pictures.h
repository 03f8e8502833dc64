#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "blobs/blob.h"
#include "features/models/rows.h"

namespace antiphon::blobs {
class Blobs;
}

/// Pictures of models: blobs, of which the row's meta has the address.
namespace antiphon::models {

class Models;

/// Where clients find the picture of a model that is this blob, as it is stored.
std::string picture_url(std::string_view model_id, const blobs::BlobId& blob);

/// What such an address names.
struct PictureUrl {
  std::string model_id;
  blobs::BlobId blob;
};
std::optional<PictureUrl> parse_picture_url(std::string_view url);

/// Tells the sweeper which blobs are in use.
void refer_to_pictures(blobs::Blobs& blobs);

/// Readies what somebody wrote for its row: an image in the form becomes a blob. An address is kept
/// when it is that of a picture he may see, so that copies of a model have it too; else it gives nobody
/// a blob.
Task<> keep_picture(Models& models, Reader who, Model& row);
/// Puts the image itself in place of its address, for what leaves this server.
Task<> embed_picture(blobs::Blobs& blobs, json::Value& meta);
/// The image's bytes and type; nothing when the model has none of its own.
struct Picture {
  std::string type, bytes;
};
Task<std::optional<Picture>> picture_of(blobs::Blobs& blobs, json::Value meta);

}  // namespace antiphon::models

#include "features/models/pictures.h"

#include <boost/json.hpp>
#include <utility>

#include "base/data_image.h"
#include "base/encode.h"
#include "blobs/blobs.h"
#include "features/models/service.h"
#include "json/text.h"

namespace antiphon::models {
namespace {

constexpr std::string_view kMember = "profile_image_url";
constexpr std::string_view kPath = "/api/v1/models/model/profile/image?id=";

/// The addresses in all rows and in all that is kept of earlier ones.
constexpr store::Sql kReferences{"models.pictures", R"(
    SELECT substr(url, -64) AS value
      FROM (SELECT CASE WHEN json_valid(meta) THEN json_extract(meta, '$.profile_image_url') END AS url
              FROM model
             UNION ALL
            SELECT CASE WHEN json_valid(snapshot) THEN json_extract(snapshot, '$.meta.profile_image_url') END
              FROM model_history) AS pictures
     WHERE substr(url, -64) IN (SELECT value FROM json_each($1)))",
                                 R"(
    SELECT right(url, 64) AS value
      FROM (SELECT meta::json ->> 'profile_image_url' AS url FROM model
             UNION ALL
            SELECT snapshot::json -> 'meta' ->> 'profile_image_url' FROM model_history) AS pictures
     WHERE right(url, 64) = ANY($1))"};

std::string url_in(const json::Value& meta) {
  return std::string(json::text_at(meta, kMember));
}

bool same_picture(const RegisteredPtr& model, const blobs::BlobId& blob) {
  auto theirs = model ? parse_picture_url(url_in(model->row.meta)) : std::nullopt;
  return theirs && theirs->blob == blob;
}

}  // namespace

std::string picture_url(std::string_view model_id, const blobs::BlobId& blob) {
  return std::string(kPath) + percent_encode(model_id) + "&v=" + blob.value;
}

std::optional<PictureUrl> parse_picture_url(std::string_view url) {
  if (!url.starts_with(kPath)) return std::nullopt;
  url.remove_prefix(kPath.size());
  std::size_t mark = url.find("&v=");
  if (mark == url.npos || !blobs::is_id(url.substr(mark + 3))) return std::nullopt;
  auto id = percent_decode(url.substr(0, mark));
  if (!id) return std::nullopt;
  return PictureUrl{std::move(*id), {std::string(url.substr(mark + 3))}};
}

void refer_to_pictures(blobs::Blobs& blobs) {
  blobs.referenced_by(kReferences);
}

Task<> keep_picture(Models& models, Reader who, Model& row) {
  blobs::Blobs& blobs = models.parts().blobs;
  std::string url = url_in(row.meta);
  if (auto image = data_image(url)) {
    blobs::Blob kept = co_await blobs.put(std::move(image->bytes));
    row.meta.as_object()[kMember] = picture_url(row.id, kept.id);
    co_return;
  }
  auto named = parse_picture_url(url);
  if (!named) co_return;
  RowSetPtr rows = co_await models.rows().current();
  RegisteredPtr owner = rows->find(named->model_id);
  bool sees = owner && (owner->owned_by(who) || owner->granted(who, Right::read) ||
                        owner->granted(who, Right::write));
  if (sees && same_picture(owner, named->blob) && co_await blobs.hold(named->blob))
    row.meta.as_object()[kMember] = picture_url(row.id, named->blob);
  else
    row.meta.as_object().erase(kMember);
}

Task<> embed_picture(blobs::Blobs& blobs, json::Value& meta) {
  auto named = parse_picture_url(url_in(meta));
  if (!named) co_return;
  if (auto bytes = co_await blobs.read(std::move(named->blob)))
    meta.as_object()[kMember] = data_url(image_type(*bytes), *bytes);
}

Task<std::optional<Picture>> picture_of(blobs::Blobs& blobs, json::Value meta) {
  std::string url = url_in(meta);
  if (auto image = data_image(url)) co_return Picture{std::move(image->type), std::move(image->bytes)};
  auto named = parse_picture_url(url);
  if (!named) co_return std::nullopt;
  auto bytes = co_await blobs.read(std::move(named->blob));
  if (!bytes || image_type(*bytes).empty()) co_return std::nullopt;
  std::string type(image_type(*bytes));
  co_return Picture{std::move(type), std::move(*bytes)};
}

}  // namespace antiphon::models

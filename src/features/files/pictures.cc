#include "features/files/pictures.h"

#include <algorithm>

#include "base/data_image.h"
#include "base/problem.h"

namespace antiphon::files {
namespace {

constexpr std::int64_t kBeginning = 64;  // Bytes that tell what an image is.

}  // namespace

Task<> Pictures::check(const User& me, std::string id) const {
  auto file = co_await guard_.readable(me, std::move(id));
  if (!file) throw not_found("File");
  if (file->size > kMost)
    throw Problem(Problem::Kind::too_large,
                  "\"" + file->filename + "\" is too large for a model: a picture has at most 16 MiB.");
  auto pieces = co_await files_.open(*file, {.offset = 0, .size = kBeginning});
  if (image_type(co_await pieces->read()).empty())
    throw Problem(
        Problem::Kind::invalid,
        "\"" + file->filename + "\" is no picture that models are shown: PNG, JPEG, GIF, WebP.");
}

Task<std::optional<std::string>> Pictures::read(const User& me, std::string id,
                                                std::int64_t room) const {
  auto file = co_await guard_.readable(me, std::move(id));
  if (!file || file->size > std::min(room, kMost)) co_return std::nullopt;
  auto pieces = co_await files_.open(*file);
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(file->size));
  for (;;) {
    std::string piece = co_await pieces->read();
    if (piece.empty()) break;
    bytes += piece;
  }
  std::string_view type = image_type(bytes);
  if (type.empty()) co_return std::nullopt;
  co_return data_url(type, bytes);
}

}  // namespace antiphon::files

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "http/caller.h"
#include "json/text.h"

/// Pictures that messages name by their files. A message keeps the address; the bytes are put in its
/// place when a model is asked, with the rights that who asks has then (row 49).
namespace antiphon::completions {

/// What files there are; empty functions where there are none.
struct Pictures {
  /// Throws Problem: 404 for a file he may not read, 400 or 413 for what is no picture for models.
  std::function<Task<>(const User& me, std::string file_id)> check;
  /// As a data: URL; nothing where check() throws, and for one of more than `room` bytes.
  std::function<Task<std::optional<std::string>>(const User& me, std::string file_id,
                                                 std::int64_t room)>
      read;
};

/// Bytes of files that go along in one call.
inline constexpr std::int64_t kMostPictures = 32 << 20;

/// The id of the file that an image's address names: the id itself, `/api/v1/files/{id}/content` or the
/// same of whatever host. Nothing for data: URLs, and for addresses of others.
std::optional<std::string> file_named(std::string_view url);

/// Throws as Pictures::check() for the first picture of `messages` (OpenAI's shape) that may not be.
Task<> check_pictures(const Pictures& pictures, const User& me, const json::Array& messages);

/// Puts the pictures in place of the addresses of files, the latest first. What may not be read (any
/// more), and what goes beyond kMostPictures, is left out: a chat goes on without it.
Task<> put_pictures(const Pictures& pictures, const User& me, json::Array& messages);

}  // namespace antiphon::completions

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "features/files/files.h"

/// Files as models are shown them.
namespace antiphon::files {

/// Pictures of a user's files, for what he asks a model. Any thread.
class Pictures {
 public:
  static constexpr std::int64_t kMost = 16 << 20;  ///< Bytes of one picture.

  Pictures(const Files& files, const Guard& guard) : files_(files), guard_(guard) {}

  /// Throws Problem: 404 for what `me` may not read, 400 for what is no raster image (PNG, JPEG, GIF,
  /// WebP) by its first bytes, 413 for one of more than kMost.
  Task<> check(const User& me, std::string id) const;
  /// The picture as a data: URL. Nothing where check() throws, and for one of more than `room` bytes.
  Task<std::optional<std::string>> read(const User& me, std::string id, std::int64_t room) const;

 private:
  const Files& files_;
  const Guard& guard_;
};

}  // namespace antiphon::files

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/task.h"

namespace antiphon::blobs {

struct Blob;
/// SHA-256 of a blob's bytes, 64 lower-case hexadecimal digits: the same bytes have the same id on
/// every replica.
using BlobId = Id<Blob>;

struct Blob {
  BlobId id;
  std::int64_t size = 0;
};

/// Whether it may be a BlobId's value.
bool is_id(std::string_view text);

/// Bytes of a blob; by default all.
struct Range {
  std::int64_t offset = 0;
  std::int64_t size = -1;  ///< -1: to the end.
};

/// Bytes that come in pieces. One coroutine at a time.
class Pieces {
 public:
  virtual ~Pieces() = default;
  /// The next ones, at most kPiece or as a server sends them; "" at the end.
  virtual Task<std::string> read() = 0;
};
inline constexpr std::int64_t kPiece = 256 * 1024;

}  // namespace antiphon::blobs

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/task.h"
#include "blobs/blob.h"
#include "blobs/spool.h"

namespace antiphon::blobs {

/// What holds the bytes. It knows ids and nothing else: which blobs there are is for the table `blob`
/// (blobs.h). All may be called by several processes at once, for one id too. Any thread.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Where bytes lie, for messages and to compare replicas: the same on all of them. No secrets.
  virtual std::string place() const = 0;
  /// Before serving. Throws Problem with the cure when bytes cannot be kept here.
  virtual Task<> prepare() = 0;

  /// Where a blob lies while it arrives; a spool there keeps its name when `moves()`.
  virtual std::string spool_folder() const = 0;
  virtual bool moves() const { return false; }

  /// Whether all its bytes are here.
  virtual Task<bool> has(Blob blob) = 0;
  /// Makes them durable; over those of the same id, which are the same.
  virtual Task<> store(SpoolPtr spool) = 0;
  /// Null when there are none. `range` is within the blob, with a size.
  virtual Task<std::unique_ptr<Pieces>> open(Blob blob, Range range) = 0;
  /// None there is as well.
  virtual Task<> remove(BlobId id) = 0;

  /// Says to other processes that this one keeps bytes here, and forgets what is older than `stale`
  /// seconds.
  virtual Task<> mark(std::string node, std::int64_t stale) {
    (void)node, (void)stale;
    co_return;
  }
  virtual Task<> unmark(std::string node) {
    (void)node;
    co_return;
  }
  /// Whether the mark of another process is seen here.
  virtual Task<bool> sees(std::string node) {
    (void)node;
    co_return true;
  }
};

}  // namespace antiphon::blobs

#pragma once

#include <string>

#include "blobs/backend.h"
#include "store/db.h"

namespace antiphon::blobs {

/// Bytes as rows of `blob_chunk`, kPiece each: every replica sees them, and the database's backup holds
/// them.
class Database final : public Backend {
 public:
  Database(store::Db& db, std::string spool_folder) : db_(db), spool_folder_(std::move(spool_folder)) {}

  std::string place() const override { return "the database"; }
  Task<> prepare() override;
  std::string spool_folder() const override { return spool_folder_; }
  Task<bool> has(Blob blob) override;
  Task<> store(SpoolPtr spool) override;
  Task<std::unique_ptr<Pieces>> open(Blob blob, Range range) override;
  Task<> remove(BlobId id) override;

 private:
  store::Db& db_;
  const std::string spool_folder_;
};

}  // namespace antiphon::blobs

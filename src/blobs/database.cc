#include "blobs/database.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/disk.h"
#include "base/encode.h"
#include "base/problem.h"
#include "json/dto.h"

namespace antiphon::blobs {

struct ChunkRow {
  std::string bytes;  ///< Base64.
};
ANTIPHON_DTO(ChunkRow, bytes)
ANTIPHON_DTO_DEFINE(ChunkRow)

struct SizeRow {
  std::int64_t size = 0;
};
ANTIPHON_DTO(SizeRow, size)
ANTIPHON_DTO_DEFINE(SizeRow)

namespace {

constexpr store::Sql kPut{"blobs.put_chunk", R"(
    INSERT INTO blob_chunk (blob_id, number, size, bytes)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (blob_id, number) DO UPDATE SET size = excluded.size, bytes = excluded.bytes)",
                          R"(
    INSERT INTO blob_chunk (blob_id, number, size, bytes)
    VALUES ($1, $2, $3, decode($4::text, 'base64'))
    ON CONFLICT (blob_id, number) DO UPDATE SET size = excluded.size, bytes = excluded.bytes)"};
constexpr store::Sql kChunk{"blobs.chunk",
                            "SELECT bytes FROM blob_chunk WHERE blob_id = $1 AND number = $2", R"(
    SELECT translate(encode(bytes, 'base64'), E'\n', '') AS bytes
      FROM blob_chunk
     WHERE blob_id = $1 AND number = $2)"};
constexpr store::Sql kSize{
    "blobs.size",
    "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) AS size FROM blob_chunk WHERE blob_id = $1"};
constexpr store::Sql kRemove{"blobs.remove_chunks", "DELETE FROM blob_chunk WHERE blob_id = $1"};

/// Chunks that go in one transaction: a mebibyte holds up other writers of SQLite for some
/// milliseconds.
constexpr std::size_t kTogether = 4;

class RowPieces final : public Pieces {
 public:
  RowPieces(store::Db& db, std::string id, Range range)
      : db_(db), id_(std::move(id)), at_(range.offset), left_(range.size) {}

  Task<std::string> read() override {
    if (left_ == 0) co_return std::string();
    auto row = co_await db_.first<ChunkRow>(kChunk, id_, at_ / kPiece);
    auto bytes = row ? base64_decode(row->bytes) : std::nullopt;
    auto from = static_cast<std::size_t>(at_ % kPiece);
    if (!bytes || bytes->size() <= from) co_return std::string();
    std::string out = bytes->substr(from, static_cast<std::size_t>(left_));
    at_ += static_cast<std::int64_t>(out.size());
    left_ -= static_cast<std::int64_t>(out.size());
    co_return out;
  }

 private:
  store::Db& db_;
  const std::string id_;
  std::int64_t at_, left_;
};

}  // namespace

Task<> Database::prepare() {
  co_await on_disk([this] { make_folder(spool_folder_); });
}

Task<bool> Database::has(Blob blob) {
  auto row = co_await db_.first<SizeRow>(kSize, blob.id);
  co_return row && row->size == blob.size;
}

Task<> Database::store(SpoolPtr spool) {
  const Blob& blob = spool->blob();
  std::vector<store::Bound> statements;
  for (std::int64_t at = 0; at < blob.size; at += kPiece) {
    std::string bytes;
    co_await on_disk([&] { bytes = spool->read(at, std::min(kPiece, blob.size - at)); });
    statements.emplace_back(kPut, blob.id, at / kPiece, static_cast<std::int64_t>(bytes.size()),
                            base64(bytes));
    if (statements.size() == kTogether) co_await db_.batch(std::exchange(statements, {}));
  }
  if (!statements.empty()) co_await db_.batch(std::move(statements));
}

Task<std::unique_ptr<Pieces>> Database::open(Blob blob, Range range) {
  // A missing chunk is found when it is read: the reader counts bytes.
  co_return std::make_unique<RowPieces>(db_, std::move(blob.id.value), range);
}

Task<> Database::remove(BlobId id) {
  co_await db_.run(kRemove, id);
}

}  // namespace antiphon::blobs

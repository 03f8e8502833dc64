#include "vectors/builtin.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"
#include "json/dto.h"
#include "vectors/scan.h"

namespace antiphon::vectors {

static_assert(std::endian::native == std::endian::little, "vectors are stored as little-endian floats");

struct IndexRow {
  std::string id;
  std::string collection;
  std::string embedder;
  std::int64_t dimension;
  std::int64_t version;
  std::int64_t removed;
};
ANTIPHON_DTO(IndexRow, id, collection, embedder, dimension, version, removed)
ANTIPHON_DTO_DEFINE(IndexRow)

struct VectorRow {
  std::string file;
  std::int64_t position;
  std::string vector;
};
ANTIPHON_DTO(VectorRow, file, position, vector)
ANTIPHON_DTO_DEFINE(VectorRow)

struct ContentRow {
  std::string text;
  json::Value data;
};
ANTIPHON_DTO(ContentRow, text, data)
ANTIPHON_DTO_DEFINE(ContentRow)

struct CountRow {
  std::int64_t count;
};
ANTIPHON_DTO(CountRow, count)
ANTIPHON_DTO_DEFINE(CountRow)

struct Builtin::Index : IndexRow {};

/// An index in memory. Never changed once it is shared.
struct Matrix {
  struct Key {
    std::string file;
    std::int64_t position;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::string>()(key.file) ^
             (static_cast<std::size_t>(key.position) * 0x9e3779b97f4a7c15u);
    }
  };
  std::int64_t version = 0;
  std::vector<float> rows;
  std::vector<Key> keys;                          ///< Of each row.
  std::unordered_map<Key, std::size_t, Hash> at;  ///< Row of each key.

  /// Near enough: names of files are short.
  std::size_t bytes() const { return rows.size() * sizeof(float) + keys.size() * 300; }
};

namespace {

using store::Sql;

constexpr Sql kOpen{"vectors.open", R"(
    INSERT INTO vector_index (id, collection, embedder, dimension, version, removed, live)
    VALUES ($1, $2, $3, $4, 1, 0, 1) ON CONFLICT (collection, live) DO NOTHING)"};
constexpr Sql kBegin{"vectors.begin", R"(
    INSERT INTO vector_index (id, collection, embedder, dimension, version, removed, live)
    VALUES ($1, $2, $3, $4, 1, 0, 0))"};
constexpr Sql kForget{"vectors.forget", "DELETE FROM vector_index WHERE collection = $1 AND live = 0"};
constexpr Sql kRetire{"vectors.retire", R"(
    DELETE FROM vector_index WHERE collection = $1 AND live = 1
    AND EXISTS (SELECT 1 FROM vector_index WHERE id = $2 AND collection = $1 AND live = 0))"};
constexpr Sql kPromote{
    "vectors.promote",
    "UPDATE vector_index SET live = 1 WHERE id = $2 AND collection = $1 AND live = 0"};
constexpr Sql kLive{"vectors.live",
                    R"(
    SELECT id, collection, embedder, dimension, version, removed FROM vector_index
    WHERE live = 1 AND collection IN (SELECT value FROM json_each($1)))",
                    R"(
    SELECT id, collection, embedder, dimension, version, removed FROM vector_index
    WHERE live = 1 AND collection = ANY($1))"};
// Locks the index, so versions are committed in their order.
constexpr Sql kTouch{"vectors.touch", R"(
    UPDATE vector_index SET version = version + 1 WHERE id = $1 AND embedder = $2 AND dimension = $3)"};
constexpr Sql kPut{"vectors.put", R"(
    INSERT INTO vector_chunk (index_id, file, position, hash, text, data, vector, version)
    SELECT id, $4, CAST($5 AS BIGINT), $6, $7, $8, $9, version FROM vector_index
    WHERE id = $1 AND embedder = $2 AND dimension = $3
    ON CONFLICT (index_id, file, position) DO UPDATE
    SET hash = excluded.hash, text = excluded.text, data = excluded.data, vector = excluded.vector,
        version = excluded.version
    WHERE vector_chunk.hash <> excluded.hash)"};
constexpr Sql kMarkRemoved{"vectors.mark_removed", R"(
    UPDATE vector_index SET version = version + 1, removed = version + 1 WHERE collection = $1)"};
constexpr Sql kRemove{"vectors.remove", R"(
    DELETE FROM vector_chunk WHERE file = $2 AND position >= $3
    AND index_id IN (SELECT id FROM vector_index WHERE collection = $1))"};
constexpr Sql kDrop{"vectors.drop", "DELETE FROM vector_index WHERE collection = $1"};
constexpr Sql kCount{"vectors.count", R"(
    SELECT count(*) AS count FROM vector_chunk JOIN vector_index ON id = index_id
    WHERE collection = $1 AND live = 1)"};
constexpr Sql kSize{"vectors.size", "SELECT count(*) AS count FROM vector_chunk WHERE index_id = $1"};
constexpr std::int64_t kPage = 1000;
constexpr Sql kNewer{"vectors.newer", R"(
    SELECT file, position, vector FROM vector_chunk
    WHERE index_id = $1 AND version > $2 AND (file, position) > ($3, $4)
    ORDER BY file, position LIMIT $5)"};
constexpr Sql kContent{"vectors.content", R"(
    SELECT text, data FROM vector_chunk WHERE index_id = $1 AND file = $2 AND position = $3)"};

Problem refused(std::string_view collection, const Binding& has, const Binding& asked) {
  return Problem(Problem::Kind::conflict,
                 "The collection was indexed with another embedding model. Index it again, or go back "
                 "to that "
                 "model.")
      .because(std::string(collection) + " is bound to " + has.embedder + " (" +
               std::to_string(has.dimension) + "), asked was " + asked.embedder + " (" +
               std::to_string(asked.dimension) + ")");
}

void check(const std::vector<float>& vector, std::int64_t dimension) {
  double square = 0;
  for (float x : vector) square += static_cast<double>(x) * x;
  if (static_cast<std::int64_t>(vector.size()) != dimension || !(std::abs(square - 1) < 1e-2)) {
    throw Problem(Problem::Kind::invalid,
                  "A vector is not of its collection's dimension or not of unit length.");
  }
}

std::string packed(const std::vector<float>& vector) {
  return base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
}

void unpack(std::string_view text, float* to, std::size_t dimension) {
  auto bytes = base64_decode(text);
  if (!bytes || bytes->size() != dimension * sizeof(float)) {
    throw Problem(Problem::Kind::internal, "A stored vector is damaged.");
  }
  std::memcpy(to, bytes->data(), bytes->size());
}

/// Which row of which index.
struct Found {
  Scored scored;
  std::size_t index;
  /// As Scored does.
  bool operator<(const Found& other) const {
    return scored.score != other.scored.score
               ? scored.score > other.scored.score
               : std::tie(index, scored.row) < std::tie(other.index, other.scored.row);
  }
};

}  // namespace

Builtin::Builtin(store::Db& db, WorkerPool& pool, std::size_t memory)
    : db_(db), pool_(pool), memory_(memory) {}
Builtin::~Builtin() = default;

Task<std::string> Builtin::open(std::string collection, Binding binding) {
  (void)co_await db_.run(kOpen, uuid7(), collection, binding.embedder, binding.dimension);
  auto row = co_await db_.first<IndexRow>(kLive, store::Strings{collection});
  if (!row) throw Problem(Problem::Kind::conflict, "The collection was deleted meanwhile.");
  Binding has{row->embedder, row->dimension};
  if (has != binding) throw refused(collection, has, binding);
  co_return row->id;
}

Task<std::string> Builtin::begin_rebuild(std::string collection, Binding binding) {
  std::string id = uuid7();
  std::vector<store::Bound> steps;
  steps.emplace_back(kForget, collection);
  steps.emplace_back(kBegin, id, collection, binding.embedder, binding.dimension);
  (void)co_await db_.batch(std::move(steps));
  co_return id;
}

Task<> Builtin::finish_rebuild(std::string collection, std::string index) {
  std::vector<store::Bound> steps;
  steps.emplace_back(kRetire, collection, index);
  steps.emplace_back(kPromote, collection, index);
  auto changed = co_await db_.batch(std::move(steps));
  if (changed[1] == 0)
    throw Problem(Problem::Kind::conflict, "The new index of the collection was thrown away.");
}

Task<> Builtin::put(std::string index, Binding binding, std::vector<Item> items) {
  std::vector<store::Bound> steps;
  steps.emplace_back(kTouch, index, binding.embedder, binding.dimension);
  for (const Item& item : items) {
    check(item.vector, binding.dimension);
    steps.emplace_back(kPut, index, binding.embedder, binding.dimension, item.file, item.position,
                       item.hash, item.text, item.data, packed(item.vector));
  }
  auto changed = co_await db_.batch(std::move(steps));
  if (changed[0] == 0) {  // Then nothing was put, either.
    throw Problem(Problem::Kind::conflict, "The index is gone, or of another embedding model.")
        .because(index);
  }
}

Task<> Builtin::remove_file(std::string collection, std::string file, std::int64_t position) {
  std::vector<store::Bound> steps;
  steps.emplace_back(kMarkRemoved, collection);
  steps.emplace_back(kRemove, collection, file, position);
  (void)co_await db_.batch(std::move(steps));
}

Task<> Builtin::drop(std::string collection) {
  (void)co_await db_.run(kDrop, collection);
}

Task<std::int64_t> Builtin::count(std::string collection) {
  auto row = co_await db_.first<CountRow>(kCount, collection);
  co_return row->count;
}

Task<std::vector<Hit>> Builtin::query(Query query) {
  check(query.vector, query.binding.dimension);
  query.k = std::min(query.k, kMostHits);
  auto indexes = co_await db_.all<IndexRow>(kLive, query.readable.collections);
  std::vector<std::shared_ptr<const Matrix>> matrices;
  for (const IndexRow& index : indexes) {
    Binding has{index.embedder, index.dimension};
    if (has != query.binding) throw refused(index.collection, has, query.binding);
    matrices.push_back(co_await matrix_of(Index{index}));
  }
  // Owns what it reads: the caller may be gone first when the server stops.
  std::function<std::vector<Found>()> search = [matrices, vector = query.vector, k = query.k] {
    std::vector<Found> found;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      for (Scored one : nearest(matrices[i]->rows, vector, k)) found.push_back({one, i});
    }
    std::sort(found.begin(), found.end());
    found.resize(std::min(found.size(), k));
    return found;
  };
  std::vector<Found> found = co_await pool_.run(std::move(search));
  std::vector<Hit> hits;
  for (const Found& one : found) {
    const Matrix::Key& key = matrices[one.index]->keys[one.scored.row];
    auto content =
        co_await db_.first<ContentRow>(kContent, indexes[one.index].id, key.file, key.position);
    if (!content) continue;  // Removed meanwhile.
    hits.push_back({indexes[one.index].collection, key.file, key.position, one.scored.score,
                    std::move(content->text), std::move(content->data)});
  }
  co_return hits;
}

std::size_t Builtin::memory_used() const {
  std::lock_guard lock(mutex_);
  return used_;
}

std::shared_ptr<const Matrix> Builtin::cached(const std::string& index) {
  std::lock_guard lock(mutex_);
  auto it = kept_.find(index);
  if (it == kept_.end()) return nullptr;
  it->second.used = ++turn_;
  return it->second.matrix;
}

void Builtin::keep(const std::string& index, std::shared_ptr<const Matrix> matrix) {
  std::lock_guard lock(mutex_);
  auto drop = [&](auto it) {
    used_ -= it->second.matrix->bytes();
    kept_.erase(it);
  };
  if (auto it = kept_.find(index); it != kept_.end()) drop(it);
  used_ += matrix->bytes();
  while (used_ > memory_ && !kept_.empty()) {
    drop(std::ranges::min_element(kept_, {}, [](const auto& one) { return one.second.used; }));
  }
  kept_.emplace(index, Cached{std::move(matrix), ++turn_});
}

Task<std::shared_ptr<const Matrix>> Builtin::matrix_of(const Index& index) {
  auto is_new = [&](const auto& matrix) { return matrix && matrix->version >= index.version; };
  if (auto known = cached(index.id); is_new(known)) co_return known;
  // One reads at a time, so only one index more than `memory_` allows is ever held.
  bool mine = co_await free_.until(
      [this] {
        std::lock_guard lock(mutex_);
        return !std::exchange(reading_, true);
      },
      std::chrono::seconds(60));
  if (!mine)
    throw Problem(Problem::Kind::unavailable, "The server is busy. Please try again in a moment.");
  struct Release {
    Builtin& self;
    ~Release() {
      {
        std::lock_guard lock(self.mutex_);
        self.reading_ = false;
      }
      self.free_.notify();
    }
  } release{*this};
  auto known = cached(index.id);  // Another may have read it meanwhile.
  if (is_new(known)) co_return known;
  auto fresh = co_await read(index, std::move(known));
  keep(index.id, fresh);
  co_return fresh;
}

Task<std::shared_ptr<const Matrix>> Builtin::read(const Index& index,
                                                  std::shared_ptr<const Matrix> known) {
  auto matrix = std::make_shared<Matrix>();
  if (known && index.removed <= known->version) *matrix = *known;
  known.reset();
  const auto dimension = static_cast<std::size_t>(index.dimension);
  auto size = co_await db_.first<CountRow>(kSize, index.id);
  if (static_cast<std::size_t>(size->count) * (dimension * sizeof(float) + 300) > memory_) {
    throw Problem(Problem::Kind::unavailable, "The collection is too large to be searched in memory.")
        .because(index.collection + ": " + std::to_string(size->count) + " chunks");
  }
  const std::int64_t since = matrix->version;
  Matrix::Key last{"", -1};
  for (std::vector<VectorRow> page;;) {
    page = co_await db_.all<VectorRow>(kNewer, index.id, since, last.file, last.position, kPage);
    for (VectorRow& row : page) {
      Matrix::Key key{std::move(row.file), row.position};
      auto [it, added] = matrix->at.try_emplace(key, matrix->keys.size());
      if (added) {
        matrix->keys.push_back(key);
        matrix->rows.resize(matrix->rows.size() + dimension);
      }
      unpack(row.vector, matrix->rows.data() + it->second * dimension, dimension);
      last = std::move(key);
    }
    if (static_cast<std::int64_t>(page.size()) < kPage) break;
  }
  matrix->version = index.version;
  co_return matrix;
}

}  // namespace antiphon::vectors

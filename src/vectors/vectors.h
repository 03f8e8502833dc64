#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/task.h"
#include "json/types.h"
#include "store/db.h"

/// Collections of chunks, found by what they mean.
namespace antiphon::vectors {

/// What a collection is bound to: vectors of another embedder, or of another length, are never
/// compared.
struct Binding {
  std::string embedder;  ///< Engine, model, prefix: whatever changes the vectors changes this.
  std::int64_t dimension;
  bool operator==(const Binding&) const = default;
};

struct Item {
  std::string file;
  std::int64_t position;  ///< Of the chunk in its file, from 0.
  std::string hash;       ///< Of its content: an item that is there with the same hash is left alone.
  std::string text;
  json::Value data;           ///< Comes back with a hit: page, headings and the like.
  std::vector<float> vector;  ///< Of unit length.
};

inline constexpr std::size_t kMostHits = 1000;

/// The collections the caller may read. It has no default, so no query can leave it out.
struct Readable {
  explicit Readable(store::Strings ids) : collections(std::move(ids)) {}
  store::Strings collections;
};

struct Query {
  Readable readable;
  Binding binding;
  std::vector<float> vector;  ///< Of unit length.
  std::size_t k;              ///< How many are wanted, at most kMostHits.
};

struct Hit {
  std::string collection;
  std::string file;
  std::int64_t position;
  float score;  ///< Cosine, −1 to 1.
  std::string text;
  json::Value data;
};

/// A store of collections. A collection has a live index, which is searched, and at times the next one,
/// which is built beside it and takes its place at once. Every write is one transaction, durable when
/// it returns, and may be repeated. Any thread. Errors are Problems: `conflict` for a binding that is
/// not the collection's, `invalid` for vectors that are not of the binding's dimension or not of unit
/// length, else the database's.
class Vectors {
 public:
  virtual ~Vectors() = default;
  /// The collection's live index, made when there is none.
  virtual Task<std::string> open(std::string collection, Binding binding) = 0;
  /// A new empty index beside the live one; one that was begun before is thrown away.
  virtual Task<std::string> begin_rebuild(std::string collection, Binding binding) = 0;
  /// Searches go to `index` from now on; the one before is gone. `conflict` when it was thrown away.
  virtual Task<> finish_rebuild(std::string collection, std::string index) = 0;
  virtual Task<> put(std::string index, Binding binding, std::vector<Item> items) = 0;
  /// Removes a file's chunks from `position` on, of the live index and of the next.
  virtual Task<> remove_file(std::string collection, std::string file, std::int64_t position = 0) = 0;
  virtual Task<> drop(std::string collection) = 0;
  /// Chunks in the live index.
  virtual Task<std::int64_t> count(std::string collection) = 0;
  /// The best first. Collections that do not exist hold nothing.
  virtual Task<std::vector<Hit>> query(Query query) = 0;
};

}  // namespace antiphon::vectors

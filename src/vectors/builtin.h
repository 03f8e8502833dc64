#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "base/signal.h"
#include "base/worker_pool.h"
#include "vectors/vectors.h"

namespace antiphon::vectors {

struct Matrix;

/// Vectors in the application's database, searched exactly in memory. Each query asks the database
/// which version of each index is the newest and reads what is newer than its own, so what any replica
/// has written is found by the next query anywhere.
///
/// Memory: indexes searched lately, at most `memory` bytes in all, the one not used for longest going
/// first; and one more while it is read. An index larger than `memory` is not searched: `unavailable`.
class Builtin final : public Vectors {
 public:
  static constexpr std::size_t kMemory = 256 << 20;  ///< 140 000 chunks of 384 floats.

  Builtin(store::Db& db, WorkerPool& pool, std::size_t memory = kMemory);
  ~Builtin() override;

  Task<std::string> open(std::string collection, Binding binding) override;
  Task<std::string> begin_rebuild(std::string collection, Binding binding) override;
  Task<> finish_rebuild(std::string collection, std::string index) override;
  Task<> put(std::string index, Binding binding, std::vector<Item> items) override;
  Task<> remove_file(std::string collection, std::string file, std::int64_t position) override;
  Task<> drop(std::string collection) override;
  Task<std::int64_t> count(std::string collection) override;
  Task<std::vector<Hit>> query(Query query) override;

  std::size_t memory_used() const;

 private:
  struct Index;
  struct Cached {
    std::shared_ptr<const Matrix> matrix;
    std::uint64_t used;  ///< Turn of its last query.
  };
  Task<std::shared_ptr<const Matrix>> matrix_of(const Index& index);
  Task<std::shared_ptr<const Matrix>> read(const Index& index, std::shared_ptr<const Matrix> known);
  std::shared_ptr<const Matrix> cached(const std::string& index);
  void keep(const std::string& index, std::shared_ptr<const Matrix> matrix);

  store::Db& db_;
  WorkerPool& pool_;
  const std::size_t memory_;
  Signal free_;  ///< Told when `reading_` becomes false.
  mutable std::mutex mutex_;
  bool reading_ = false;                             ///< Guarded by mutex_.
  std::uint64_t turn_ = 0;                           ///< Guarded by mutex_.
  std::size_t used_ = 0;                             ///< Guarded by mutex_; bytes of kept_.
  std::map<std::string, Cached, std::less<>> kept_;  ///< Guarded by mutex_.
};

}  // namespace antiphon::vectors

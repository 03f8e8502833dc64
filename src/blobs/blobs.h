#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/scope.h"
#include "base/task.h"
#include "blobs/backend.h"
#include "blobs/blob.h"
#include "blobs/settings.h"
#include "store/db.h"

namespace antiphon {
class Loops;
namespace client {
class Client;
}
}  // namespace antiphon

/// Bytes that belong to rows: pictures, files. Known by what they are, kept where all replicas see
/// them.
namespace antiphon::blobs {

/// Where bytes come from: the next ones each time, "" at the end.
using Source = std::function<Task<std::string>()>;

/// What of a set-up does not go together, for the log and for `check`.
struct Finding {
  std::string what;
  std::string cure;
};

struct Options {
  std::string folder;      ///< For Directory.
  std::string spool;       ///< For what goes elsewhere.
  std::string deployment;  ///< What all replicas of the database are called together.
  std::string node;        ///< This process in the table `node`.
};

/// What the settings ask for; `client` may be null where they do not ask for an object server. Throws
/// Problem for what they cannot.
std::unique_ptr<Backend> make_backend(const Settings& settings, store::Db& db, client::Client* client,
                                      const Options& options);

/// All blobs. What holds the bytes is a Backend; which there are says the table `blob`, the one
/// authority: its row comes before the bytes and goes after them. Any thread.
class Blobs {
 public:
  /// What is not referred to is kept this long, so that a row may come to refer to it; seconds.
  static constexpr std::int64_t kGrace = 24 * 3600;

  Blobs(store::Db& db, std::unique_ptr<Backend> backend, std::string node, metrics::Registry& metrics);

  /// Stores what `source` yields, in no more memory than a piece takes. Throws Problem: 413 for more
  /// than `limit` bytes, 507 when there is no room, 503 when it cannot be stored now. The row that
  /// refers to it is written after this returns, and within kGrace. The same bytes again are the same
  /// blob.
  Task<Blob> put(Source source, std::int64_t limit);
  Task<Blob> put(std::string bytes);
  /// Keeps one that is there for another kGrace: before a second row comes to refer to it. False when
  /// it is not.
  Task<bool> hold(BlobId id);

  /// Nothing when there is none, or not all of it yet.
  Task<std::optional<Blob>> stat(BlobId id);
  /// Null when there is none. What is read is what was put: where bytes are missing or others,
  /// read() throws Problem (503) in place of the end. Of a part only the length is known.
  Task<std::unique_ptr<Pieces>> open(BlobId id, Range range = {});
  /// All of it. Nothing when there is none; throws as open() does, and 413 for more than `limit`.
  Task<std::optional<std::string>> read(BlobId id, std::int64_t limit = 16 << 20);
  /// Now, whoever refers to it. False when there was none.
  Task<bool> remove(BlobId id);

  /// Before start(). `query` yields, as `value`, which of the ids in $1 some row refers to.
  void referenced_by(store::Sql query) { references_.push_back(query); }
  /// Removes what has not been asked to be kept for `grace` seconds and no row refers to. How many.
  Task<std::int64_t> sweep(std::int64_t grace = kGrace);

  /// Whether the other replicas keep their bytes where this one does.
  Task<std::optional<Finding>> check();

  /// After the migrations and after this process is in the table `node`. Throws Problem, with the cure,
  /// when bytes cannot be kept, or not where the others keep them.
  Task<> start(Loops& loops, std::chrono::minutes sweep_every);
  Task<> stop();
  std::string place() const { return backend_->place(); }

 private:
  Task<SpoolPtr> spool(Source source, std::int64_t limit);
  Task<> arrive(const Blob& blob);
  Task<> erase(BlobId id);
  Task<std::vector<BlobId>> unreferenced(std::vector<BlobId> ids);
  Task<> tend(std::chrono::minutes sweep_every);
  Task<> look_around();
  Task<> settle();

  store::Db& db_;
  std::unique_ptr<Backend> backend_;
  const std::string node_;
  std::vector<store::Sql> references_;
  metrics::Family<metrics::Counter>& faults_;
  metrics::Counter& swept_;
  Scope scope_;
};

}  // namespace antiphon::blobs

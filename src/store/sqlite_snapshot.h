#pragma once

#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "base/async.h"
#include "store/sqlite_handle.h"

namespace antiphon::store {

/// Copies of the database to hand out, one at a time, on a thread and a connection of their own: who
/// writes does not wait for them.
class SqliteSnapshots {
 public:
  SqliteSnapshots(std::string path, SqlitePatience patience, Counters& counters)
      : path_(std::move(path)), patience_(patience), counters_(counters) {}
  ~SqliteSnapshots() { close(); }

  /// Any thread. Fails with `unavailable` while another is being made, without room, or after close().
  void take(Completion<std::ifstream> done);
  /// Breaks off the one under way. Blocks.
  void close();

 private:
  void work(const Completion<std::ifstream>& done);
  std::ifstream copy();

  const std::string path_;
  const SqlitePatience patience_;
  Counters& counters_;
  std::mutex mutex_;
  std::thread thread_;              ///< Guarded by mutex_; the last copy's.
  SqliteHandle* handle_ = nullptr;  ///< Guarded by mutex_; of the copy under way.
  bool busy_ = false;               ///< Guarded by mutex_.
  bool closing_ = false;            ///< Guarded by mutex_.
};

}  // namespace antiphon::store

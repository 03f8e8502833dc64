#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace antiphon::store {

/// The database file and its lock: `<path>.lock`, held as long as this lives. One process at a time
/// may own a SQLite database; the second is told who has it.
class SqliteFile {
 public:
  /// Creates the file, readable by its owner only, when there is none. Throws a Problem whose
  /// detail names the cure: on a network file system (unless allowed), when another process has
  /// the database, when the folder cannot be written.
  SqliteFile(std::string path, bool network_file_system);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  const std::string& path() const { return path_; }

  /// "<path>.backup-20260301-120000-<label>"; makes room so that `keep` remain with the new one.
  std::string backup_path(std::string_view label, std::size_t keep) const;
  /// Those there are, the oldest first.
  std::vector<std::string> backups() const;

 private:
  void lock();

  std::string path_;
  int lock_ = -1;
};

/// Writes the file and its name in the folder through to the disk. Throws a Problem.
void sync_file(const std::string& path);

/// The name of the network or user-space file system `path` lies on; nothing for a local one.
std::optional<std::string> network_file_system(const std::string& path);

}  // namespace antiphon::store

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "json/dto.h"

/// What is to be done for a knowledge base to be as a folder on somebody's disk. Pure.
namespace antiphon::knowledge {

/// A file of the folder.
struct ManifestEntry {
  std::string filename;
  std::string path;      ///< Of the folder it lies in, from the top, "a/b"; "" is the top.
  std::string checksum;  ///< SHA-256 of its bytes, hexadecimal.
  std::int64_t size = 0;
};
ANTIPHON_DTO(ManifestEntry, filename, path, checksum, size)

/// A file of the base.
struct Kept {
  std::string file_id;
  std::string filename;
  std::string path;  ///< As ManifestEntry's.
  std::string checksum;
};

struct Added {
  std::string filename, path;
};
ANTIPHON_DTO(Added, filename, path)

struct Modified {
  std::string filename, path;
  std::string stale_file_id;  ///< What it stands for until the new one is there.
};
ANTIPHON_DTO(Modified, filename, path, stale_file_id)

struct Deleted {
  std::string file_id, filename;
};
ANTIPHON_DTO(Deleted, file_id, filename)

struct Difference {
  std::vector<Added> added;
  std::vector<Modified> modified;
  std::vector<Deleted> deleted;
  std::vector<std::string> mkdir;  ///< Paths, each after those around it.
  std::vector<std::string> rmdir;  ///< Ids, each after those inside it.
  std::int64_t unmodified_count = 0;
  std::map<std::string, std::string>
      directory_map;  ///< Ids of the directories that are there, by path.
};
ANTIPHON_DTO(Difference, added, modified, deleted, mkdir, rmdir, unmodified_count, directory_map)

/// Parts of a path by its slashes, without empty ones: "/a//b/" is {"a", "b"}.
std::vector<std::string> parts_of(const std::string& path);

/// `directories`: ids by path. Of two entries of one name in one folder the last counts.
Difference difference(std::vector<ManifestEntry> manifest, std::vector<Kept> kept,
                      std::map<std::string, std::string> directories);

}  // namespace antiphon::knowledge

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "features/files/files.h"
#include "json/dto.h"

/// A file as clients are told of it.
namespace antiphon::files {

struct FileMeta {
  std::string name, content_type;
  std::int64_t size;
  std::string file_hash;  ///< SHA-256 of the bytes.
  json::Value data;
};
ANTIPHON_DTO(FileMeta, name, content_type, size, file_hash, data)

struct FileModelResponse {
  std::string id, user_id;
  std::optional<std::string> hash;
  std::string filename;
  json::Value data;
  FileMeta meta;
  std::int64_t created_at, updated_at;
};
ANTIPHON_DTO(FileModelResponse, id, user_id, hash, filename, data, meta, created_at, updated_at)

FileModelResponse view(File file);

}  // namespace antiphon::files

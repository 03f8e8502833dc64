#include "features/files/dto.h"

#include <boost/json.hpp>
#include <utility>

namespace antiphon::files {

ANTIPHON_DTO_DEFINE(FileMeta)
ANTIPHON_DTO_DEFINE(FileModelResponse)

FileModelResponse view(File file) {
  json::Object data{{"status", file.status}};
  if (file.content) data["content"] = *file.content;
  if (file.status == "failed" && file.error) data["error"] = *file.error;
  return {.id = std::move(file.id),
          .user_id = std::move(file.user_id),
          .hash = std::move(file.hash),
          .filename = file.filename,
          .data = std::move(data),
          .meta = {.name = std::move(file.filename),
                   .content_type = std::move(file.content_type),
                   .size = file.size,
                   .file_hash = std::move(file.blob_id),
                   .data = std::move(file.metadata)},
          .created_at = file.created_at,
          .updated_at = file.updated_at};
}

}  // namespace antiphon::files

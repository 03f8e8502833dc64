#include "features/chats/unread.h"

#include <boost/json.hpp>

#include "base/time.h"
#include "json/dto.h"
#include "json/text.h"

namespace antiphon::chats {

struct FolderCount {
  std::string folder_id;
  std::int64_t chats;
};
ANTIPHON_DTO(FolderCount, folder_id, chats)
ANTIPHON_DTO_DEFINE(FolderCount)

namespace {

using store::Sql;

#define ANTIPHON_UNREAD                                          \
  " user_id = $1 AND NOT archived AND updated_at > last_read_at" \
  " AND NOT EXISTS (SELECT 1 FROM chat_message m WHERE m.chat_id = chat.id AND NOT m.done)"

}  // namespace

Task<Unread::Counts> Unread::by_folder(std::string user_id) const {
  static constexpr Sql kCounts{"chats.unread_by_folder",
                               "SELECT folder_id, COUNT(*) AS chats FROM chat WHERE" ANTIPHON_UNREAD
                               " AND folder_id IS NOT NULL GROUP BY folder_id LIMIT 1000"};
  Counts out;
  for (FolderCount& row : co_await db_.all<FolderCount>(kCounts, user_id))
    out.emplace(row.folder_id, row.chats);
  co_return out;
}

Task<bool> Unread::mark(std::string user_id, std::string chat_id, std::int64_t at) {
  static constexpr Sql kMark{"chats.mark_read",
                             "UPDATE chat SET last_read_at = $3 WHERE id = $1 AND user_id = $2"};
  co_return co_await db_.run(kMark, chat_id, user_id, at) == 1;
}

Task<std::int64_t> Unread::mark_all(std::string user_id,
                                    std::optional<std::vector<std::string>> folders) {
  static constexpr Sql kAll{"chats.mark_all_read",
                            "UPDATE chat SET last_read_at = $2 WHERE" ANTIPHON_UNREAD};
  static constexpr Sql kIn{"chats.mark_folders_read",
                           "UPDATE chat SET last_read_at = $2 WHERE" ANTIPHON_UNREAD
                           " AND folder_id IN (SELECT value FROM json_each($3))",
                           "UPDATE chat SET last_read_at = $2 WHERE" ANTIPHON_UNREAD
                           " AND folder_id = ANY($3::text[])"};
  std::int64_t now = unix_seconds();
  if (!folders) co_return co_await db_.run(kAll, user_id, now);
  co_return co_await db_.run(kIn, user_id, now, *folders);
}

json::Value to_json(const Unread::Counts& counts, const std::vector<std::string>& named) {
  json::Object out;
  for (const std::string& id : named) out[id] = 0;
  for (const auto& [id, count] : counts)
    if (named.empty() || out.contains(id)) out[id] = count;
  return out;
}

}  // namespace antiphon::chats

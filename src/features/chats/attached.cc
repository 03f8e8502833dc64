#include "features/chats/attached.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <string_view>
#include <utility>

namespace antiphon::chats {
namespace {

using store::Sql;

constexpr std::string_view kFiles = "/api/v1/files/";
constexpr std::size_t kLongestId = 64;

/// Of a file that is named by its id or by where its bytes are; "" for addresses of others.
std::string_view id_in(std::string_view name) {
  if (name.starts_with(kFiles)) {
    name.remove_prefix(kFiles.size());
    name = name.substr(0, name.find_first_of("/?#"));
  }
  bool fine = !name.empty() && name.size() <= kLongestId && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
  return fine ? name : std::string_view();
}

void collect(const std::optional<json::Value>& files, std::set<std::string, std::less<>>& ids) {
  if (!files || !files->is_array()) return;
  for (const json::Value& file : files->as_array())
    for (std::string_view member : {"id", "url"})
      if (std::string_view id = id_in(json::text_at(file, member));
          !id.empty() && ids.size() < kMostFiles)
        ids.emplace(id);
}

std::optional<std::string> joined(const std::set<std::string, std::less<>>& ids) {
  if (ids.empty()) return std::nullopt;
  std::string out = " ";
  for (const std::string& id : ids) out.append(id).append(" ");
  return out;
}

}  // namespace

std::optional<std::string> file_ids_of(const std::optional<json::Value>& files) {
  std::set<std::string, std::less<>> ids;
  collect(files, ids);
  return joined(ids);
}

std::optional<std::string> file_ids_of(const std::vector<Message>& messages) {
  std::set<std::string, std::less<>> ids;
  for (const Message& m : messages) collect(m.files, ids);
  return joined(ids);
}

Task<bool> Attached::readable(const User& me, std::string owner, std::string file_id) const {
#define ANTIPHON_LINKS(has)                                                                \
  "SELECT id, chat_id, user_id, title, 'null' AS chat, share_mode, created_at, updated_at" \
  "  FROM shared_chat WHERE user_id = $1 AND file_ids IS NOT NULL AND " has                \
  " ORDER BY updated_at DESC LIMIT $3"
#define ANTIPHON_FOLDERS(has)                                 \
  "SELECT DISTINCT chat.folder_id AS value"                   \
  "  FROM chat_message m JOIN chat ON chat.id = m.chat_id"    \
  " WHERE m.user_id = $1 AND m.file_ids IS NOT NULL AND " has \
  "   AND chat.user_id = $1 AND chat.folder_id IS NOT NULL AND NOT chat.archived LIMIT $3"
  static constexpr Sql kLinks{"chats.links_with_file", ANTIPHON_LINKS("instr(file_ids, $2) > 0"),
                              ANTIPHON_LINKS("strpos(file_ids, $2) > 0")};
  static constexpr Sql kFolders{"chats.folders_with_file",
                                ANTIPHON_FOLDERS("instr(m.file_ids, $2) > 0"),
                                ANTIPHON_FOLDERS("strpos(m.file_ids, $2) > 0")};
  std::string_view id = id_in(file_id);
  if (id.empty()) co_return false;
  std::string entry = " " + std::string(id) + " ";
  for (const SharedChat& link : co_await db_.all<SharedChat>(kLinks, owner, entry, kMostPlaces))
    if (co_await sharing_.may_open(me, link)) co_return true;
  for (TextRow& folder : co_await db_.all<TextRow>(kFolders, owner, entry, kMostPlaces))
    if (co_await may_see_folder_(me, std::move(folder.value))) co_return true;
  co_return false;
}

}  // namespace antiphon::chats

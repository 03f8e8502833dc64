#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "features/chats/chats.h"
#include "features/chats/sharing.h"

/// Files that chats hold. A chat lets its readers have the files its owner put there, and nobody
/// else's: whoever names a foreign file in a chat of his own gives nobody a way to it.
namespace antiphon::chats {

/// Column `file_ids` of what a message names, `files` in the form of Open WebUI's clients: " id id ".
/// Nothing for none. At most kMostFiles of them.
std::optional<std::string> file_ids_of(const std::optional<json::Value>& files);
/// Of all messages of a chat.
std::optional<std::string> file_ids_of(const std::vector<Message>& messages);
inline constexpr std::size_t kMostFiles = 1000;

/// Who may read a file because he may read a chat. Any thread.
class Attached {
 public:
  static constexpr std::int64_t kMostPlaces = 64;  ///< Links and folders looked at for one file.

  Attached(store::Db& db, const Sharing& sharing,
           std::function<Task<bool>(const User&, std::string folder_id)> may_see_folder)
      : db_(db), sharing_(sharing), may_see_folder_(std::move(may_see_folder)) {}

  /// Whether `owner` has put the file into a chat that `me` may read: by a link, as it was when it was
  /// shared, or because its folder is shared with him.
  Task<bool> readable(const User& me, std::string owner, std::string file_id) const;

 private:
  store::Db& db_;
  const Sharing& sharing_;
  std::function<Task<bool>(const User&, std::string folder_id)> may_see_folder_;
};

}  // namespace antiphon::chats

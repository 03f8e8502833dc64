#pragma once

#include <optional>
#include <string>

#include "features/chats/chats.h"

namespace antiphon::chats {

/// A snapshot that others may read by its link.
struct SharedChat {
  std::string id;
  std::string chat_id;
  std::string user_id;
  std::string title;
  json::Value chat;
  std::optional<std::string> share_mode;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(SharedChat, id, chat_id, user_id, title, chat, share_mode, created_at, updated_at)

/// What an import or a new chat says.
struct ChatDraft {
  json::Value chat;  ///< The client's chat JSON: title, models, history …
  std::optional<std::string> folder_id;
  std::optional<json::Value> variables;
  json::Value meta;
  bool pinned = false;
  bool archived = false;
  std::optional<std::int64_t> created_at, updated_at;
};

/// Everything that changes chats other than a turn of conversation. Callers have checked the right.
class Editor {
 public:
  Editor(store::Db& db, const Chats& chats) : db_(db), chats_(chats) {}
  static constexpr std::size_t kMaxMessages = 20'000;  ///< In one write.

  /// Stores a chat from a client's JSON. Throws 400 for a history that is no tree (row 120).
  Task<std::string> create(const UserId& owner, const ChatDraft& draft);
  /// Merges a whole-chat write: members replace, messages are added or updated, none is removed, and
  /// one that is being written is left alone.
  Task<> merge(const Chat& chat, const json::Value& form);
  Task<> merge_params(const Chat& chat, const json::Value& params);
  /// False when there is no such message.
  Task<bool> edit_message(const Chat& chat, std::string message_id, std::string content);
  Task<bool> delete_message(const Chat& chat, std::string message_id);
  Task<> remove(std::string chat_id);
  Task<> remove_all(const UserId& owner);
  /// A copy of its own: all of it, or the branch that ends in `leaf`.
  Task<std::string> copy(const Chat& chat, const UserId& owner, std::optional<std::string> title,
                         std::optional<std::string> leaf, json::Object meta);
  Task<> set_flags(std::string chat_id, bool pinned, bool archived);
  Task<> set_all_archived(const UserId& owner, bool archived);
  Task<> move(std::string chat_id, std::optional<std::string> folder_id);
  /// Deletes the owner's chats in these folders, or takes them out of any folder.
  Task<> empty_folders(const UserId& owner, std::vector<std::string> folder_ids, bool and_delete);
  Task<> mark_read(std::string chat_id, std::int64_t at);
  Task<> add_tag(const Chat& chat, std::string name);
  Task<> remove_tag(const Chat& chat, std::string name);

  Task<std::string> share(const Chat& chat, std::optional<std::string> mode);
  Task<bool> unshare(const Chat& chat);
  Task<> unshare_all(const UserId& owner);
  Task<std::optional<SharedChat>> shared(std::string share_id) const;
  Task<std::vector<SharedChat>> shared_by(const UserId& owner) const;

 private:
  Task<> rename_tags(const Chat& chat, std::vector<std::string> names);
  store::Db& db_;
  const Chats& chats_;
};

}  // namespace antiphon::chats

#pragma once

#include <optional>
#include <string>

#include "features/chats/chats.h"

namespace antiphon::chats {

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

/// What a copy is made of, and what it is called.
struct CopyDraft {
  std::string title;
  std::vector<Message> messages;  ///< Parents before their children or not, in order of position.
  std::optional<std::string> current;
  json::Object meta;
};

/// Everything that changes chats other than a turn of conversation. Callers have checked the right.
/// A write to a chat that is gone meanwhile throws 404.
class Editor {
 public:
  explicit Editor(store::Db& db) : db_(db) {}
  Editor(store::Db& db, const Chats&) : Editor(db) {}

  /// Stores a chat from a client's JSON. Throws 400 for a history that is no tree (row 120).
  Task<std::string> create(const UserId& owner, const ChatDraft& draft);
  /// Merges a whole-chat write: members replace, messages are added or updated, none is removed or
  /// moved, and one that is being written is left alone.
  /// `may_edit` false: what messages say stays as it is.
  Task<> merge(const Chat& chat, const json::Value& form, bool may_edit = true);
  Task<> set_variables(const Chat& chat, const json::Value& variables);
  /// Yields the chat's parameters with these merged in; null takes one away.
  Task<json::Object> merge_params(const Chat& chat, const json::Value& params);
  /// False when there is no such message, or it is being written.
  Task<bool> edit_message(const Chat& chat, std::string message_id, std::string content);
  /// Keeps what an event of a program says of a message: `status`, `source`, `files`, `embeds`, and
  /// `message` (more text) and `replace` (other text) of finished ones. Others are for the moment only.
  Task<> keep_event(const Chat& chat, std::string message_id, std::string type, json::Value data);
  Task<bool> set_voice(const Chat& chat, std::string message_id, json::Value voice);
  /// A question goes with its answers; what hung below goes to the parent, so that no branch is lost.
  /// False when there is no such message, or one of these is being written.
  Task<bool> delete_message(const Chat& chat, std::string message_id);
  /// Makes the branch through this message the chat's current one. Throws 404.
  Task<> go_to(const Chat& chat, std::string message_id);
  Task<> remove(std::string chat_id);
  /// All of the owner's chats and the tags they had; part of a transaction.
  static Task<> remove_all(store::Connection& c, const UserId& owner);
  /// A chat of the owner's own like `chat`.
  Task<std::string> copy(const Chat& chat, const UserId& owner, CopyDraft draft);

  Task<> set_pinned(std::string chat_id, bool pinned);
  Task<> set_archived(std::string chat_id, bool archived);
  Task<> set_all_archived(const UserId& owner, bool archived);
  Task<> move(std::string chat_id, std::optional<std::string> folder_id);
  /// Deletes the owner's chats in these folders, or takes them out of any folder.
  Task<> empty_folders(const UserId& owner, std::vector<std::string> folder_ids, bool and_delete);
  /// Throws 400 for a name that is none, and for more tags than a chat may have.
  Task<> add_tag(const Chat& chat, std::string name);
  Task<> remove_tag(const Chat& chat, std::string name);

 private:
  store::Db& db_;
};

}  // namespace antiphon::chats

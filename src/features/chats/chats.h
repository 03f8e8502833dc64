#pragma once

#include <optional>
#include <string>
#include <vector>

#include "features/chats/dto.h"
#include "http/caller.h"
#include "http/granted.h"
#include "store/db.h"

namespace antiphon::http {
class Router;
}

/// Conversations: what they hold, who may read them, and their place in the sidebar. Messages are
/// rows, so appending costs the message and never the chat. Other features use Chats; nothing
/// outside this folder writes its tables.
namespace antiphon::chats {

class Chats {
 public:
  explicit Chats(store::Db& db) : db_(db) {}

  Task<std::optional<Chat>> find(std::string id) const;
  Task<std::optional<Message>> message(std::string chat_id, std::string id) const;
  /// From the root to `leaf`, at most `limit` messages back from it. Cycles end the walk (row 120).
  Task<std::vector<Message>> branch(std::string chat_id, std::string leaf, std::int64_t limit = 10'000) const;
  /// All messages, siblings in order.
  Task<std::vector<Message>> messages(std::string chat_id) const;
  /// Which of these ids are messages of the chat.
  Task<std::vector<Message>> some(std::string chat_id, std::vector<std::string> ids) const;
  /// The children of these messages, and the roots where asked for, siblings in order.
  Task<std::vector<ChildRow>> children(std::string chat_id, std::vector<std::string> parents, bool roots) const;
  /// The end of the branch below `id` that takes the latest child each time; `id` itself for a leaf.
  Task<std::string> deepest_below(std::string chat_id, std::string id) const;

  // Parts of transactions that other features compose. They run on the connection they are given.

  static Task<> insert(store::Connection& c, const Chat& chat);
  /// Conflict when the id is taken. Sets `position` after its siblings.
  static Task<> insert(store::Connection& c, const Message& message);
  /// Replaces what an answer ends with: content, output, usage, error, done; touches the chat.
  static Task<> finish_message(store::Connection& c, const Message& message);
  /// Opens a finished answer again, for Continue. False when there is no such answer.
  static Task<bool> reopen_message(store::Connection& c, const std::string& chat_id, const std::string& id,
                                   const std::string& run_id);
  /// current_message_id, models, files and updated_at after a turn was accepted.
  static Task<> advance(store::Connection& c, const std::string& chat_id, const std::string& current,
                        const json::Value& data, std::int64_t now);

  Task<> set_title(std::string chat_id, std::string title);
  /// Names the chat unless somebody has. False when it was named, or is gone.
  Task<bool> name_unnamed(std::string chat_id, std::string title);
  /// Messages marked as being written are closed as they are (their run is gone).
  Task<> close_open_messages(std::string chat_id);
  /// Replaces the chat's tags; names as people write them.
  Task<> set_tags(std::string chat_id, std::string user_id, std::vector<std::string> names);
  /// Merges members into the message's `extra` (followUps, selectedModelId, …).
  Task<> merge_extra(std::string chat_id, std::string id, json::Object members);

  /// The chat JSON of upstream's clients, from its rows.
  static json::Object assemble(const Chat& chat, const std::vector<Message>& messages);

 private:
  store::Db& db_;
};

/// Whether `me` may read, write (take part) or own (delete, share) the chat. The one place that
/// decides; a missing and a forbidden chat look the same to the caller.
class Guard {
 public:
  explicit Guard(const Chats& chats) : chats_(chats) {}
  /// Throws 401 "not found" for both, as upstream's clients expect.
  Task<Granted<Chat, Right::read>> read(const User& me, std::string id) const;
  Task<Granted<Chat, Right::write>> write(const User& me, std::string id) const;
  Task<Granted<Chat, Right::own>> own(const User& me, std::string id) const;

 private:
  Task<Chat> owned(const User& me, std::string id) const;
  const Chats& chats_;
};

}  // namespace antiphon::chats

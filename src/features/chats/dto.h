#pragma once

#include "json/dto.h"
#include "json/text.h"

namespace antiphon::chats {

/// A row of `chat`: everything but the messages.
struct Chat {
  static constexpr std::string_view kKind = "chat";

  Id<Chat> id;
  std::string user_id;
  std::string title;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  bool archived = false;
  bool pinned = false;
  std::optional<std::string> folder_id;
  std::optional<std::string> share_id;
  std::optional<std::int64_t> last_read_at;
  std::optional<std::string> current_message_id;
  json::Value meta;
  json::Value data;
  std::optional<json::Value> variables;
  std::optional<json::Value> tasks;
  std::optional<std::string> summary;
};
ANTIPHON_DTO(Chat, id, user_id, title, created_at, updated_at, archived, pinned, folder_id, share_id,
             last_read_at, current_message_id, meta, data, variables, tasks, summary)
using ChatId = Id<Chat>;

/// A row of `chat_message`.
struct Message {
  std::string chat_id;
  std::string id;
  std::optional<std::string> parent_id;
  std::string user_id;
  std::string role;
  json::Value content;
  std::optional<json::Value> output;
  std::optional<std::string> model_id;
  bool done = true;
  std::optional<json::Value> files;
  std::optional<json::Value> sources;
  std::optional<json::Value> embeds;
  std::optional<json::Value> status_history;
  std::optional<json::Value> error;
  std::optional<json::Value> usage;
  std::optional<std::string> context_summary;
  std::optional<json::Value> meta;
  std::optional<json::Value> extra;
  std::int64_t position = 0;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(Message, chat_id, id, parent_id, user_id, role, content, output, model_id, done, files,
             sources, embeds, status_history, error, usage, context_summary, meta, extra, position,
             created_at, updated_at)

/// A message among its alternatives: the messages with the same parent and role, and for answers of
/// several models side by side the same column.
struct PlaceRow {
  std::string id;
  std::int64_t place = 0;  ///< The first has 0.
  std::int64_t total = 0;  ///< Itself included.
  std::optional<std::string> previous, next;
};
ANTIPHON_DTO(PlaceRow, id, place, total, previous, next)

/// One text of a row.
struct TextRow {
  std::string value;
};
ANTIPHON_DTO(TextRow, value)

/// The plain text of a message's content: the string, or its text parts joined.
std::string plain_text(const json::Value& content);

/// A message as clients read it (`parentId`, `childrenIds`, `statusHistory` …). `children` in order.
json::Object to_client(const Message& message, const std::vector<std::string>& children);

inline constexpr std::size_t kMaxMessageText = 1 << 20;  ///< Bytes of a message's plain text (row 123).
inline constexpr std::size_t kMaxTitle = 1024;           ///< Bytes.

/// The reverse, for whole-chat writes and imports. Nothing when it is not usable: no id, an unknown
/// role, or larger than a message may be.
std::optional<Message> from_client(const json::Value& message, const std::string& chat_id,
                                   const std::string& user_id);

/// `have` with the members a client sent in place of its own; what the client did not send stays, and
/// so do id, parent, role, author and time. Nothing when that changes nothing, or is not usable.
std::optional<Message> changed_by(const Message& have, const json::Value& client);

}  // namespace antiphon::chats

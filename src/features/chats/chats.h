#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "features/chats/dto.h"
#include "features/chats/tokens_sql.h"
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
  Task<std::vector<Message>> branch(std::string chat_id, std::string leaf,
                                    std::int64_t limit = 10'000) const;
  /// All messages, siblings in order.
  Task<std::vector<Message>> messages(std::string chat_id) const;
  /// Those of these ids that are messages of the chat.
  Task<std::vector<Message>> some(std::string chat_id, std::vector<std::string> ids) const {
    return some(db_, std::move(chat_id), std::move(ids));
  }
  /// The places of the messages `ids` of a branch, and of what is shown beside them: for a question
  /// that several models were asked the newest answer in each other column, at most kColumns, and what
  /// is being written elsewhere in the chat.
  Task<std::vector<PlaceRow>> beside(std::string chat_id, std::vector<std::string> ids) const;
  static constexpr std::int64_t kColumns = 16;  ///< Looked at for one question.
  /// The end of the branch below `id` that takes the latest child each time; `id` itself for a leaf.
  Task<std::string> deepest_below(std::string chat_id, std::string id) const {
    return deepest_below(db_, std::move(chat_id), std::move(id));
  }

  // Parts of transactions that other features compose: statements for a batch, or work on the
  // connection they are given.

  static Task<std::vector<Message>> some(store::Connection& c, std::string chat_id,
                                         std::vector<std::string> ids);
  static Task<std::string> deepest_below(store::Connection& c, std::string chat_id, std::string id);
  /// The chat, which nobody else changes before the transaction ends.
  static Task<std::optional<Chat>> lock(store::Connection& c, std::string id);
  static store::Bound inserting(const Chat& chat);
  /// With its `position` as it is.
  static store::Bound inserting(const Message& message);
  /// Conflict when the id is taken. The message comes after its siblings, whatever its `position`.
  static store::Bound appending(const Message& message);
  /// Replaces the chat's tags, names as people write them: the statements, and `meta` with their ids.
  static std::vector<store::Bound> tagging(const Chat& chat, const std::vector<std::string>& names,
                                           json::Object& meta);
  /// Replaces what an answer ends with: content, output, usage, error, done; touches the chat.
  static std::vector<store::Bound> finishing(const Message& message);
  /// Opens a finished answer again, for Continue.
  static store::Bound reopening(const std::string& chat_id, const std::string& id,
                                const std::string& run_id);
  /// current_message_id, models, files and updated_at after a turn was accepted.
  static store::Bound advancing(const std::string& chat_id, const std::string& current,
                                const json::Value& data, std::int64_t now);

  Task<> set_title(std::string chat_id, std::string title);
  /// Names the chat unless somebody has. False when it was named, or is gone.
  Task<bool> name_unnamed(std::string chat_id, std::string title);
  /// Messages marked as being written are closed as they are (their run is gone).
  Task<> close_open_messages(std::string chat_id);
  static constexpr std::size_t kMaxTags = 50;  ///< Of one chat; more are left out.
  /// Replaces the chat's tags; names as people write them.
  Task<> set_tags(std::string chat_id, std::vector<std::string> names);
  /// Appends to the message's `statusHistory`.
  Task<> add_status(std::string chat_id, std::string id, json::Object status);
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
  struct Rules {
    /// Whether administrators may look into chats of others, and delete them.
    std::function<bool()> admin_access = {};
    /// Whether the user may look into the folder.
    std::function<Task<bool>(const User&, std::string folder_id)> may_see_folder = {};
  };
  explicit Guard(const Chats& chats) : chats_(chats) {}
  Guard(const Chats& chats, Rules rules) : chats_(chats), rules_(std::move(rules)) {}
  /// These throw 401 "not found" for both, as upstream's clients expect; or `status`, where they expect
  /// that.
  Task<Granted<Chat, Right::read>> read(const User& me, std::string id) const;
  /// As read(), for administrators where they have access, and for whom the chat's folder is shared
  /// with. The latter get what was said in it, not how its owner had the model set up.
  Task<Granted<Chat, Right::read>> look(const User& me, std::string id) const;
  /// Whether read() would not throw. Who follows a chat live needs no less: sockets that joined its
  /// room stay there, whatever becomes of the folder's grants.
  Task<bool> may_read(const User& me, std::string id) const;
  Task<Granted<Chat, Right::write>> write(const User& me, std::string id, int status = 401) const;
  Task<Granted<Chat, Right::own>> own(const User& me, std::string id, int status = 401) const;
  /// As own(), and for administrators where they have access: deleting, moderating, links.
  Task<Granted<Chat, Right::own>> administer(const User& me, std::string id, int status = 401) const;
  bool admin_access(const User& me) const {
    return me.admin() && rules_.admin_access && rules_.admin_access();
  }

 private:
  Task<std::optional<Chat>> mine(const User& me, std::string id, bool admins) const;
  Task<Chat> owned(const User& me, std::string id, int status, bool admins) const;
  const Chats& chats_;
  Rules rules_;
};

/// Members of a chat's JSON that are its owner's business: how the model was set up.
inline constexpr std::string_view kOwnersMembers[] = {"params",   "system",     "variables",
                                                      "tool_ids", "filter_ids", "tool_servers"};

}  // namespace antiphon::chats

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "features/chats/chats.h"

/// The lists of chats: what a sidebar shows and what search finds.
namespace antiphon::chats {

/// One line of the sidebar.
struct ChatTitle {
  std::string id;
  std::string title;
  std::int64_t updated_at = 0;
  std::int64_t created_at = 0;
  std::optional<std::int64_t> last_read_at;
  std::optional<std::string> snippet;
  bool active = false;  ///< An answer is being written.
  bool archived = false;
};
ANTIPHON_DTO(ChatTitle, id, title, updated_at, created_at, last_read_at, snippet, active, archived)

/// A line of a shared folder: whoever's chat it is. `last_read_at` is its owner's to know.
struct SharedTitle {
  std::string id;
  std::string user_id;
  std::string owner_name;
  std::string title;
  std::int64_t updated_at = 0;
  std::int64_t created_at = 0;
  std::optional<std::int64_t> last_read_at;
  std::optional<std::string> snippet;
  bool active = false;
  bool archived = false;
};
ANTIPHON_DTO(SharedTitle, id, user_id, owner_name, title, updated_at, created_at, last_read_at, snippet,
             active, archived)

struct SharedTitles {
  std::vector<SharedTitle> chats;
  std::int64_t total = 0;  ///< Of all pages; not counted where none was asked for.
  bool has_more = false;
};

/// A chat that was found, and the message that search would show of it.
struct Hit {
  ChatTitle chat;
  std::optional<std::string> message_id;
};

struct Tag {
  std::string id;
  std::string name;
  std::string user_id;
  std::optional<json::Value> meta;
};
ANTIPHON_DTO(Tag, id, name, user_id, meta)

/// `tag:work pinned:true rest of the words`, read. Pure; fuzzed.
struct SearchQuery {
  std::string words;                 ///< What is left: looked for in titles and texts. Valid UTF-8.
  std::vector<std::string> tags;     ///< Tag ids, all of which must be there.
  std::vector<std::string> folders;  ///< Names as folder_word() makes them, any of which.
  std::vector<std::string> folder_ids = {};  ///< More folders, by id; parse() finds none.
  bool untagged = false;                     ///< `tag:none`
  std::optional<bool> pinned, archived, shared;
  static SearchQuery parse(std::string_view text);
  static std::string folder_word(std::string_view name);
  /// The words as an FTS5 expression: each a phrase, the last one a prefix. "" when there are none.
  std::string fts5() const;
  /// The words as a to_tsquery('simple', …) text.
  std::string tsquery() const;
};

/// How a list is ordered. Anything but the known columns counts as updated_at (row 115).
struct Order {
  enum class By { updated_at, created_at, title, unread };
  By by = By::updated_at;
  bool descending = true;
  static Order parse(const std::optional<std::string>& by, const std::optional<std::string>& direction);
};

/// Which chats an export wants.
enum class Kept { all, current, archived };

class Sidebar {
 public:
  explicit Sidebar(store::Db& db) : db_(db) {}
  static constexpr std::int64_t kPage = 60;
  static constexpr std::int64_t kMost = 5'000;  ///< When no page is asked for.

  /// `foldered`: also those in the user's folders. What he put into somebody else's stays in his list,
  /// since that folder may be closed to him any time.
  Task<std::vector<ChatTitle>> recent(std::string user_id, std::optional<std::int64_t> page,
                                      bool pinned, bool foldered, Order order) const;
  Task<std::vector<ChatTitle>> pinned(std::string user_id) const;
  Task<std::vector<ChatTitle>> archived(std::string user_id, std::optional<std::int64_t> page,
                                        std::string query, Order order) const;
  /// Archived or not, in folders or not: what administrators see.
  Task<std::vector<ChatTitle>> everything(std::string user_id, std::optional<std::int64_t> page,
                                          std::string query, Order order) const;
  Task<std::vector<ChatTitle>> in_folder(std::string user_id, std::string folder_id, std::int64_t page,
                                         std::int64_t size, Order order) const;
  /// Everybody's in the folder. Who may see it is the folder's guard's to say.
  Task<SharedTitles> shared_in_folder(std::string user_id, std::string folder_id,
                                      std::optional<std::int64_t> page, Order order) const;
  /// Of the folder and those below it, the latest first; at most 200.
  Task<std::vector<std::string>> ids_below(std::string user_id, std::string folder_id) const;
  Task<std::vector<ChatTitle>> tagged(std::string user_id, std::string tag_id, std::int64_t skip,
                                      std::int64_t limit) const;
  Task<std::vector<Hit>> search(std::string user_id, SearchQuery query, std::int64_t page) const;
  Task<std::vector<Tag>> tags(std::string user_id) const;
  Task<std::vector<Tag>> tags_of(std::string chat_id) const;
  Task<std::int64_t> count_archived(std::string user_id) const;
  /// Ids after `after`, in order of id, at most kPage: a walk that changes do not disturb. Of
  /// everybody's chats when `user_id` is empty.
  Task<std::vector<std::string>> walk(std::string user_id, Kept kept, std::string after) const;

 private:
  Task<std::vector<std::string>> folders_named(std::string user_id,
                                               const std::vector<std::string>& names) const;
  store::Db& db_;
};

}  // namespace antiphon::chats

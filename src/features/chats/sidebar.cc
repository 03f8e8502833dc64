#include "features/chats/sidebar.h"

#include "features/chats/lists.h"
#include "json/dto.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(ChatTitle)
ANTIPHON_DTO_DEFINE(SharedTitle)
ANTIPHON_DTO_DEFINE(Tag)

struct Count {
  std::int64_t value;
};
ANTIPHON_DTO(Count, value)
ANTIPHON_DTO_DEFINE(Count)

struct FolderName {
  std::string id, name;
};
ANTIPHON_DTO(FolderName, id, name)
ANTIPHON_DTO_DEFINE(FolderName)

/// A line of the sidebar with the message that was found.
struct FoundChat {
  std::string id, title;
  std::int64_t updated_at = 0, created_at = 0;
  std::optional<std::int64_t> last_read_at;
  bool active = false, archived = false;
  std::optional<json::Value> found;
  std::optional<std::string> found_id;
};
ANTIPHON_DTO(FoundChat, id, title, updated_at, created_at, last_read_at, active, archived, found,
             found_id)
ANTIPHON_DTO_DEFINE(FoundChat)

namespace {

using store::Sql;

#define ANTIPHON_TITLE                                          \
  " id, title, updated_at, created_at, last_read_at, archived," \
  " EXISTS (SELECT 1 FROM run WHERE run.chat_id = chat.id AND run.state < 10) AS active "
#define ANTIPHON_TITLES "SELECT" ANTIPHON_TITLE "FROM chat "

}  // namespace

Task<std::vector<ChatTitle>> Sidebar::recent(std::string user_id, std::optional<std::int64_t> page,
                                             bool pinned, bool foldered, Order order) const {
#define ANTIPHON_RECENT(int) \
  ANTIPHON_TITLES "WHERE user_id = $1 AND NOT archived AND ($2" int " = 1 OR NOT pinned)"           \
                  " AND ($3" int " = 1 OR folder_id IS NULL OR NOT EXISTS"                                         \
                  " (SELECT 1 FROM folder WHERE folder.id = chat.folder_id AND folder.user_id = $1))"
  // The sidebar's own order has its index; others are sorted, since nobody scrolls far in them.
  static constexpr Sql kRecent{
      "chats.recent", ANTIPHON_RECENT("") " ORDER BY updated_at DESC, id LIMIT $4 OFFSET $5",
      ANTIPHON_RECENT("::int") " ORDER BY updated_at DESC, id LIMIT $4 OFFSET $5"};
  static constexpr Sql kOrdered{
      "chats.recent_ordered", ANTIPHON_RECENT("") ANTIPHON_ORDER("$6", "$7", "") "LIMIT $4 OFFSET $5",
      ANTIPHON_RECENT("::int") ANTIPHON_ORDER("$6::int", "$7::int", "") "LIMIT $4 OFFSET $5"};
  Page p = page_of(page);
  if (order.by == Order::By::updated_at && order.descending)
    co_return co_await db_.all<ChatTitle>(kRecent, user_id, pinned, foldered, p.size, p.offset);
  co_return co_await db_.all<ChatTitle>(kOrdered, user_id, pinned, foldered, p.size, p.offset,
                                        static_cast<int>(order.by), order.descending);
}

Task<std::vector<ChatTitle>> Sidebar::pinned(std::string user_id) const {
  static constexpr Sql kPinned{
      "chats.pinned", ANTIPHON_TITLES
      "WHERE user_id = $1 AND pinned AND NOT archived ORDER BY updated_at DESC, id LIMIT 500"};
  co_return co_await db_.all<ChatTitle>(kPinned, user_id);
}

Task<std::vector<ChatTitle>> Sidebar::archived(std::string user_id, std::optional<std::int64_t> page,
                                               std::string query, Order order) const {
#define ANTIPHON_ARCHIVED(int)                                                           \
  ANTIPHON_TITLES                                                                        \
  "WHERE user_id = $1 AND archived AND title_folded LIKE $4 ESCAPE '\\'" ANTIPHON_ORDER( \
      "$5" int, "$6" int, "") "LIMIT $2 OFFSET $3"
  static constexpr Sql kArchived{"chats.archived", ANTIPHON_ARCHIVED(""), ANTIPHON_ARCHIVED("::int")};
  Page p = page_of(page);
  co_return co_await db_.all<ChatTitle>(kArchived, user_id, p.size, p.offset, like_folded(query),
                                        static_cast<int>(order.by), order.descending);
}

Task<std::vector<ChatTitle>> Sidebar::everything(std::string user_id, std::optional<std::int64_t> page,
                                                 std::string query, Order order) const {
#define ANTIPHON_EVERYTHING(int)                                                            \
  ANTIPHON_TITLES "WHERE user_id = $1 AND title_folded LIKE $4 ESCAPE '\\'" ANTIPHON_ORDER( \
      "$5" int, "$6" int, "") "LIMIT $2 OFFSET $3"
  static constexpr Sql kEverything{"chats.everything", ANTIPHON_EVERYTHING(""),
                                   ANTIPHON_EVERYTHING("::int")};
  Page p = page_of(page);
  co_return co_await db_.all<ChatTitle>(kEverything, user_id, p.size, p.offset, like_folded(query),
                                        static_cast<int>(order.by), order.descending);
}

Task<std::vector<ChatTitle>> Sidebar::in_folder(std::string user_id, std::string folder_id,
                                                std::int64_t page, std::int64_t size,
                                                Order order) const {
#define ANTIPHON_IN_FOLDER ANTIPHON_TITLES "WHERE user_id = $1 AND folder_id = $2 AND NOT archived"
  static constexpr Sql kFolder{
      "chats.in_folder", ANTIPHON_IN_FOLDER ANTIPHON_ORDER("$5", "$6", "") "LIMIT $3 OFFSET $4",
      ANTIPHON_IN_FOLDER ANTIPHON_ORDER("$5::int", "$6::int", "") "LIMIT $3 OFFSET $4"};
  static constexpr Sql kUnreadFirst{"chats.in_folder_unread", ANTIPHON_IN_FOLDER
                                    " ORDER BY CASE WHEN updated_at > last_read_at THEN 0 ELSE 1 END,"
                                    " updated_at DESC, id LIMIT $3 OFFSET $4"};
  Page p = page_of(page, size);
  if (order.by == Order::By::unread)
    co_return co_await db_.all<ChatTitle>(kUnreadFirst, user_id, folder_id, p.size, p.offset);
  co_return co_await db_.all<ChatTitle>(kFolder, user_id, folder_id, p.size, p.offset,
                                        static_cast<int>(order.by), order.descending);
}

Task<SharedTitles> Sidebar::shared_in_folder(std::string user_id, std::string folder_id,
                                             std::optional<std::int64_t> page, Order order) const {
#define ANTIPHON_SHARED_IN                                                               \
  "SELECT user_id, id, title, updated_at, created_at, archived,"                         \
  " (SELECT name FROM \"user\" u WHERE u.id = chat.user_id) AS owner_name,"              \
  " CASE WHEN user_id = $1 THEN last_read_at END AS last_read_at,"                       \
  " EXISTS (SELECT 1 FROM run WHERE run.chat_id = chat.id AND run.state < 10) AS active" \
  " FROM chat WHERE folder_id = $2 AND NOT archived"
  static constexpr Sql kShared{
      "chats.shared_in_folder", ANTIPHON_SHARED_IN ANTIPHON_ORDER("$5", "$6", "") "LIMIT $3 OFFSET $4",
      ANTIPHON_SHARED_IN ANTIPHON_ORDER("$5::int", "$6::int", "") "LIMIT $3 OFFSET $4"};
  // Unread first is for one's own; others' have no such order.
  if (order.by == Order::By::unread) order.by = Order::By::updated_at;
  static constexpr Sql kCount{
      "chats.count_in_folder",
      "SELECT COUNT(*) AS value FROM chat WHERE folder_id = $1 AND NOT archived"};
  Page p = page_of(page);
  SharedTitles out;
  out.chats = co_await db_.all<SharedTitle>(kShared, user_id, folder_id, p.size, p.offset,
                                            static_cast<int>(order.by), order.descending);
  if (!page) co_return out;
  out.total = (co_await db_.first<Count>(kCount, folder_id)).value_or(Count{}).value;
  out.has_more = p.offset + static_cast<std::int64_t>(out.chats.size()) < out.total;
  co_return out;
}

Task<std::vector<std::string>> Sidebar::ids_below(std::string user_id, std::string folder_id) const {
  static constexpr Sql kBelow{"chats.below_folder", R"(
      WITH RECURSIVE below(id, depth) AS (
        SELECT id, 1 FROM folder WHERE id = $2 AND user_id = $1
        UNION ALL
        SELECT f.id, below.depth + 1 FROM below JOIN folder f ON f.parent_id = below.id WHERE below.depth < 64)
      SELECT id AS value FROM chat
       WHERE user_id = $1 AND folder_id IN (SELECT id FROM below) AND NOT archived
       ORDER BY updated_at DESC, id LIMIT 200)"};
  std::vector<std::string> out;
  for (TextRow& row : co_await db_.all<TextRow>(kBelow, user_id, folder_id))
    out.push_back(std::move(row.value));
  co_return out;
}

Task<std::vector<ChatTitle>> Sidebar::tagged(std::string user_id, std::string tag_id, std::int64_t skip,
                                             std::int64_t limit) const {
  static constexpr Sql kTagged{"chats.tagged", ANTIPHON_TITLES R"(
       WHERE user_id = $1 AND id IN (SELECT chat_id FROM chat_tag WHERE user_id = $1 AND tag_id = $2)
       ORDER BY updated_at DESC, id LIMIT $3 OFFSET $4)"};
  co_return co_await db_.all<ChatTitle>(kTagged, user_id, tag_id,
                                        std::clamp<std::int64_t>(limit, 1, 200),
                                        std::clamp<std::int64_t>(skip, 0, 1'000'000'000));
}

Task<std::vector<std::string>> Sidebar::folders_named(std::string user_id,
                                                      const std::vector<std::string>& names) const {
  static constexpr Sql kNames{"chats.folder_names",
                              "SELECT id, name FROM folder WHERE user_id = $1 LIMIT 1000"};
  std::vector<std::string> out;
  if (names.empty()) co_return out;
  for (FolderName& folder : co_await db_.all<FolderName>(kNames, user_id))
    if (std::ranges::find(names, SearchQuery::folder_word(folder.name)) != names.end())
      out.push_back(std::move(folder.id));
  co_return out;
}

// $1 the user; $2 pinned, $3 archived, $4 shared: 0, 1 or -1 for either; $5 tags, $6 untagged;
// $7 folders, $8 whether they count; $9 and $10 the page. With words: $11 the title, $12 the index's
// expression.
#define ANTIPHON_FILTERS(int, tags, tag_count, folders) \
  " user_id = $1 AND ($2" int " = -1 OR pinned = ($2" int " = 1)) AND archived = ($3" int " = 1)"            \
  " AND ($4" int " = -1 OR (share_id IS NOT NULL) = ($4" int " = 1))"                                        \
  " AND (SELECT COUNT(*) FROM chat_tag t WHERE t.chat_id = chat.id AND t.tag_id " tags ") = " tag_count      \
  " AND ($6" int " = 0 OR NOT EXISTS (SELECT 1 FROM chat_tag t WHERE t.chat_id = chat.id))"                  \
  " AND ($8" int " = 0 OR folder_id " folders ") "
#define ANTIPHON_FILTERS_SQLITE                                                         \
  ANTIPHON_FILTERS("", "IN (SELECT value FROM json_each($5))", "json_array_length($5)", \
                   "IN (SELECT value FROM json_each($7))")
#define ANTIPHON_FILTERS_POSTGRES \
  ANTIPHON_FILTERS("::int", "= ANY($5::text[])", "cardinality($5::text[])", "= ANY($7::text[])")
#define ANTIPHON_LATEST " ORDER BY updated_at DESC, id LIMIT $9 OFFSET $10"
#define ANTIPHON_FOUND " AND (title_folded LIKE $11 ESCAPE '\\' OR id IN (SELECT chat_id FROM best))"

Task<std::vector<Hit>> Sidebar::search(std::string user_id, SearchQuery q, std::int64_t page) const {
  static constexpr Sql kFiltered{"chats.search_filtered",
                                 ANTIPHON_TITLES "WHERE" ANTIPHON_FILTERS_SQLITE ANTIPHON_LATEST,
                                 ANTIPHON_TITLES "WHERE" ANTIPHON_FILTERS_POSTGRES ANTIPHON_LATEST};
  static constexpr Sql kSearch{
      "chats.search",
      R"(
      WITH hit AS MATERIALIZED (
             SELECT m.chat_id, m.row FROM chat_search s JOIN chat_message m ON m.row = s.rowid
              WHERE chat_search MATCH $12 AND m.user_id = $1 ORDER BY s.rowid DESC LIMIT 2000),
           best AS MATERIALIZED (SELECT chat_id, MAX(row) AS row FROM hit GROUP BY chat_id)
      SELECT (SELECT m.content FROM best JOIN chat_message m ON m.row = best.row WHERE best.chat_id = chat.id)
               AS found,
             (SELECT m.id FROM best JOIN chat_message m ON m.row = best.row WHERE best.chat_id = chat.id)
               AS found_id, )" ANTIPHON_TITLE
      "FROM chat WHERE" ANTIPHON_FILTERS_SQLITE ANTIPHON_FOUND ANTIPHON_LATEST,
      R"(
      WITH hit AS MATERIALIZED (
             SELECT m.chat_id, m.id, m.created_at FROM chat_message m
              WHERE to_tsvector('simple', m.text) @@ to_tsquery('simple', $12) AND m.user_id = $1
              ORDER BY m.created_at DESC LIMIT 2000),
           best AS MATERIALIZED (SELECT DISTINCT ON (chat_id) chat_id, id FROM hit ORDER BY chat_id, created_at DESC)
      SELECT (SELECT m.content FROM best JOIN chat_message m ON m.chat_id = best.chat_id AND m.id = best.id
               WHERE best.chat_id = chat.id) AS found,
             (SELECT best.id FROM best WHERE best.chat_id = chat.id) AS found_id, )" ANTIPHON_TITLE
      "FROM chat WHERE" ANTIPHON_FILTERS_POSTGRES ANTIPHON_FOUND ANTIPHON_LATEST};
  auto flag = [](std::optional<bool> b) { return b ? static_cast<int>(*b) : -1; };
  auto folders = co_await folders_named(user_id, q.folders);
  folders.insert(folders.end(), q.folder_ids.begin(), q.folder_ids.end());
  Page p = page_of(page);
  bool in_folders = !q.folders.empty() || !q.folder_ids.empty(), archived = q.archived.value_or(false);
  std::vector<Hit> out;
  if (q.words.empty()) {
    auto all = co_await db_.all<ChatTitle>(kFiltered, user_id, flag(q.pinned), archived, flag(q.shared),
                                           q.tags, q.untagged, folders, in_folders, p.size, p.offset);
    for (ChatTitle& chat : all) out.push_back({std::move(chat), std::nullopt});
    co_return out;
  }
  std::string match = db_.dialect() == store::Dialect::sqlite ? q.fts5() : q.tsquery();
  if (match.empty()) match = db_.dialect() == store::Dialect::sqlite ? "\"\"" : "";
  auto found = co_await db_.all<FoundChat>(kSearch, user_id, flag(q.pinned), archived, flag(q.shared),
                                           q.tags, q.untagged, folders, in_folders, p.size, p.offset,
                                           like_folded(q.words), match);
  std::string first = words_of(q.words.substr(0, q.words.find(' ')), 200);
  for (FoundChat& chat : found) {
    std::optional<std::string> text;
    if (chat.found) text = snippet(plain_text(*chat.found), first);
    out.push_back({{std::move(chat.id), std::move(chat.title), chat.updated_at, chat.created_at,
                    chat.last_read_at, std::move(text), chat.active, chat.archived},
                   std::move(chat.found_id)});
  }
  co_return out;
}

Task<std::vector<Tag>> Sidebar::tags(std::string user_id) const {
  static constexpr Sql kTags{"chats.all_tags", R"(
      SELECT id, name, user_id, meta FROM tag
       WHERE user_id = $1 AND EXISTS (SELECT 1 FROM chat_tag WHERE chat_tag.user_id = $1 AND chat_tag.tag_id = tag.id)
       ORDER BY name LIMIT 1000)"};
  co_return co_await db_.all<Tag>(kTags, user_id);
}

Task<std::vector<Tag>> Sidebar::tags_of(std::string chat_id) const {
  static constexpr Sql kTags{"chats.tags_of", R"(
      SELECT tag.id, tag.name, tag.user_id, tag.meta
        FROM chat_tag JOIN tag ON tag.id = chat_tag.tag_id AND tag.user_id = chat_tag.user_id
       WHERE chat_tag.chat_id = $1 ORDER BY tag.name)"};
  co_return co_await db_.all<Tag>(kTags, chat_id);
}

Task<std::int64_t> Sidebar::count_archived(std::string user_id) const {
  static constexpr Sql kCount{"chats.count_archived",
                              "SELECT COUNT(*) AS value FROM chat WHERE user_id = $1 AND archived"};
  auto row = co_await db_.first<Count>(kCount, user_id);
  co_return row ? row->value : 0;
}

Task<std::vector<std::string>> Sidebar::walk(std::string user_id, Kept kept, std::string after) const {
#define ANTIPHON_WALK(int, text)                                             \
  "SELECT id AS value FROM chat WHERE ($1" text " = '' OR user_id = $1" text \
  ") AND id > $3"                                                            \
  " AND ($2" int " = 0 OR archived = ($2" int " = 2)) ORDER BY id LIMIT 60"
  static constexpr Sql kWalk{"chats.walk", ANTIPHON_WALK("", ""), ANTIPHON_WALK("::int", "::text")};
  static_assert(kPage == 60);
  std::vector<std::string> out;
  for (TextRow& row : co_await db_.all<TextRow>(kWalk, user_id, static_cast<int>(kept), after))
    out.push_back(std::move(row.value));
  co_return out;
}

}  // namespace antiphon::chats

#include "features/chats/sidebar.h"

#include "json/dto.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(ChatTitle)
ANTIPHON_DTO_DEFINE(Tag)

namespace {

using store::Sql;

struct Count {
  std::int64_t value;
};
ANTIPHON_DTO(Count, value)
ANTIPHON_DTO_DEFINE(Count)

#define ANTIPHON_TITLE_COLUMNS                                                               \
  "SELECT id, title, updated_at, created_at, last_read_at, archived,"                        \
  " EXISTS (SELECT 1 FROM run WHERE run.chat_id = chat.id AND run.state < 10) AS active"     \
  " FROM chat "

/// Other orders than the sidebar's own: sorted after the fact, since nobody scrolls far in them.
#define ANTIPHON_ORDER(by, down)                                                              \
  " ORDER BY CASE WHEN " by " = 2 AND " down " = 1 THEN title END DESC,"                      \
  " CASE WHEN " by " = 2 AND " down " = 0 THEN title END ASC,"                                \
  " CASE WHEN " by " = 1 AND " down " = 1 THEN created_at END DESC,"                          \
  " CASE WHEN " by " = 1 AND " down " = 0 THEN created_at END ASC,"                           \
  " CASE WHEN " by " = 0 AND " down " = 0 THEN updated_at END ASC, updated_at DESC, id "

std::string escape_like(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::int64_t offset_of(std::optional<std::int64_t> page, std::int64_t size) {
  return page ? (std::max<std::int64_t>(*page, 1) - 1) * size : 0;
}

}  // namespace

Task<std::vector<ChatTitle>> Sidebar::recent(std::string user_id, std::optional<std::int64_t> page, bool pinned,
                                             bool foldered, Order order) const {
  static constexpr Sql kRecent{"chats.recent", ANTIPHON_TITLE_COLUMNS R"(
       WHERE user_id = $1 AND NOT archived AND ($2 = 1 OR NOT pinned) AND ($3 = 1 OR folder_id IS NULL)
       ORDER BY updated_at DESC, id LIMIT $4 OFFSET $5)",
                               ANTIPHON_TITLE_COLUMNS R"(
       WHERE user_id = $1 AND NOT archived AND ($2::int = 1 OR NOT pinned) AND ($3::int = 1 OR folder_id IS NULL)
       ORDER BY updated_at DESC, id LIMIT $4 OFFSET $5)"};
  static constexpr Sql kOrdered{"chats.recent_ordered", ANTIPHON_TITLE_COLUMNS R"(
       WHERE user_id = $1 AND NOT archived AND ($2 = 1 OR NOT pinned) AND ($3 = 1 OR folder_id IS NULL))"
       ANTIPHON_ORDER("$6", "$7") "LIMIT $4 OFFSET $5",
                                ANTIPHON_TITLE_COLUMNS R"(
       WHERE user_id = $1 AND NOT archived AND ($2::int = 1 OR NOT pinned) AND ($3::int = 1 OR folder_id IS NULL))"
       ANTIPHON_ORDER("$6::int", "$7::int") "LIMIT $4 OFFSET $5"};
  std::int64_t size = page ? kPage : kMost;
  if (order.by == Order::By::updated_at && order.descending)
    co_return co_await db_.all<ChatTitle>(kRecent, user_id, pinned, foldered, size, offset_of(page, size));
  co_return co_await db_.all<ChatTitle>(kOrdered, user_id, pinned, foldered, size, offset_of(page, size),
                                        static_cast<int>(order.by), order.descending);
}

Task<std::vector<ChatTitle>> Sidebar::pinned(std::string user_id) const {
  static constexpr Sql kPinned{"chats.pinned", ANTIPHON_TITLE_COLUMNS
                               "WHERE user_id = $1 AND pinned AND NOT archived ORDER BY updated_at DESC, id LIMIT 500"};
  co_return co_await db_.all<ChatTitle>(kPinned, user_id);
}

Task<std::vector<ChatTitle>> Sidebar::archived(std::string user_id, std::optional<std::int64_t> page,
                                               std::string query, Order order) const {
  static constexpr Sql kArchived{"chats.archived", ANTIPHON_TITLE_COLUMNS
                                 "WHERE user_id = $1 AND archived AND lower(title) LIKE lower($4) ESCAPE '\\'"
                                 ANTIPHON_ORDER("$5", "$6") "LIMIT $2 OFFSET $3",
                                 ANTIPHON_TITLE_COLUMNS
                                 "WHERE user_id = $1 AND archived AND lower(title) LIKE lower($4) ESCAPE '\\'"
                                 ANTIPHON_ORDER("$5::int", "$6::int") "LIMIT $2 OFFSET $3"};
  std::int64_t size = page ? kPage : kMost;
  co_return co_await db_.all<ChatTitle>(kArchived, user_id, size, offset_of(page, size),
                                        "%" + escape_like(query) + "%", static_cast<int>(order.by), order.descending);
}

Task<std::vector<ChatTitle>> Sidebar::in_folder(std::string user_id, std::string folder_id, std::int64_t page,
                                                std::int64_t size, Order order) const {
  static constexpr Sql kFolder{"chats.in_folder", ANTIPHON_TITLE_COLUMNS
                               "WHERE user_id = $1 AND folder_id = $2 AND NOT archived"
                               ANTIPHON_ORDER("$5", "$6") "LIMIT $3 OFFSET $4",
                               ANTIPHON_TITLE_COLUMNS
                               "WHERE user_id = $1 AND folder_id = $2 AND NOT archived"
                               ANTIPHON_ORDER("$5::int", "$6::int") "LIMIT $3 OFFSET $4"};
  co_return co_await db_.all<ChatTitle>(kFolder, user_id, folder_id, size, offset_of(page, size),
                                        static_cast<int>(order.by), order.descending);
}

Task<std::vector<ChatTitle>> Sidebar::tagged(std::string user_id, std::string tag_id, std::int64_t skip,
                                             std::int64_t limit) const {
  static constexpr Sql kTagged{"chats.tagged", ANTIPHON_TITLE_COLUMNS R"(
       WHERE user_id = $1 AND id IN (SELECT chat_id FROM chat_tag WHERE user_id = $1 AND tag_id = $2)
       ORDER BY updated_at DESC, id LIMIT $3 OFFSET $4)"};
  co_return co_await db_.all<ChatTitle>(kTagged, user_id, tag_id, std::clamp<std::int64_t>(limit, 1, 200),
                                        std::max<std::int64_t>(skip, 0));
}

Task<std::vector<ChatTitle>> Sidebar::search(std::string user_id, const SearchQuery& q, std::int64_t page) const {
  // $2 words for titles, $3 for the index, $4 the bare words for the snippet.
#define ANTIPHON_SEARCH_FILTERS                                                                       \
  " AND ($5 = -1 OR pinned = ($5 = 1)) AND archived = ($6 = 1) AND ($7 = -1 OR (share_id IS NOT NULL) = ($7 = 1))"
  static constexpr Sql kSearch{"chats.search", R"(
      SELECT id, title, updated_at, created_at, last_read_at, archived,
             EXISTS (SELECT 1 FROM run WHERE run.chat_id = chat.id AND run.state < 10) AS active,
             (SELECT substr(m.text, max(1, instr(lower(m.text), lower($4)) - 40), 160)
                FROM chat_message m WHERE m.chat_id = chat.id AND $4 <> '' AND instr(lower(m.text), lower($4)) > 0
                ORDER BY m.created_at DESC LIMIT 1) AS snippet
        FROM chat
       WHERE user_id = $1
         AND ($4 = '' OR lower(title) LIKE lower($2) ESCAPE '\'
              OR ($3 <> '' AND id IN (SELECT m.chat_id FROM chat_search s JOIN chat_message m ON m.row = s.rowid
                                       WHERE chat_search MATCH CASE WHEN $3 = '' THEN '"-"' ELSE $3 END
                                         AND m.user_id = $1 LIMIT 2000)))
         AND (SELECT COUNT(*) FROM chat_tag t WHERE t.chat_id = chat.id
                 AND t.tag_id IN (SELECT value FROM json_each($8))) = json_array_length($8)
         AND (json_array_length($9) = 0 OR folder_id IN
              (SELECT f.id FROM folder f WHERE f.user_id = $1
                  AND replace(lower(f.name), ' ', '_') IN (SELECT value FROM json_each($9)))))"
      ANTIPHON_SEARCH_FILTERS " ORDER BY updated_at DESC, id LIMIT $10 OFFSET $11",
                               R"(
      SELECT id, title, updated_at, created_at, last_read_at, archived,
             EXISTS (SELECT 1 FROM run WHERE run.chat_id = chat.id AND run.state < 10) AS active,
             (SELECT substr(m.text, greatest(1, position(lower($4::text) IN lower(m.text)) - 40), 160)
                FROM chat_message m WHERE m.chat_id = chat.id AND $4::text <> ''
                 AND position(lower($4::text) IN lower(m.text)) > 0
                ORDER BY m.created_at DESC LIMIT 1) AS snippet
        FROM chat
       WHERE user_id = $1
         AND ($4::text = '' OR lower(title) LIKE lower($2::text) ESCAPE '\'
              OR ($3::text <> '' AND id IN (SELECT m.chat_id FROM chat_message m
                    WHERE m.search @@ to_tsquery('simple', $3::text) AND m.user_id = $1 LIMIT 2000)))
         AND (SELECT COUNT(*) FROM chat_tag t WHERE t.chat_id = chat.id
                 AND t.tag_id = ANY($8::text[])) = cardinality($8::text[])
         AND (cardinality($9::text[]) = 0 OR folder_id IN
              (SELECT f.id FROM folder f WHERE f.user_id = $1
                  AND replace(lower(f.name), ' ', '_') = ANY($9::text[])))
         AND ($5::int = -1 OR pinned = ($5::int = 1)) AND archived = ($6::int = 1)
         AND ($7::int = -1 OR (share_id IS NOT NULL) = ($7::int = 1))
       ORDER BY updated_at DESC, id LIMIT $10 OFFSET $11)"};
  auto flag = [](std::optional<bool> b) { return b ? static_cast<int>(*b) : -1; };
  std::string match = db_.dialect() == store::Dialect::sqlite ? q.fts5() : q.tsquery();
  co_return co_await db_.all<ChatTitle>(kSearch, user_id, "%" + escape_like(q.words) + "%", match, q.words,
                                        flag(q.pinned), q.archived.value_or(false), flag(q.shared), q.tags,
                                        q.folders, kPage, offset_of(page, kPage));
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

}  // namespace antiphon::chats

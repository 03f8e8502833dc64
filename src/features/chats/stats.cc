#include "features/chats/stats.h"

#include <boost/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "features/chats/lists.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(StatsQuery)
ANTIPHON_DTO_DEFINE(MessageStats)
ANTIPHON_DTO_DEFINE(HistoryStats)
ANTIPHON_DTO_DEFINE(ChatBodyStats)
ANTIPHON_DTO_DEFINE(ChatSums)
ANTIPHON_DTO_DEFINE(ChatStats)
ANTIPHON_DTO_DEFINE(ChatStatsList)

struct StatsChat {
  std::string id, user_id;
  json::Value meta;
  std::optional<std::string> current_message_id;
  std::int64_t created_at = 0, updated_at = 0, total = 0;
};
ANTIPHON_DTO(StatsChat, id, user_id, meta, current_message_id, created_at, updated_at, total)
ANTIPHON_DTO_DEFINE(StatsChat)

struct StatsTotal {
  std::int64_t total = 0;
};
ANTIPHON_DTO(StatsTotal, total)
ANTIPHON_DTO_DEFINE(StatsTotal)

/// A message without what it says.
struct StatsMessage {
  std::string id, role;
  std::optional<std::string> parent_id, model_id;
  std::int64_t characters = 0, created_at = 0, updated_at = 0;
  std::optional<json::Value> usage, extra;
};
ANTIPHON_DTO(StatsMessage, id, role, parent_id, model_id, characters, created_at, updated_at, usage,
             extra)
ANTIPHON_DTO_DEFINE(StatsMessage)

namespace {

using store::Sql;

#define ANTIPHON_STATS_CHAT "SELECT id, user_id, meta, current_message_id, created_at, updated_at"

// The characters of content's JSON less its quotes. `extra` is fetched where a rating may be in it.
constexpr Sql kMessages{"chats.stats_messages", R"(
    SELECT id, role, parent_id, model_id, length(content) - 2 AS characters, created_at, updated_at, usage,
           CASE WHEN extra LIKE '%"annotation"%' THEN extra END AS extra
      FROM chat_message WHERE chat_id = $1 ORDER BY position, id LIMIT 10000)"};
static_assert(Stats::kMostMessages == 10'000);

std::optional<std::int64_t> whole_number(const json::Value& object, std::string_view name) {
  const json::Value* value = json::find(object, name);
  if (!value || !value->is_number()) return std::nullopt;
  return json::int_at(object, name);
}

std::vector<std::string> texts(const json::Value& object, std::string_view name) {
  std::vector<std::string> out;
  if (const json::Array* list = json::array_at(object, name))
    for (const json::Value& one : *list)
      if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

MessageStats stats_of(const StatsMessage& m) {
  MessageStats out{.id = m.id,
                   .role = m.role,
                   .model = m.model_id,
                   .content_length = std::max<std::int64_t>(m.characters, 0),
                   .timestamp = m.created_at};
  if (m.usage)
    for (std::string_view name : {"output_tokens", "completion_tokens"})
      if (!out.token_count) out.token_count = whole_number(*m.usage, name);
  const json::Value* annotation = m.extra ? json::find(*m.extra, "annotation") : nullptr;
  if (!annotation) return out;
  out.rating = whole_number(*annotation, "rating");
  if (json::array_at(*annotation, "tags")) out.tags = texts(*annotation, "tags");
  return out;
}

/// The messages from `leaf` up to the root.
std::unordered_set<std::string_view> branch_of(const std::vector<StatsMessage>& messages,
                                               const std::optional<std::string>& leaf) {
  std::unordered_map<std::string_view, const StatsMessage*> by_id;
  for (const StatsMessage& m : messages) by_id[m.id] = &m;
  std::unordered_set<std::string_view> out;
  for (auto at = leaf ? by_id.find(*leaf) : by_id.end(); at != by_id.end();) {
    if (!out.insert(at->first).second) break;  // A circle (row 120).
    at = at->second->parent_id ? by_id.find(*at->second->parent_id) : by_id.end();
  }
  return out;
}

double average(std::int64_t sum, std::int64_t count) {
  return count ? static_cast<double>(sum) / static_cast<double>(count) : 0;
}

ChatStats summed(const StatsChat& chat, const std::vector<StatsMessage>& messages) {
  ChatStats out{.id = chat.id,
                .user_id = chat.user_id,
                .created_at = chat.created_at,
                .updated_at = chat.updated_at,
                .tags = texts(chat.meta, "tags")};
  ChatSums& sums = out.stats;
  auto branch = branch_of(messages, chat.current_message_id);
  std::int64_t asked = 0, answered = 0, seconds = 0;
  for (const StatsMessage& m : messages) {
    MessageStats stats = stats_of(m);
    bool answer = m.role == "assistant";
    (m.role == "user" ? asked : answered) += stats.content_length;
    ++(m.role == "user" ? sums.history_user_message_count : sums.history_assistant_message_count);
    // What took more than an hour was imported, or changed by hand later.
    std::int64_t took = m.updated_at - m.created_at;
    if (answer && took >= 0 && took <= 3600) seconds += took;
    if (m.model_id && answer) {
      ++sums.history_models[*m.model_id];
      if (branch.contains(m.id)) ++sums.models[*m.model_id];
    }
    out.chat.history.messages.emplace(m.id, std::move(stats));
  }
  sums.message_count = static_cast<std::int64_t>(branch.size());
  sums.history_message_count = static_cast<std::int64_t>(messages.size());
  sums.average_response_time = average(seconds, sums.history_assistant_message_count);
  sums.average_user_message_content_length = average(asked, sums.history_user_message_count);
  sums.average_assistant_message_content_length =
      average(answered, sums.history_assistant_message_count);
  out.chat.history.currentId = chat.current_message_id;
  return out;
}

Task<std::vector<ChatStats>> all_of(store::Db& db, std::vector<StatsChat> chats) {
  std::vector<ChatStats> out;
  out.reserve(chats.size());
  for (const StatsChat& chat : chats)
    out.push_back(summed(chat, co_await db.all<StatsMessage>(kMessages, chat.id)));
  co_return out;
}

}  // namespace

Task<ChatStatsList> Stats::page(std::string user_id, std::int64_t since, std::int64_t page) const {
  static constexpr Sql kPageOf{"chats.stats_page",
                               ANTIPHON_STATS_CHAT R"(, COUNT(*) OVER () AS total FROM chat
       WHERE user_id = $1 AND updated_at > $2 ORDER BY updated_at DESC, id LIMIT $3 OFFSET $4)"};
  static constexpr Sql kTotal{
      "chats.stats_total", "SELECT COUNT(*) AS total FROM chat WHERE user_id = $1 AND updated_at > $2"};
  Page p = page_of(page, kPage);
  auto chats = co_await db_.all<StatsChat>(kPageOf, user_id, since, p.size, p.offset);
  ChatStatsList out{.page = page};
  if (!chats.empty())
    out.total = chats.front().total;
  else if (auto all = co_await db_.first<StatsTotal>(kTotal, user_id, since))  // Beyond the last page.
    out.total = all->total;
  out.items = co_await all_of(db_, std::move(chats));
  co_return out;
}

Task<std::vector<ChatStats>> Stats::walk(std::string user_id, std::int64_t since,
                                         std::string after) const {
  static constexpr Sql kWalk{"chats.stats_walk", ANTIPHON_STATS_CHAT R"( FROM chat
       WHERE user_id = $1 AND updated_at > $2 AND id > $3 ORDER BY id LIMIT 10)"};
  static_assert(kPage == 10);
  co_return co_await all_of(db_, co_await db_.all<StatsChat>(kWalk, user_id, since, after));
}

Task<ChatStats> Stats::of(const Chat& chat) const {
  StatsChat row{.id = chat.id.value,
                .user_id = chat.user_id,
                .meta = chat.meta,
                .current_message_id = chat.current_message_id,
                .created_at = chat.created_at,
                .updated_at = chat.updated_at};
  co_return summed(row, co_await db_.all<StatsMessage>(kMessages, row.id));
}

}  // namespace antiphon::chats

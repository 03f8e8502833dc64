#include "features/chats/usage.h"

#include <boost/json.hpp>
#include <map>

#include "features/chats/lists.h"

namespace antiphon::chats {

struct UsageChat {
  std::string id;
  json::Value meta;
  std::int64_t created_at, updated_at, total;
};
ANTIPHON_DTO(UsageChat, id, meta, created_at, updated_at, total)
ANTIPHON_DTO_DEFINE(UsageChat)

/// The messages of a chat by one author.
struct UsageShare {
  std::string chat_id, role;
  std::optional<std::string> model_id;
  std::int64_t messages, characters, seconds, latest;
};
ANTIPHON_DTO(UsageShare, chat_id, role, model_id, messages, characters, seconds, latest)
ANTIPHON_DTO_DEFINE(UsageShare)

namespace {

using store::Sql;

constexpr Sql kChats{"chats.usage_chats", R"(
    SELECT id, meta, created_at, updated_at, COUNT(*) OVER () AS total FROM chat
     WHERE user_id = $1 ORDER BY updated_at DESC, id LIMIT $2 OFFSET $3)"};

// The characters of content's JSON less its quotes: near enough for an average. What took more than an
// hour was imported, or changed by hand later.
#define ANTIPHON_SHARES(among)                                                                 \
  "SELECT chat_id, role, model_id, COUNT(*) AS messages,"                                      \
  " CAST(SUM(length(content) - 2) AS BIGINT) AS characters,"                                   \
  " CAST(SUM(CASE WHEN updated_at - created_at BETWEEN 0 AND 3600"                             \
  " THEN updated_at - created_at ELSE 0 END) AS BIGINT) AS seconds, MAX(created_at) AS latest" \
  " FROM chat_message WHERE chat_id " among " GROUP BY chat_id, role, model_id"
constexpr Sql kShares{"chats.usage_shares", ANTIPHON_SHARES("IN (SELECT value FROM json_each($1))"),
                      ANTIPHON_SHARES("= ANY($1::text[])")};

double average(std::int64_t sum, std::int64_t count) {
  return count ? static_cast<double>(sum) / static_cast<double>(count) : 0;
}

json::Object item(const UsageChat& chat, const std::vector<UsageShare>& shares) {
  std::int64_t questions = 0, answers = 0, asked = 0, answered = 0, seconds = 0,
               latest = chat.updated_at;
  json::Object models;
  for (const UsageShare& s : shares) {
    latest = &s == &shares.front() ? s.latest : std::max(latest, s.latest);
    (s.role == "user" ? questions : answers) += s.messages;
    (s.role == "user" ? asked : answered) += s.characters;
    if (s.role != "user") seconds += s.seconds;
    if (s.model_id) models[*s.model_id] = json::int_at(models, *s.model_id) + s.messages;
  }
  const json::Array* tags = json::array_at(chat.meta, "tags");
  return {{"id", chat.id},
          {"models", models},
          {"message_count", questions + answers},
          {"history_models", models},
          {"history_message_count", questions + answers},
          {"history_user_message_count", questions},
          {"history_assistant_message_count", answers},
          {"average_response_time", average(seconds, answers)},
          {"average_user_message_content_length", average(asked, questions)},
          {"average_assistant_message_content_length", average(answered, answers)},
          {"tags", tags ? *tags : json::Array()},
          {"last_message_at", latest},
          {"updated_at", chat.updated_at},
          {"created_at", chat.created_at}};
}

}  // namespace

Task<json::Value> usage_of(store::Db& db, std::string user_id, std::int64_t page, std::int64_t size) {
  Page p = page_of(page, std::clamp<std::int64_t>(size, 1, 100));
  auto chats = co_await db.all<UsageChat>(kChats, user_id, p.size, p.offset);
  std::vector<std::string> ids;
  ids.reserve(chats.size());
  for (const UsageChat& chat : chats) ids.push_back(chat.id);
  std::map<std::string, std::vector<UsageShare>> shares;
  for (UsageShare& s : co_await db.all<UsageShare>(kShares, ids)) {
    std::string id = s.chat_id;
    shares[id].push_back(std::move(s));
  }
  json::Array items;
  for (const UsageChat& chat : chats) items.push_back(item(chat, shares[chat.id]));
  std::int64_t total = chats.empty() ? 0 : chats.front().total;
  co_return json::Object{{"items", std::move(items)}, {"total", total}};
}

}  // namespace antiphon::chats

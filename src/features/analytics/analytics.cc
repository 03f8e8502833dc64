#include "features/analytics/analytics.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/encode.h"
#include "features/analytics/span.h"
#include "features/chats/chats.h"

namespace antiphon::analytics {

ANTIPHON_DTO_DEFINE(ModelUse)
ANTIPHON_DTO_DEFINE(UserUse)
ANTIPHON_DTO_DEFINE(Summary)
ANTIPHON_DTO_DEFINE(TokenUse)
ANTIPHON_DTO_DEFINE(MessageRow)
ANTIPHON_DTO_DEFINE(TagCount)

struct ModelChatRow {
  std::string chat_id, user_id;
  std::optional<std::string> user_name;
  std::optional<json::Value> first_message;
  std::int64_t updated_at = 0, total = 0;
};
ANTIPHON_DTO(ModelChatRow, chat_id, user_id, user_name, first_message, updated_at, total)
ANTIPHON_DTO_DEFINE(ModelChatRow)

namespace {
using store::Sql;
}  // namespace

Task<ModelUses> Analytics::models(SpanQuery q) const {
#define ANTIPHON_MODELS(text)                                                             \
  "SELECT model_id, COUNT(*) AS count, COUNT(DISTINCT user_id) AS unique_users,"          \
  " COUNT(DISTINCT chat_id) AS unique_chats FROM chat_message WHERE" ANTIPHON_ANSWERS_OF( \
      "", text) " GROUP BY model_id ORDER BY COUNT(*) DESC, model_id LIMIT $4"
  static constexpr Sql kModels{"analytics.models", ANTIPHON_MODELS(""), ANTIPHON_MODELS("::text")};
  Span s(q.start_date, q.end_date);
  co_return ModelUses{
      co_await db_.all<ModelUse>(kModels, s.from, s.until, q.group_id.value_or(""), kMostModels)};
}

Task<UserUses> Analytics::users(UsersQuery q) const {
#define ANTIPHON_USERS(text, int, tokens) \
  "SELECT t.user_id, u.name, u.email, t.count, t.input AS input_tokens, t.output AS output_tokens,"   \
  " t.input + t.output AS total_tokens FROM (SELECT user_id, COUNT(*) AS count, " ANTIPHON_SUM(       \
      "input", tokens("input_tokens"), tokens("prompt_tokens")) ", " ANTIPHON_SUM(                    \
      "output", tokens("output_tokens"), tokens("completion_tokens")) " FROM chat_message WHERE"      \
  ANTIPHON_ANSWERS_OF("", text) " GROUP BY user_id) t LEFT JOIN \"user\" u ON u.id = t.user_id"       \
  " ORDER BY CASE WHEN $4" int " = 1 THEN t.input + t.output ELSE t.count END DESC, t.user_id LIMIT $5"
  static constexpr Sql kUsers{"analytics.users", ANTIPHON_USERS("", "", ANTIPHON_TOKENS_LITE),
                              ANTIPHON_USERS("::text", "::int", ANTIPHON_TOKENS_PG)};
  Span s(q.start_date, q.end_date);
  co_return UserUses{co_await db_.all<UserUse>(kUsers, s.from, s.until, q.group_id.value_or(""),
                                               static_cast<int>(q.metric.value),
                                               std::int64_t(q.limit))};
}

Task<Summary> Analytics::summary(SpanQuery q) const {
#define ANTIPHON_SUMMARY(text)                                                        \
  "SELECT COUNT(*) AS total_messages, COUNT(DISTINCT chat_id) AS total_chats,"        \
  " COUNT(DISTINCT model_id) AS total_models, COUNT(DISTINCT user_id) AS total_users" \
  " FROM chat_message WHERE" ANTIPHON_ANSWERS_OF("", text)
  static constexpr Sql kSummary{"analytics.summary", ANTIPHON_SUMMARY(""), ANTIPHON_SUMMARY("::text")};
  Span s(q.start_date, q.end_date);
  auto row = co_await db_.first<Summary>(kSummary, s.from, s.until, q.group_id.value_or(""));
  co_return row.value_or(Summary{});
}

Task<TokenUses> Analytics::tokens(SpanQuery q) const {
#define ANTIPHON_TOKEN_USES(text, tokens) \
  "SELECT model_id, COUNT(*) AS message_count, " ANTIPHON_SUM("input_tokens", tokens("input_tokens"), \
                                                              tokens("prompt_tokens")) ", "          \
  ANTIPHON_SUM("output_tokens", tokens("output_tokens"), tokens("completion_tokens"))                \
  " FROM chat_message WHERE" ANTIPHON_ANSWERS_OF("", text)                                           \
  " GROUP BY model_id ORDER BY COUNT(*) DESC, model_id LIMIT $4"
  static constexpr Sql kTokens{"analytics.tokens", ANTIPHON_TOKEN_USES("", ANTIPHON_TOKENS_LITE),
                               ANTIPHON_TOKEN_USES("::text", ANTIPHON_TOKENS_PG)};
  Span s(q.start_date, q.end_date);
  TokenUses out{
      co_await db_.all<TokenUse>(kTokens, s.from, s.until, q.group_id.value_or(""), kMostModels)};
  for (TokenUse& use : out.models) {
    use.total_tokens = use.input_tokens + use.output_tokens;
    out.total_input_tokens += use.input_tokens;
    out.total_output_tokens += use.output_tokens;
  }
  out.total_tokens = out.total_input_tokens + out.total_output_tokens;
  std::ranges::sort(out.models, [](const TokenUse& a, const TokenUse& b) {
    return std::pair(-a.total_tokens, std::string_view(a.model_id)) <
           std::pair(-b.total_tokens, std::string_view(b.model_id));
  });
  co_return out;
}

Task<std::vector<MessageRow>> Analytics::messages(MessagesQuery q) const {
#define ANTIPHON_MESSAGES(text)                                                                      \
  "SELECT id, chat_id, user_id, role, parent_id, content, output, model_id, files, sources, embeds," \
  " meta, done, status_history, error, usage, context_summary, created_at, updated_at"               \
  " FROM chat_message WHERE created_at >= $1 AND created_at < $2 AND ($3" text                       \
  " = '' OR model_id = $3" text ") AND ($4" text " = '' OR user_id = $4" text ") AND ($5" text       \
  " = '' OR chat_id = $5" text ") ORDER BY created_at DESC, id LIMIT $6 OFFSET $7"
  static constexpr Sql kMessages{"analytics.messages", ANTIPHON_MESSAGES(""),
                                 ANTIPHON_MESSAGES("::text")};
  Span s(q.start_date, q.end_date);
  co_return co_await db_.all<MessageRow>(kMessages, s.from, s.until, q.model_id.value_or(""),
                                         q.user_id.value_or(""), q.chat_id.value_or(""),
                                         std::int64_t(q.limit), std::int64_t(q.skip));
}

Task<ModelChats> Analytics::chats(std::string model_id, ModelChatsQuery q, bool words) const {
// A first question that fills a book is not worth fetching for its beginning.
#define ANTIPHON_MODEL_CHATS(int) \
  "SELECT chat.id AS chat_id, chat.user_id, u.name AS user_name, chat.updated_at,"                    \
  " COUNT(*) OVER () AS total, CASE WHEN $7" int " = 1 THEN (SELECT CASE WHEN length(f.content)"      \
  " <= 20000 THEN f.content END FROM chat_message f WHERE f.chat_id = chat.id AND f.role = 'user'"    \
  " ORDER BY f.created_at, f.position, f.id LIMIT 1) END AS first_message"                            \
  " FROM chat LEFT JOIN \"user\" u ON u.id = chat.user_id WHERE chat.id IN (SELECT chat_id FROM"      \
  " chat_message WHERE role = 'assistant' AND model_id = $3 AND created_at >= $1 AND created_at < $2)" \
  " ORDER BY CASE WHEN $6" int " = 1 THEN chat.updated_at END ASC, chat.updated_at DESC, chat.id"     \
  " LIMIT $4 OFFSET $5"
  static constexpr Sql kChats{"analytics.model_chats", ANTIPHON_MODEL_CHATS(""),
                              ANTIPHON_MODEL_CHATS("::int")};
  Span s(q.start_date, q.end_date);
  ModelChats out;
  for (ModelChatRow& row :
       co_await db_.all<ModelChatRow>(kChats, s.from, s.until, model_id, std::int64_t(q.limit),
                                      std::int64_t(q.skip), q.direction == "asc", words)) {
    out.total = row.total;
    ModelChat chat{.chat_id = std::move(row.chat_id),
                   .user_id = std::move(row.user_id),
                   .user_name = std::move(row.user_name),
                   .updated_at = row.updated_at};
    if (row.first_message)
      chat.first_message = std::string(utf8_prefix(chats::plain_text(*row.first_message), 200));
    out.chats.push_back(std::move(chat));
  }
  co_return out;
}

Task<std::vector<TagCount>> Analytics::tags(std::string model_id, std::int64_t since) const {
  static constexpr Sql kTags{"analytics.tags", R"(
      SELECT tag_id AS tag, COUNT(*) AS count FROM chat_tag
       WHERE chat_id IN (SELECT chat_id FROM chat_message
                          WHERE role = 'assistant' AND model_id = $1 AND created_at >= $2)
       GROUP BY tag_id ORDER BY COUNT(*) DESC, tag_id LIMIT 20)"};
  co_return co_await db_.all<TagCount>(kTags, model_id, since);
}

}  // namespace antiphon::analytics

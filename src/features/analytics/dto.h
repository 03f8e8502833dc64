#pragma once

#include <boost/describe/enum.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json/dto.h"

/// Queries and answers of /api/v1/analytics.
namespace antiphon::analytics {

enum class Metric { messages, tokens };
BOOST_DESCRIBE_ENUM(Metric, messages, tokens)

/// Unix seconds, both included; without them everything counts. Only answers to members of the group
/// and of those below it.
struct SpanQuery {
  std::optional<std::int64_t> start_date, end_date;
  std::optional<std::string> group_id;
};
ANTIPHON_DTO(SpanQuery, start_date, end_date, group_id)

struct UsersQuery {
  std::optional<std::int64_t> start_date, end_date;
  std::optional<std::string> group_id;
  json::Number<50, 1, 1000> limit;
  json::Defaulted<Metric> metric{Metric::messages};
};
ANTIPHON_DTO(UsersQuery, start_date, end_date, group_id, limit, metric)

struct DailyQuery {
  std::optional<std::int64_t> start_date, end_date;
  std::optional<std::string> group_id;
  json::Defaulted<std::string> granularity{"daily"};  ///< 10m, hourly, 3h, 6h or daily.
  json::Defaulted<Metric> metric{Metric::messages};
  json::Flag<false> compare;
};
ANTIPHON_DTO(DailyQuery, start_date, end_date, group_id, granularity, metric, compare)

struct MessagesQuery {
  std::optional<std::string> model_id, user_id, chat_id;
  std::optional<std::int64_t> start_date, end_date;
  json::Number<0, 0, 1'000'000> skip;
  json::Number<50, 1, 100> limit;
};
ANTIPHON_DTO(MessagesQuery, model_id, user_id, chat_id, start_date, end_date, skip, limit)

struct ModelChatsQuery {
  std::optional<std::int64_t> start_date, end_date;
  json::Number<0, 0, 1'000'000> skip;
  json::Number<50, 1, 100> limit;
  std::optional<std::string> order_by, direction;
};
ANTIPHON_DTO(ModelChatsQuery, start_date, end_date, skip, limit, order_by, direction)

struct OverviewQuery {
  json::Number<30, 0, 3660> days;  ///< 0: as many as there may be.
};
ANTIPHON_DTO(OverviewQuery, days)

struct ModelUse {
  std::string model_id;
  std::int64_t count = 0, unique_users = 0, unique_chats = 0;
};
ANTIPHON_DTO(ModelUse, model_id, count, unique_users, unique_chats)
struct ModelUses {
  std::vector<ModelUse> models;
};
ANTIPHON_DTO(ModelUses, models)

struct UserUse {
  std::string user_id;
  std::optional<std::string> name, email;
  std::int64_t count = 0, input_tokens = 0, output_tokens = 0, total_tokens = 0;
};
ANTIPHON_DTO(UserUse, user_id, name, email, count, input_tokens, output_tokens, total_tokens)
struct UserUses {
  std::vector<UserUse> users;
};
ANTIPHON_DTO(UserUses, users)

struct Summary {
  std::int64_t total_messages = 0, total_chats = 0, total_models = 0, total_users = 0;
};
ANTIPHON_DTO(Summary, total_messages, total_chats, total_models, total_users)

struct TokenUse {
  std::string model_id;
  std::int64_t input_tokens = 0, output_tokens = 0, total_tokens = 0, message_count = 0;
};
ANTIPHON_DTO(TokenUse, model_id, input_tokens, output_tokens, total_tokens, message_count)
struct TokenUses {
  std::vector<TokenUse> models;
  std::int64_t total_input_tokens = 0, total_output_tokens = 0, total_tokens = 0;
};
ANTIPHON_DTO(TokenUses, models, total_input_tokens, total_output_tokens, total_tokens)

using Counts = std::map<std::string, std::int64_t>;

/// The same stretch one span earlier.
struct Earlier {
  Counts models;
  std::string start, end;
};
ANTIPHON_DTO(Earlier, models, start, end)
struct Stretch {
  std::string date;
  Counts models;
  std::optional<std::string> start, end;
  std::optional<Earlier> previous;
};
ANTIPHON_DTO(Stretch, date, models, start, end, previous)
struct Stretches {
  std::vector<Stretch> data;
};
ANTIPHON_DTO(Stretches, data)

/// A message as Open WebUI's table has it.
struct MessageRow {
  std::string id, chat_id, user_id, role;
  std::optional<std::string> parent_id;
  json::Value content;
  std::optional<json::Value> output;
  std::optional<std::string> model_id;
  std::optional<json::Value> files, sources, embeds, meta;
  bool done = true;
  std::optional<json::Value> status_history, error, usage;
  std::optional<std::string> context_summary;
  std::int64_t created_at = 0, updated_at = 0;
};
ANTIPHON_DTO(MessageRow, id, chat_id, user_id, role, parent_id, content, output, model_id, files,
             sources, embeds, meta, done, status_history, error, usage, context_summary, created_at,
             updated_at)

struct ModelChat {
  std::string chat_id;
  std::optional<std::string> user_id, user_name;
  std::optional<std::string> first_message;  ///< Its beginning, where administrators may read chats.
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(ModelChat, chat_id, user_id, user_name, first_message, updated_at)
struct ModelChats {
  std::vector<ModelChat> chats;
  std::int64_t total = 0;
};
ANTIPHON_DTO(ModelChats, chats, total)

struct VotesOfDay {
  std::string date;
  std::int64_t won = 0, lost = 0;
};
ANTIPHON_DTO(VotesOfDay, date, won, lost)
struct TagCount {
  std::string tag;
  std::int64_t count = 0;
};
ANTIPHON_DTO(TagCount, tag, count)
struct Overview {
  std::vector<VotesOfDay> history;
  std::vector<TagCount> tags;
};
ANTIPHON_DTO(Overview, history, tags)

}  // namespace antiphon::analytics

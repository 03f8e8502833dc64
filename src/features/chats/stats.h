#pragma once

#include <map>
#include <string>
#include <vector>

#include "features/chats/chats.h"

/// What a user's chats look like without what was said in them: for GET /api/v1/chats/stats/export.
namespace antiphon::chats {

struct StatsQuery {
  std::optional<std::int64_t> updated_at;  ///< Only chats changed after it.
  json::Number<1, 1, 1'000'000> page;
  json::Flag<false> stream;  ///< All pages, a line a chat.
};
ANTIPHON_DTO(StatsQuery, updated_at, page, stream)

struct MessageStats {
  std::string id;
  std::string role;
  std::optional<std::string> model;
  std::int64_t content_length = 0;
  std::optional<std::int64_t> token_count;
  std::optional<std::int64_t> timestamp;
  std::optional<std::int64_t> rating;
  std::optional<std::vector<std::string>> tags;
};
ANTIPHON_DTO(MessageStats, id, role, model, content_length, token_count, timestamp, rating, tags)

struct HistoryStats {
  std::map<std::string, MessageStats> messages;
  std::optional<std::string> currentId;
};
ANTIPHON_DTO(HistoryStats, messages, currentId)

struct ChatBodyStats {
  HistoryStats history;
};
ANTIPHON_DTO(ChatBodyStats, history)

struct ChatSums {
  double average_response_time = 0;
  double average_user_message_content_length = 0;
  double average_assistant_message_content_length = 0;
  std::map<std::string, std::int64_t> models;  ///< Answers of the current branch, by model.
  std::int64_t message_count = 0;              ///< Of the current branch.
  std::map<std::string, std::int64_t> history_models;
  std::int64_t history_message_count = 0;
  std::int64_t history_user_message_count = 0;
  std::int64_t history_assistant_message_count = 0;
};
ANTIPHON_DTO(ChatSums, average_response_time, average_user_message_content_length,
             average_assistant_message_content_length, models, message_count, history_models,
             history_message_count, history_user_message_count, history_assistant_message_count)

struct ChatStats {
  std::string id;
  std::string user_id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::vector<std::string> tags;
  ChatSums stats;
  ChatBodyStats chat;
};
ANTIPHON_DTO(ChatStats, id, user_id, created_at, updated_at, tags, stats, chat)

struct ChatStatsList {
  std::string type = "chats";
  std::vector<ChatStats> items;
  std::int64_t total = 0;
  std::int64_t page = 1;
};
ANTIPHON_DTO(ChatStatsList, type, items, total, page)

class Stats {
 public:
  explicit Stats(store::Db& db) : db_(db) {}
  static constexpr std::int64_t kPage = 10;              ///< Chats.
  static constexpr std::int64_t kMostMessages = 10'000;  ///< Looked at of one chat.

  /// The latest first.
  Task<ChatStatsList> page(std::string user_id, std::int64_t since, std::int64_t page) const;
  /// At most kPage after `after`, in order of id: a walk that changes do not disturb.
  Task<std::vector<ChatStats>> walk(std::string user_id, std::int64_t since, std::string after) const;
  Task<ChatStats> of(const Chat& chat) const;

 private:
  store::Db& db_;
};

}  // namespace antiphon::chats

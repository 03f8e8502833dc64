#pragma once

#include "json/dto.h"

/// What the routes of chats answer, for OpenAPI (http/described.h).
namespace antiphon::chats {

struct OutputText {
  std::string type;
  json::Defaulted<std::string> text;
  json::Rest rest;
};
ANTIPHON_DTO(OutputText, type, text, rest)

/// A piece of an answer, as OpenAI's Responses API has it.
struct OutputItem {
  std::string type;
  json::Defaulted<std::string> id, status, role;
  json::Defaulted<std::vector<OutputText>> content;
  json::Defaulted<std::string> call_id, name, arguments;
  std::optional<json::Value> output;
  json::Defaulted<double> started_at, ended_at, duration;
  json::Defaulted<std::string> code, lang;
  json::Rest rest;
};
ANTIPHON_DTO(OutputItem, type, id, status, role, content, call_id, name, arguments, output, started_at,
             ended_at, duration, code, lang, rest)

/// What an answer was made from.
struct SourceName {
  json::Defaulted<std::string> name, url;
  json::Rest rest;
};
ANTIPHON_DTO(SourceName, name, url, rest)

struct MessageSource {
  json::Defaulted<SourceName> source;
  json::Rest rest;
};
ANTIPHON_DTO(MessageSource, source, rest)

/// What the reader thinks of an answer: 1 or -1.
struct Annotation {
  json::Defaulted<std::int64_t> rating;
  json::Rest rest;
};
ANTIPHON_DTO(Annotation, rating, rest)

/// `role`: user, assistant or system. `content`: a text, or a list of parts. Members we do not know are
/// kept.
struct ChatMessage {
  std::string id;
  std::optional<std::string> parentId;
  json::Defaulted<std::vector<std::string>> childrenIds;
  std::string role;
  json::Value content;
  json::Defaulted<std::int64_t> timestamp;
  json::Defaulted<bool> done;
  json::Defaulted<std::string> model, modelName;
  json::Defaulted<std::int64_t> modelIdx;
  json::Defaulted<std::vector<std::string>> models;
  json::Defaulted<std::vector<OutputItem>> output;
  std::optional<json::Value> error;
  std::optional<std::map<std::string, json::Value>> usage;
  json::Defaulted<std::vector<MessageSource>> sources;
  json::Defaulted<std::vector<std::string>> followUps;
  std::optional<Annotation> annotation;
  std::optional<std::string> feedbackId;
  json::Rest rest;
};
ANTIPHON_DTO(ChatMessage, id, parentId, childrenIds, role, content, timestamp, done, model, modelName,
             modelIdx, models, output, error, usage, sources, followUps, annotation, feedbackId, rest)

struct ChatHistory {
  std::optional<std::string> currentId;
  std::map<std::string, ChatMessage> messages;
};
ANTIPHON_DTO(ChatHistory, currentId, messages)

/// What clients keep of a chat. Its history is left out where a branch is answered.
struct ChatContent {
  json::Defaulted<std::string> title;
  json::Defaulted<std::vector<std::string>> models;
  std::optional<std::string> system;
  json::Defaulted<std::map<std::string, json::Value>> params;
  json::Defaulted<ChatHistory> history;
  json::Rest rest;
};
ANTIPHON_DTO(ChatContent, title, models, system, params, history, rest)

struct ChatReply {
  std::string id;
  std::string user_id;
  std::string title;
  ChatContent chat;
  std::int64_t updated_at, created_at;
  std::optional<std::string> share_id;
  bool archived;
  bool pinned;
  json::Value meta;
  json::Value variables;
  std::optional<std::string> folder_id;
  std::optional<json::Value> tasks;
  std::optional<std::string> summary;
  std::optional<std::int64_t> last_read_at;
  std::optional<std::string> current_message_id;
  std::optional<json::Value> context_usage;
};
ANTIPHON_DTO(ChatReply, id, user_id, title, chat, updated_at, created_at, share_id, archived, pinned,
             meta, variables, folder_id, tasks, summary, last_read_at, current_message_id,
             context_usage)

/// A message among those that stand in its place; the first has index 0.
struct MessagePlace {
  std::int64_t index, count;
  std::optional<std::string> previous, next;
};
ANTIPHON_DTO(MessagePlace, index, count, previous, next)

struct Branch {
  std::vector<ChatMessage> messages;
  std::vector<ChatMessage> beside;  ///< The alternatives of each, and the answers of other models.
  std::map<std::string, MessagePlace> places;  ///< Of messages that have alternatives.
  std::string leaf;
  bool complete;  ///< The first message is the chat's first.
};
ANTIPHON_DTO(Branch, messages, beside, places, leaf, complete)

/// A chat with a page of one branch instead of its history.
struct BranchReply : ChatReply {
  Branch branch;
};
ANTIPHON_DTO_OF(BranchReply, ChatReply, branch)

struct ShareGrant {
  std::string id;
  std::string principal_type;
  std::string principal_id;
  std::string permission;
};
ANTIPHON_DTO(ShareGrant, id, principal_type, principal_id, permission)

}  // namespace antiphon::chats

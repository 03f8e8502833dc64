#pragma once

#include "json/dto.h"

/// What the routes of completions take and answer, for OpenAPI (http/described.h).
namespace antiphon::completions {

struct WantedAnswer {
  std::string model_id;
  std::string message_id;
  json::Defaulted<std::int64_t> modelIdx;
};
ANTIPHON_DTO(WantedAnswer, model_id, message_id, modelIdx)

struct SaidMessage {
  std::string role;
  json::Value content;
  json::Rest rest;
};
ANTIPHON_DTO(SaidMessage, role, content, rest)

/// What else is made of a turn: a title, tags, follow-up questions.
struct BackgroundTasks {
  json::Defaulted<bool> title_generation, tags_generation, follow_up_generation;
};
ANTIPHON_DTO(BackgroundTasks, title_generation, tags_generation, follow_up_generation)

/// One turn of a chat (with `session_id` or `chat_id`), or OpenAI's plain call, whose other members go
/// to the provider.
struct CompletionForm {
  std::string model;
  json::Defaulted<bool> stream;
  json::Defaulted<std::vector<SaidMessage>> messages;
  json::Defaulted<std::string> session_id, chat_id, id;
  std::optional<std::string> parent_id;
  json::Defaulted<json::Value> user_message;
  json::Defaulted<std::vector<WantedAnswer>> message_ids;
  json::Defaulted<std::string> assistant_message_id;
  json::Defaulted<std::vector<json::Value>> files;
  json::Defaulted<std::map<std::string, json::Value>> params;
  json::Defaulted<std::map<std::string, std::string>> variables;
  json::Defaulted<std::map<std::string, json::Value>> features;
  json::Defaulted<std::string> folder_id;
  json::Defaulted<BackgroundTasks> background_tasks;
};
ANTIPHON_DTO(CompletionForm, model, stream, messages, session_id, chat_id, id, parent_id, user_message,
             message_ids, assistant_message_id, files, params, variables, features, folder_id,
             background_tasks)

/// A turn that was taken; a plain call is answered in OpenAI's shape instead.
struct Started {
  json::Defaulted<bool> status;
  json::Defaulted<std::vector<std::string>> task_ids;
  json::Defaulted<std::string> chat_id;
  json::Rest rest;
};
ANTIPHON_DTO(Started, status, task_ids, chat_id, rest)

struct Stopped {
  bool status;
  std::string message;
};
ANTIPHON_DTO(Stopped, status, message)

struct TaskIds {
  std::vector<std::string> task_ids;
};
ANTIPHON_DTO(TaskIds, task_ids)

}  // namespace antiphon::completions

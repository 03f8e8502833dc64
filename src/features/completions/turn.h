#pragma once

#include <optional>
#include <string>
#include <vector>

#include "features/chats/dto.h"
#include "json/text.h"

namespace antiphon::completions {

/// One answer that a turn asks for.
struct Wanted {
  std::string model_id;
  std::string message_id;
  std::optional<std::int64_t> model_index;
};

/// Whether the chat lives in a browser only.
bool is_temporary(std::string_view chat_id);

/// What POST /api/chat/completions asks for (chat-flow.md §2.1), read once and checked. Members that
/// are neither ours nor OpenAI's are dropped.
struct Turn {
  enum class Kind {
    plain,      ///< A program's call: no chat.
    saved,      ///< A turn of a chat that is kept.
    temporary,  ///< A turn of a chat that lives in the browser only.
  };
  Kind kind = Kind::plain;
  bool stream = false;
  bool in_request = false;  ///< The caller waits for the answer (no session_id).
  std::string session_id;
  json::Value direct;   ///< model_item of a model that the caller's browser reaches; else null.
  std::string chat_id;  ///< Empty: to be created.
  std::optional<std::string> folder_id;
  std::vector<Wanted> wanted;
  std::optional<std::string> parent_id;  ///< Of the user's message.
  std::optional<json::Value> user_message;
  std::string continued_id;  ///< assistant_message_id: go on with this message.
  std::string guidance;      ///< regeneration_prompt.
  json::Array messages;      ///< As given; for plain and temporary, and the system prompt.
  json::Value params;        ///< Object.
  json::Value variables;     ///< Object, {{NAME}} → text.
  std::optional<json::Value> chat_variables;
  std::optional<json::Value> files;
  json::Object provider;      ///< OpenAI's own members: temperature, tools, response_format …
  bool client_tools = false;  ///< The caller brought `tools`, which turns ours off.
  bool title = false, tags = false, follow_ups = false;
  bool title_said = false;  ///< background_tasks named title_generation at all.

  /// Throws Problem: 422 for the wrong types, 409 for a saved chat without usable message ids.
  static Turn read(const json::Value& body);

  /// The description of a direct model, where the wanted one is; else null.
  json::Value direct_of(const Wanted& one) const;
};

}  // namespace antiphon::completions

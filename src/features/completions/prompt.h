#pragma once

#include <string>
#include <vector>

#include "features/chats/dto.h"
#include "features/completions/turn.h"

/// What a provider is asked, made from what is stored. Pure.
namespace antiphon::completions {

/// The messages of a branch in OpenAI's shape, oldest first. An assistant's tool rounds become
/// tool_calls and tool messages; reasoning stays behind.
json::Array provider_messages(const std::vector<chats::Message>& branch);

/// Appends what an answer's output items say, in the same shape.
void append_output(json::Array& out, const json::Array& items);

/// `{{NAME}}` replaced from `variables`; unknown names stay as they are. One pass, so a value is
/// never expanded itself (row 13).
std::string fill_in(std::string_view text, const json::Value& variables);

/// The system prompts that apply, in the order given, joined; blank ones left out.
std::string join_prompts(const std::vector<std::string>& prompts);

/// Puts `system` in front, before a system message that is there.
void put_system(json::Array& messages, std::string_view system);

/// A preset's own system prompt (`params.system`) in front of the body's messages.
void put_preset_system(json::Object& body, const json::Value& params);

/// Open WebUI's advanced parameters as members of the provider's body; its own ones are dropped.
void apply_params(json::Object& body, const json::Value& params);

}  // namespace antiphon::completions

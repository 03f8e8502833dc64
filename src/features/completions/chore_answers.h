#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/text.h"

/// What the task model made of a chore, and what of it may be shown: small models repeat the example
/// they were given, think aloud, or number and quote what they list. Pure.
namespace antiphon::completions {

/// The last JSON object in a completion's text that has `key`; nothing when there is none.
std::optional<json::Value> object_in_answer(const json::Value& completion, std::string_view key);

/// One line of at most 120 bytes; "" when the model named nothing.
std::string title_in(const json::Value& completion);
/// At most three, of at most 40 bytes each; no two that are one tag.
std::vector<std::string> tags_in(const json::Value& completion);
/// At most five questions of at most 400 bytes each.
std::vector<std::string> follow_ups_in(const json::Value& completion);

/// The title of a chat that no model names: the first line of `question` that says something, of at
/// most 80 bytes; "" when there is none.
std::string title_of_question(std::string_view question);

}  // namespace antiphon::completions

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "json/text.h"

/// What the task model is asked besides answering: titles, tags, follow-ups and the like. Pure.
namespace antiphon::completions {

enum class Chore {
  title,
  tags,
  follow_ups,
  search_queries,
  retrieval_queries,
  emoji,
  autocompletion,
  image_prompt,
  merged_answer,
};

/// What an administrator says about one of them.
struct ChorePolicy {
  bool enabled = true;
  std::string prompt = {};   ///< A template; empty: the built-in one.
  json::Object params = {};  ///< Members of the request: temperature and the like.
};
using ChorePolicies = std::function<ChorePolicy(Chore)>;

struct ChoreMessage {
  std::string role;
  std::string text;
};

/// What a template's names stand for.
struct ChoreInput {
  std::vector<ChoreMessage> messages = {};
  std::string prompt = {};  ///< The one text concerned; the last message's, where nothing else is said.
  std::string type = {};
  std::vector<std::string> responses = {};
  json::Value variables = {};  ///< `{"USER_NAME": …}`
};

/// The instruction in front of the built-in prompts, without what it is about.
std::string_view instruction_of(Chore chore);

/// `prompt_template` (or the built-in one) filled in. Names: {{MESSAGES}} with :START:n, :END:n or
/// :MIDDLETRUNCATE:n; {{prompt}} with :start:n, :end:n or :middletruncate:n; {{TYPE}}, {{responses}},
/// and those of `variables`. Unknown names stay. One pass, so what is filled in is never expanded
/// itself.
std::string chore_prompt(Chore chore, std::string_view prompt_template, const ChoreInput& input);

/// The provider's body for it.
json::Object chore_body(Chore chore, const ChorePolicy& policy, const ChoreInput& input);

/// `{{CURRENT_DATE}}` and its kin, and the user's name, in UTC.
json::Value chore_variables(std::string_view user_name, std::int64_t unix_now);

}  // namespace antiphon::completions

#include <boost/json.hpp>

#include "base/problem.h"
#include "features/completions/completions.h"

/// What users may be forbidden to do in a turn (row 69). The model is looked at where it is resolved,
/// the chat where it is read.
namespace antiphon::completions {
namespace {

/// Of a turn's params, what steers us and not the model.
constexpr std::string_view kNotOfTheModel[] = {"function_calling", "reasoning_tags", "stream_response",
                                               "stream_delta_chunk_size"};
/// Of the body, what a program needs to talk to a model at all.
constexpr std::string_view kNeeded[] = {"tools", "tool_choice", "response_format", "stream_options"};

json::Object only(const json::Object& all, std::span<const std::string_view> names) {
  json::Object out;
  for (std::string_view name : names)
    if (auto found = all.find(name); found != all.end()) out[name] = found->value();
  return out;
}

void drop_system(json::Array& messages) {
  json::Array rest;
  for (json::Value& m : messages)
    if (json::text_at(m, "role") != "system") rest.push_back(std::move(m));
  messages = std::move(rest);
}

}  // namespace

Task<> Completions::require(const User& me, std::string_view permission) {
  if (!co_await p_.permitted(me, permission))
    throw Problem(Problem::Kind::forbidden,
                  "You do not have permission for this. Ask an administrator.");
}

/// Throws 403 for what the caller may not do; what he may not set is left out, because clients send
/// what they had stored before.
Task<> Completions::obey_permissions(const User& me, Turn& turn) {
  if (turn.folder_id && turn.chat_id.empty() && !co_await p_.may_file(me, *turn.folder_id))
    throw not_found("Folder");  // row 65
  if (me.admin()) co_return;
  if (turn.kind == Turn::Kind::temporary) co_await require(me, "chat.temporary");
  if (turn.kind == Turn::Kind::saved && co_await p_.permitted(me, "chat.temporary_enforced"))
    throw Problem(Problem::Kind::forbidden, "Your chats are not kept here. Use a temporary chat.");
  if (turn.wanted.size() > 1) co_await require(me, "chat.multiple_models");
  if (!turn.continued_id.empty()) co_await require(me, "chat.continue_response");
  bool controls = co_await p_.permitted(me, "chat.controls");
  std::optional<json::Value> system;
  if (controls && co_await p_.permitted(me, "chat.system_prompt")) {
    if (const json::Value* own = json::find(turn.params, "system")) system = *own;
  } else {
    drop_system(turn.messages);
  }
  if (!controls || !co_await p_.permitted(me, "chat.params")) {
    turn.params = only(turn.params.as_object(), kNotOfTheModel);
    turn.provider = only(turn.provider, kNeeded);
  }
  turn.params.as_object().erase("system");
  if (system) turn.params.as_object()["system"] = std::move(*system);
}

/// A question that has an answer already is asked again.
Task<> Completions::check_again(const User& me, std::string chat_id, std::string question_id) {
  if (co_await p_.chats.deepest_below(chat_id, question_id) != question_id)
    co_await require(me, "chat.regenerate_response");
}

}  // namespace antiphon::completions

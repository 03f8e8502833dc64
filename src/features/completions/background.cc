#include <boost/json.hpp>

#include "base/encode.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/completions/completions.h"

namespace antiphon::completions {
namespace {

constexpr std::size_t kMaxTitle = 120;

std::string cut(std::string_view text, std::size_t bytes) {
  std::string_view start = utf8_prefix(text, bytes);
  return start.size() == text.size() ? std::string(text) : std::string(start) + "…";
}

std::string first_line(std::string_view text) {
  std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == text.npos) return {};
  text.remove_prefix(start);
  return cut(text.substr(0, text.find('\n')), 80);
}

std::vector<std::string> texts(const json::Value& object, std::string_view key, std::size_t most,
                               std::size_t length) {
  std::vector<std::string> out;
  if (const json::Array* list = json::array_at(object, key))
    for (const json::Value& value : *list)
      if (value.is_string() && !value.as_string().empty() && out.size() < most)
        out.push_back(cut(json::view(value.as_string()), length));
  return out;
}

struct Subject {
  UserId user;
  std::string chat_id, message_id, model_id;
  explicit Subject(const jobs::Job& job)
      : user{std::string(json::text_at(job.payload, "user"))},
        chat_id(json::text_at(job.payload, "chat_id")),
        message_id(json::text_at(job.payload, "message_id")),
        model_id(json::text_at(job.payload, "model")) {}
};

}  // namespace

/// The task model's JSON about the last messages; nothing when it gave none, an administrator turned it
/// off, or chat or user are gone (row 80: rights are looked at anew).
Task<std::optional<json::Value>> Completions::ask_task_model(const jobs::Job& job, Chore chore) {
  constexpr std::int64_t kMessages = 32;
  Subject s(job);
  ChorePolicy policy = p_.chores ? p_.chores(chore) : ChorePolicy();
  if (!policy.enabled) co_return std::nullopt;
  auto me = co_await p_.user(s.user);
  if (!me) co_return std::nullopt;
  Model model = co_await p_.provider.task_model(*me, co_await p_.provider.resolve(*me, s.model_id));
  ChoreInput input;
  for (const chats::Message& m : co_await p_.chats.branch(s.chat_id, s.message_id, kMessages))
    input.messages.push_back({m.role, chats::plain_text(m.content)});
  if (input.messages.empty()) co_return std::nullopt;
  input.prompt = input.messages.back().text;
  input.variables = chore_variables(me->name, unix_seconds());
  co_return object_in_answer(
      co_await p_.provider.complete(*me, model, chore_body(chore, policy, input), nullptr));
}

Task<> Completions::make_title(const jobs::Job& job) {
  Subject s(job);
  auto branch = co_await p_.chats.branch(s.chat_id, s.message_id);
  if (branch.empty()) co_return;
  std::string title;
  if (json::bool_at(job.payload, "generate")) {
    try {
      if (auto answer = co_await ask_task_model(job, Chore::title))
        title = cut(json::text_at(*answer, "title"), kMaxTitle);
    } catch (const Problem& p) {
      if (job.attempts < 3 && p.kind() == Problem::Kind::unavailable) throw;
    }
  }
  if (title.find_first_not_of(" \t\r\n") == title.npos)
    title = first_line(chats::plain_text(branch.front().content));
  if (title.empty()) co_return;
  if (!co_await p_.chats.name_unnamed(s.chat_id, title)) co_return;  // Its owner was faster.
  co_await tell(s.user, s.chat_id, s.message_id, "chat:title", json::Value(title));
}

Task<> Completions::make_tags(const jobs::Job& job) {
  Subject s(job);
  auto answer = co_await ask_task_model(job, Chore::tags);
  if (!answer) co_return;
  auto names = texts(*answer, "tags", 3, 40);
  if (names.empty()) co_return;
  co_await p_.chats.set_tags(s.chat_id, names);
  json::Array list;
  for (const std::string& name : names) list.emplace_back(name);
  co_await tell(s.user, s.chat_id, s.message_id, "chat:tags", std::move(list));
}

Task<> Completions::make_follow_ups(const jobs::Job& job) {
  Subject s(job);
  auto answer = co_await ask_task_model(job, Chore::follow_ups);
  if (!answer) co_return;
  json::Array list;
  for (std::string& question : texts(*answer, "follow_ups", 5, 400))
    list.emplace_back(std::move(question));
  if (list.empty()) co_return;
  co_await p_.chats.merge_extra(s.chat_id, s.message_id, json::Object{{"followUps", list}});
  co_await tell(s.user, s.chat_id, s.message_id, "chat:message:follow_ups",
                json::Object{{"follow_ups", std::move(list)}});
}

}  // namespace antiphon::completions

#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"
#include "features/completions/chore_answers.h"
#include "features/completions/completions.h"

namespace antiphon::completions {
namespace {

json::Array array_of(std::vector<std::string> texts) {
  json::Array out;
  for (std::string& text : texts) out.emplace_back(std::move(text));
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

/// What the task model says about the last messages; null when an administrator turned the chore off,
/// or chat or user are gone (row 80: rights are looked at anew).
Task<json::Value> Completions::ask_task_model(const jobs::Job& job, Chore chore) {
  constexpr std::int64_t kMessages = 32;
  Subject s(job);
  ChorePolicy policy = p_.chores(chore);
  if (!policy.enabled) co_return nullptr;
  auto me = co_await p_.user(s.user);
  if (!me) co_return nullptr;
  Model model = co_await p_.provider.task_model(*me, co_await p_.provider.resolve(*me, s.model_id));
  ChoreInput input;
  for (const chats::Message& m : co_await p_.chats.branch(s.chat_id, s.message_id, kMessages))
    input.messages.push_back({m.role, chats::plain_text(m.content)});
  if (input.messages.empty()) co_return nullptr;
  input.prompt = input.messages.back().text;
  input.variables = chore_variables(me->name, unix_seconds());
  co_return co_await p_.provider.complete(*me, model, chore_body(chore, policy, input),
                                          {s.chat_id, s.message_id, {}});
}

Task<> Completions::make_title(const jobs::Job& job) {
  Subject s(job);
  auto branch = co_await p_.chats.branch(s.chat_id, s.message_id);
  if (branch.empty()) co_return;
  std::string title;
  if (json::bool_at(job.payload, "generate")) {
    try {
      title = title_in(co_await ask_task_model(job, Chore::title));
    } catch (const Problem& p) {
      if (job.attempts < 3 && p.kind() == Problem::Kind::unavailable) throw;
    }
  }
  if (title.empty()) title = title_of_question(chats::plain_text(branch.front().content));
  if (title.empty()) co_return;
  if (!co_await p_.chats.name_unnamed(s.chat_id, title)) co_return;  // Its owner was faster.
  co_await tell(s.user, s.chat_id, s.message_id, "chat:title", json::Value(title));
}

Task<> Completions::make_tags(const jobs::Job& job) {
  Subject s(job);
  auto names = tags_in(co_await ask_task_model(job, Chore::tags));
  if (names.empty()) co_return;
  co_await p_.chats.set_tags(s.chat_id, names);
  co_await tell(s.user, s.chat_id, s.message_id, "chat:tags", array_of(std::move(names)));
}

Task<> Completions::make_follow_ups(const jobs::Job& job) {
  Subject s(job);
  json::Array questions = array_of(follow_ups_in(co_await ask_task_model(job, Chore::follow_ups)));
  if (questions.empty()) co_return;
  co_await p_.chats.merge_extra(s.chat_id, s.message_id, json::Object{{"followUps", questions}});
  co_await tell(s.user, s.chat_id, s.message_id, "chat:message:follow_ups",
                json::Object{{"follow_ups", std::move(questions)}});
}

}  // namespace antiphon::completions

#include <boost/json.hpp>

#include "base/problem.h"
#include "features/completions/completions.h"

namespace antiphon::completions {
namespace {

constexpr std::size_t kMaxTitle = 120;

constexpr std::string_view kTitle =
    "Give this conversation a title of at most six words, in the language it is held in, without "
    "quotation marks. "
    "Reply with JSON only: {\"title\": \"…\"}";
constexpr std::string_view kTags =
    "Name one to three broad topics of this conversation, one or two words each, in the language it is "
    "held in. "
    "Reply with JSON only: {\"tags\": [\"…\"]}";
constexpr std::string_view kFollowUps =
    "Suggest three to five short questions the user might ask next, from the user's point of view and "
    "in the "
    "language of the conversation. Reply with JSON only: {\"follow_ups\": [\"…\"]}";

std::string cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes != 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes)) + "…";
}

std::string first_line(std::string_view text) {
  std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == text.npos) return {};
  text.remove_prefix(start);
  return cut(text.substr(0, text.find('\n')), 80);
}

/// The JSON object somewhere in a model's text, or nothing.
std::optional<json::Value> object_in(std::string_view text) {
  std::size_t open = text.find('{');
  std::size_t close = text.rfind('}');
  if (open == text.npos || close == text.npos || close < open) return std::nullopt;
  return json::try_parse(text.substr(open, close + 1 - open));
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

std::string transcript(const std::vector<chats::Message>& branch, std::size_t last) {
  std::string out;
  std::size_t from = branch.size() > last ? branch.size() - last : 0;
  for (std::size_t i = from; i != branch.size(); ++i)
    out += branch[i].role + ": " + cut(chats::plain_text(branch[i].content), 2000) + "\n\n";
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

/// The task model's JSON for an instruction about the last messages; nothing when it gave none, or
/// chat or user are gone (row 80: rights are looked at anew).
Task<std::optional<json::Value>> Completions::ask_task_model(const jobs::Job& job,
                                                             std::string_view instruction,
                                                             std::size_t messages) {
  Subject s(job);
  auto me = co_await p_.user(s.user);
  if (!me) co_return std::nullopt;
  Model model = co_await p_.provider.task_model(*me, co_await p_.provider.resolve(*me, s.model_id));
  auto branch =
      co_await p_.chats.branch(s.chat_id, s.message_id, static_cast<std::int64_t>(messages) + 1);
  if (branch.empty()) co_return std::nullopt;
  json::Object body{
      {"stream", false},
      {"messages", json::Array{json::Object{{"role", "user"},
                                            {"content", std::string(instruction) + "\n\n" +
                                                            transcript(branch, messages)}}}}};
  json::Value reply = co_await p_.provider.complete(*me, model, std::move(body), nullptr);
  const json::Array* choices = json::array_at(reply, "choices");
  if (!choices || choices->empty()) co_return std::nullopt;
  const json::Value* message = json::find(choices->front(), "message");
  co_return message ? object_in(json::text_at(*message, "content")) : std::nullopt;
}

Task<> Completions::make_title(const jobs::Job& job) {
  Subject s(job);
  auto branch = co_await p_.chats.branch(s.chat_id, s.message_id);
  if (branch.empty()) co_return;
  std::string title;
  if (json::bool_at(job.payload, "generate")) {
    try {
      if (auto answer = co_await ask_task_model(job, kTitle, 2))
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
  auto answer = co_await ask_task_model(job, kTags, 6);
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
  auto answer = co_await ask_task_model(job, kFollowUps, 6);
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

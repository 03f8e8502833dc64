#include <boost/json.hpp>
#include <set>

#include "base/async.h"
#include "base/ids.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/completions/completions.h"
#include "features/completions/prompt.h"

namespace antiphon::completions {
namespace {

constexpr std::size_t kMaxQuestion = 1 << 20;

/// Whoever repeats a request sends the same message ids, so they are its name.
std::string key_of(const std::optional<std::string>& key, const Wanted& wanted) {
  if (key) return "k:" + *key + ":" + wanted.message_id;
  return "m:" + wanted.message_id;
}

json::Value models_of(const Turn& turn) {
  json::Array out;
  for (const Wanted& w : turn.wanted) out.emplace_back(w.model_id);
  return out;
}

chats::Message question_of(const Turn& turn, const User& me, const std::string& chat_id,
                           std::int64_t now) {
  auto question = chats::from_client(*turn.user_message, chat_id, me.id.value);
  if (!question || question->role != "user")
    throw Problem(Problem::Kind::invalid,
                  "The message is not usable: it needs an id, role \"user\" and at most 1 MiB of text");
  if (chats::plain_text(question->content).size() > kMaxQuestion)
    throw Problem(Problem::Kind::too_large, "A message may hold at most 1 MiB of text");
  question->parent_id = turn.parent_id;
  question->done = true;
  question->created_at = question->updated_at = now;
  if (turn.files && !question->files) question->files = turn.files;
  return std::move(*question);
}

chats::Message placeholder(const Wanted& wanted, const std::string& parent, const std::string& chat_id,
                           const User& me, const std::string& run_id, std::int64_t now) {
  chats::Message m;
  m.chat_id = chat_id;
  m.id = wanted.message_id;
  m.parent_id = parent;
  m.user_id = me.id.value;
  m.role = "assistant";
  m.content = "";
  m.model_id = wanted.model_id;
  m.done = false;
  m.meta = json::Object{{"task_id", run_id}};
  if (wanted.model_index) m.extra = json::Object{{"modelIdx", *wanted.model_index}};
  m.created_at = m.updated_at = now;
  return m;
}

/// The calls of an answer that nobody has made yet.
json::Array open_calls(const chats::Message& m) {
  std::set<std::string, std::less<>> made;
  json::Array out;
  if (!m.output || !m.output->is_array()) return out;
  for (const json::Value& item : m.output->as_array())
    if (json::text_at(item, "type") == "function_call_output")
      made.emplace(json::text_at(item, "call_id"));
  for (const json::Value& item : m.output->as_array())
    if (json::text_at(item, "type") == "function_call" &&
        !made.contains(json::text_at(item, "call_id")))
      out.emplace_back(
          json::Object{{"id", json::text_at(item, "call_id")},
                       {"type", "function"},
                       {"function", json::Object{{"name", json::text_at(item, "name")},
                                                 {"arguments", json::text_at(item, "arguments")}}}});
  return out;
}

/// A stored answer as OpenAI's clients read one; `chat_id` tells where it is kept.
json::Object completion_of(const chats::Message& m) {
  json::Object out{{"id", "chatcmpl-" + m.id},
                   {"object", "chat.completion"},
                   {"created", m.created_at},
                   {"model", m.model_id.value_or("")},
                   {"chat_id", m.chat_id}};
  json::Object message{{"role", "assistant"}, {"content", chats::plain_text(m.content)}};
  json::Array calls = open_calls(m);
  std::string_view reason = calls.empty() ? "stop" : "tool_calls";
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  out["choices"] = json::Array{
      json::Object{{"index", 0}, {"message", std::move(message)}, {"finish_reason", reason}}};
  if (m.usage) out["usage"] = *m.usage;
  return out;
}

}  // namespace

/// A turn on its way into the database.
struct Completions::Accepting {
  Turn turn;
  chats::Chat chat;
  bool new_chat = false;
  std::string question_id;
  std::optional<chats::Message> question;  ///< When it is new.
  std::vector<chats::Message> placeholders;
  std::vector<runs::NewRun> runs;
  std::vector<Plan> plans;
};

Task<std::optional<Accepted>> Completions::repeated(const User& me, const Turn& turn,
                                                    const std::optional<std::string>& key) {
  if (!turn.continued_id.empty() && !key) co_return std::nullopt;
  Accepted out;
  for (const Wanted& w : turn.wanted) {
    auto run = co_await p_.runs.find_by_key(me.id.value, key_of(key, w));
    if (!run) co_return std::nullopt;
    out.chat_id = run->chat_id;
    out.task_ids.push_back(run->run_id);
  }
  co_return out;
}

Task<chats::Chat> Completions::chat_for(const User& me, const Turn& turn) {
  if (!turn.chat_id.empty()) {
    auto granted = co_await chats::Guard(p_.chats).write(me, turn.chat_id, 404);
    co_return *granted;
  }
  std::int64_t now = unix_seconds();
  chats::Chat chat;
  chat.id = {uuid7()};
  chat.user_id = me.id.value;
  chat.title = "New Chat";
  chat.created_at = chat.updated_at = now;
  chat.last_read_at = now;
  chat.folder_id = turn.folder_id;
  chat.meta = json::Object();
  chat.variables = turn.chat_variables;
  chat.data =
      json::Object{{"models", models_of(turn)}, {"params", json::Object()}, {"files", json::Array()}};
  co_return chat;
}

Task<std::string> Completions::system_prompt(const User& me, const Turn& turn,
                                             const chats::Chat* chat) {
  std::vector<std::string> prompts;
  if (chat && chat->folder_id && p_.folder_prompt)
    prompts.push_back(co_await p_.folder_prompt(me, *chat->folder_id));
  prompts.emplace_back(json::text_at(turn.params, "system"));
  if (!turn.messages.empty() && json::text_at(turn.messages.front(), "role") == "system")
    if (const json::Value* content = json::find(turn.messages.front(), "content"))
      prompts.push_back(chats::plain_text(*content));
  co_return fill_in(join_prompts(prompts), turn.variables);
}

Task<Accepted> Completions::accept(const User& me, Turn turn, std::optional<std::string> key) {
  for (const Wanted& w : turn.wanted) (void)co_await resolve(me, turn, w);
  co_await obey_permissions(me, turn);
  bool temporary = turn.kind == Turn::Kind::temporary;
  Accepting work{.turn = std::move(turn)};
  const Turn& t = work.turn;
  if (!temporary) {
    work.new_chat = t.chat_id.empty();
    work.chat = co_await chat_for(me, t);
  }
  std::string chat_id = temporary ? t.chat_id : work.chat.id.value;
  std::string system = co_await system_prompt(me, t, temporary ? nullptr : &work.chat);
  std::int64_t now = unix_seconds();
  work.question_id =
      t.user_message ? std::string(json::text_at(*t.user_message, "id")) : t.parent_id.value_or("");
  if (!temporary && t.continued_id.empty()) {
    if (work.question_id.empty())
      throw Problem(Problem::Kind::conflict,
                    "Send user_message (or parent_id) with the message to answer");
    bool there = !work.new_chat && co_await p_.chats.message(chat_id, work.question_id);
    if (!there && !t.user_message)
      throw Problem(Problem::Kind::conflict,
                    "The message to answer is not in this chat; reload and send again");
    bool follows = !there && !work.new_chat && t.parent_id && !t.parent_id->empty();
    if (follows && !co_await p_.chats.message(chat_id, *t.parent_id))
      throw Problem(Problem::Kind::conflict,
                    "The message before this one is not in this chat; reload and send again");
    if (!there) {
      work.question = question_of(t, me, chat_id, now);
      co_await check_pictures(p_.pictures, me, provider_messages({*work.question}));
    }
    if (there) {
      if (auto before = co_await repeated(me, t, key)) co_return std::move(*before);
      co_await check_again(me, chat_id, work.question_id);
    }
  }
  if (!temporary && !t.continued_id.empty()) {
    auto m = co_await p_.chats.message(chat_id, t.continued_id);
    if (!m || m->role != "assistant")
      throw Problem(Problem::Kind::not_found, "The message to continue is not in this chat");
  }
  if (temporary) co_await check_pictures(p_.pictures, me, t.messages);
  bool for_others = p_.runs.hands_over();
  for (const Wanted& w : t.wanted) {
    Plan plan{
        .user = me.id,
        .chat_id = chat_id,
        .message_id = w.message_id,
        .model_id = w.model_id,
        .direct = t.direct_of(w),
        .session_id = t.session_id,
        .question_id = work.question_id,
        .temporary = temporary,
        .continued = !t.continued_id.empty(),
        .first_turn = work.new_chat,
        .stream = t.stream,
        .server_tools = !t.client_tools && json::text_at(t.params, "function_calling") != "legacy",
        .title = t.title && !temporary,
        .tags = t.tags && !temporary,
        .follow_ups = t.follow_ups,
        .system = system,
        .guidance = t.guidance,
        .messages = temporary ? t.messages : json::Array(),
        .provider = t.provider,
        .params = t.params};
    // Nobody but the browser can ask a direct model, so it does no chores.
    if (!plan.direct.is_null()) plan.title = plan.tags = plan.follow_ups = false;
    // Only the first answer names the chat.
    if (!work.plans.empty()) plan.title = plan.tags = false;
    std::string run_id = brief_id();
    bool unnamed = plan.continued && !key;
    work.runs.push_back({run_id, chat_id, w.message_id, me.id.value,
                         unnamed ? std::nullopt : std::optional(key_of(key, w)), plan.text(),
                         for_others});
    if (!temporary && !plan.continued)
      work.placeholders.push_back(placeholder(w, work.question_id, chat_id, me, run_id, now));
    work.plans.push_back(std::move(plan));
  }
  std::exception_ptr clash;
  try {
    co_await store_turn(me, work);
  } catch (const Problem& p) {
    if (p.kind() != Problem::Kind::conflict) throw;
    clash = std::current_exception();
  }
  if (clash) {  // The same request came twice at once: the other one has it.
    if (auto before = co_await repeated(me, t, key)) co_return std::move(*before);
    throw Problem(Problem::Kind::conflict,
                  "A message with this id is there already, or is being answered now");
  }
  Accepted accepted{chat_id, {}, {}, std::move(work.plans)};
  for (const runs::NewRun& run : work.runs) {
    accepted.task_ids.push_back(run.run_id);
    if (!run.for_others) accepted.runs.push_back(p_.runs.begin(run));
  }
  if (accepted.runs.empty()) p_.runs.give_away();
  const Plan& first = accepted.plans.front();
  if (!temporary) hint(first, "chat:list", json::Object{{"chat_id", chat_id}, {"folder_id", nullptr}});
  for (const Plan& plan : accepted.plans)
    hint(plan, "chat:active", json::Object{{"active", true}, {"folder_id", nullptr}});
  begin(me, accepted);
  if (work.new_chat) p_.jobs.wake();
  co_return accepted;
}

/// Question, placeholders, runs and the title's job: one transaction, and only then a 200. A batch, so
/// that many turns at once share their commits.
Task<> Completions::store_turn(const User& me, Accepting& w) {
  const Turn& t = w.turn;
  const std::string& chat_id = w.chat.id.value;
  std::vector<store::Bound> all;
  all.reserve(w.runs.size());
  for (const runs::NewRun& run : w.runs) all.push_back(p_.runs.creating(run));
  if (t.kind != Turn::Kind::temporary) {
    const std::string& current = w.placeholders.empty() ? t.continued_id : w.placeholders.back().id;
    if (w.new_chat) {
      // Of several first answers the first is shown; later ones go on from the last, as upstream does.
      w.chat.current_message_id = w.placeholders.empty() ? current : w.placeholders.front().id;
      all.push_back(chats::Chats::inserting(w.chat));
    }
    if (w.question) all.push_back(chats::Chats::appending(*w.question));
    for (const chats::Message& m : w.placeholders) all.push_back(chats::Chats::appending(m));
    if (!t.continued_id.empty())
      all.push_back(chats::Chats::reopening(chat_id, t.continued_id, w.runs.front().run_id));
    if (!w.new_chat) {
      if (!w.chat.data.is_object()) w.chat.data = json::Object();
      w.chat.data.as_object()["models"] = models_of(t);
      if (t.files) w.chat.data.as_object()["files"] = *t.files;
      all.push_back(chats::Chats::advancing(chat_id, current, w.chat.data, unix_seconds()));
    }
    if (w.new_chat && !w.plans.empty()) {
      json::Object payload{{"user", me.id.value},
                           {"chat_id", chat_id},
                           {"message_id", w.plans.front().message_id},
                           {"model", w.plans.front().model_id},
                           {"generate", w.plans.front().title}};
      all.push_back(jobs::Jobs::queueing("chat.title", "title:" + chat_id, std::move(payload)));
    }
  }
  (void)co_await p_.db.batch(std::move(all));
}

void Completions::begin(const User& me, Accepted& accepted) {
  for (std::size_t i = 0; i != accepted.runs.size(); ++i)
    scope_.start(p_.loops.next(), "answer",
                 [this, me, run = accepted.runs[i], plan = accepted.plans[i]]() -> Task<> {
                   co_await p_.runs.write(run, [&] { return answer_from_the_start(me, run, plan); });
                 });
}

Task<> Completions::answer_from_the_start(User me, std::shared_ptr<runs::Run> run, Plan plan) {
  json::Array items;
  if (plan.continued)
    if (auto m = co_await p_.chats.message(plan.chat_id, plan.message_id);
        m && m->output && m->output->is_array())
      items = m->output->as_array();
  co_await answer(std::move(me), std::move(run), std::move(plan), std::move(items));
}

/// Those that another replica has taken up.
Task<> Completions::ended_elsewhere(std::vector<std::string> run_ids) const {
  for (const std::string& id : run_ids)
    for (;;) {
      auto row = co_await p_.runs.find(id);
      if (!row || row->state >= 10) break;
      co_await sleep_for(std::chrono::milliseconds(100));
    }
}

Task<json::Value> Completions::accept_and_wait(const User& me, Turn turn,
                                               std::optional<std::string> key) {
  std::string message_id = turn.wanted.front().message_id;
  Accepted accepted = co_await accept(me, std::move(turn), std::move(key));
  for (auto& run : accepted.runs) co_await run->ended();
  if (accepted.runs.empty()) co_await ended_elsewhere(accepted.task_ids);
  auto answer = co_await p_.chats.message(accepted.chat_id, message_id);
  if (!answer) throw not_found("Message");
  if (answer->error)
    throw Problem(Problem::Kind::upstream, std::string(json::text_at(*answer->error, "content")));
  co_return completion_of(*answer);
}

}  // namespace antiphon::completions

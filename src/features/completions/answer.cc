#include <algorithm>
#include <boost/json.hpp>

#include "base/async.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/completions/completions.h"
#include "features/completions/prompt.h"
#include "features/completions/takeover.h"
#include "store/patiently.h"

namespace antiphon::completions {
namespace {

constexpr int kMaxRounds = 64;  ///< Of tool calls in one answer.
constexpr std::size_t kMaxToolResult = 256 * 1024;

json::Value event(std::string_view type, json::Object data) {
  return json::Object{{"type", type}, {"data", std::move(data)}};
}

/// `params.reasoning_tags`: false turns detection off, [start, end] replaces the list.
TagScanner tags_for(const json::Value& params) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const json::Value* tags = json::find(params, "reasoning_tags");
  if (tags && tags->is_bool() && !tags->as_bool()) return TagScanner(Pairs{});
  if (tags && tags->is_array() && tags->as_array().size() == 2 && tags->as_array()[0].is_string() &&
      tags->as_array()[1].is_string()) {
    std::string open(json::view(tags->as_array()[0].as_string()));
    std::string close(json::view(tags->as_array()[1].as_string()));
    if (!open.empty() && !close.empty() && open.size() <= 64 && close.size() <= 64)
      return TagScanner(Pairs{{open, close}});
  }
  return TagScanner();
}

/// A model server that never ends must not fill memory and disk.
void end_if_full(const Composer& composer) {
  if (composer.full())
    throw Problem(Problem::Kind::upstream,
                  "The answer grew longer than an answer may be. What came of it is kept.");
}

/// Servers without tool support refuse the whole request; then it is asked again without.
bool refuses_tools(const Problem& p) {
  return p.status() >= 400 && p.status() < 500 && p.detail().find("tool") != std::string::npos;
}

/// Tells a server that its last message is to be gone on with: vLLM's words for it.
void mark_prefix(json::Object& body) {
  const json::Array& messages = body["messages"].as_array();
  if (messages.empty() || json::text_at(messages.back(), "role") != "assistant") return;
  body["continue_final_message"] = true;
  body["add_generation_prompt"] = false;
}

}  // namespace

/// Shows a model among those in use, for as long as this lives.
class Completions::InUse {
 public:
  InUse(Completions& all, const std::string& model) : all_(all) {
    std::scoped_lock lock(all_.mutex_);
    at_ = all_.in_use_.insert(model);
  }
  ~InUse() {
    std::scoped_lock lock(all_.mutex_);
    all_.in_use_.erase(at_);
  }
  InUse(const InUse&) = delete;

 private:
  Completions& all_;
  std::multiset<std::string>::iterator at_;
};

std::vector<std::string> Completions::models_in_use() const {
  std::scoped_lock lock(mutex_);
  std::vector<std::string> out(in_use_.begin(), in_use_.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// `left`: what a process that is gone wrote of it; `items` are its own then. `going`: what its
/// provider goes on to write.
Task<> Completions::answer(User me, std::shared_ptr<runs::Run> run, Plan plan, json::Array items,
                           const runs::Output* left, std::shared_ptr<Chunks> going) {
  InUse in_use(*this, plan.model_id);
  Composer composer([&](json::Value e) { run->emit(std::move(e)); }, tags_for(plan.params),
                    std::move(items));
  if (left && going) {
    composer.read_on(left->usage());
  } else if (left) {
    composer.take_up(left->usage());
  } else if (plan.continued) {
    // What is there already, so that a client that does not have it can append.
    run->emit(event("chat:completion", {{"output", composer.output().items()}}));
    composer.continue_text();
  }
  Ending ending;
  try {
    ending = co_await converse(me, *run, plan, composer, std::move(going));
  } catch (const Problem& p) {
    ending = {runs::State::failed, p.detail()};
    log::info(
        "An answer ended in an error",
        {{"run", run->id()}, {"model", plan.model_id}, {"detail", p.detail()}, {"cause", p.cause()}});
  } catch (const std::exception& e) {
    ending = {runs::State::failed, "The server could not finish this answer. Try again."};
    log::error("An answer ended in a fault", {{"run", run->id()}, {"error", e.what()}});
  }
  if (run->fenced()) co_return;
  if (run->cancelled()) ending = {runs::State::cancelled, ""};
  composer.end_round(ending.state == runs::State::done ? "completed" : "incomplete");
  co_await conclude(*run, plan, composer, std::move(ending));
}

Task<Model> Completions::resolve(const User& me, const Plan& plan) {
  if (!plan.direct.is_null()) co_return p_.direct.model(plan.direct, plan.session_id);
  co_return co_await p_.provider.resolve(me, plan.model_id);
}

Task<json::Array> Completions::prompt(const User& me, const Plan& plan, const Composer& composer) {
  json::Array messages;
  if (plan.temporary) {
    messages = plan.messages;
    if (!messages.empty() && json::text_at(messages.front(), "role") == "system")
      messages.erase(messages.begin());
  } else {
    std::string leaf = plan.question_id;
    if (plan.continued)
      if (auto m = co_await p_.chats.message(plan.chat_id, plan.message_id))
        leaf = m->parent_id.value_or("");
    auto branch = co_await p_.chats.branch(plan.chat_id, leaf);
    co_await put_documents(p_.documents, me, branch);
    messages = provider_messages(branch);
  }
  if (!plan.guidance.empty())
    messages.emplace_back(json::Object{{"role", "user"}, {"content", plan.guidance}});
  append_output(messages, composer.output().items());
  put_system(messages, plan.system);
  co_return messages;
}

Task<json::Object> Completions::question(const User& me, const Plan& plan, const Model& model,
                                         const Composer& composer, const std::function<bool()>& gone) {
  json::Object body;
  body["messages"] = co_await store::patiently<json::Array>(
      [&]() -> Task<json::Array> {
        json::Array messages = co_await prompt(me, plan, composer);
        co_await put_pictures(p_.pictures, me, messages);
        co_return messages;
      },
      gone);
  put_preset_system(body, model.params);
  apply_params(body, model.params);
  apply_params(body, plan.params);
  for (const auto& [key, value] : plan.provider) body[key] = value;
  body["stream"] = plan.stream;
  if (model.takeover == models::Takeover::resume && composer.resumes()) mark_prefix(body);
  co_return body;
}

Task<Ending> Completions::converse(const User& me, runs::Run& run, const Plan& plan, Composer& composer,
                                   std::shared_ptr<Chunks> going) {
  auto gone = [&run] { return run.cancelled() || run.fenced(); };
  Model model = co_await store::patiently<Model>([&] { return resolve(me, plan); }, gone);
  bool tools =
      plan.server_tools && !p_.tools.empty() && json::bool_at(model.meta, "builtin_tools", true);
  for (int rounds = 0; rounds != kMaxRounds; ++rounds) {
    json::Object body;
    if (!going) body = co_await question(me, plan, model, composer, gone);
    if (tools) body["tools"] = p_.tools.declarations();
    std::exception_ptr refused;
    try {
      co_await round(me, run, plan, model, body, composer, std::exchange(going, nullptr));
    } catch (const Problem& p) {
      if (!tools || composer.begun() || !refuses_tools(p)) throw;
      refused = std::current_exception();
    }
    if (refused) {
      tools = false;
      continue;
    }
    if (run.cancelled() || run.fenced()) co_return Ending{runs::State::cancelled, ""};
    if (!composer.output().begun())
      co_return Ending{runs::State::failed, "The model sent an empty answer. Try again."};
    // Tools the caller brought are his to run: the calls are the answer.
    if (composer.calls().empty() || plan.provider.contains("tools")) co_return Ending{};
    co_await run_tools(me, run, composer);
  }
  co_return Ending{runs::State::failed,
                   "The model asked for tools too many times. Ask again, more narrowly."};
}

/// `chunks`: of a round that is under way already.
Task<> Completions::round(const User& me, runs::Run& run, const Plan& plan, const Model& model,
                          json::Object body, Composer& composer, std::shared_ptr<Chunks> chunks) {
  Provider::Errand errand{plan.chat_id, plan.message_id,
                          [&run](std::function<void()> close) { run.on_cancel(std::move(close)); },
                          true};
  Provider& provider = provider_of(plan.direct);
  if (!plan.stream) {
    json::Value whole = co_await provider.complete(me, model, std::move(body), std::move(errand));
    run.on_cancel({});
    composer.take_whole(whole);
    end_if_full(composer);
    composer.end_round(run.cancelled() ? "incomplete" : "completed");
    co_return;
  }
  std::string cursor = chunks ? run.cursor() : std::string();
  if (!chunks) chunks = co_await provider.stream(me, model, std::move(body), std::move(errand));
  run.on_cancel([chunks] { chunks->cancel(); });
  bool whole = false;
  std::exception_ptr failed;
  try {
    whole = co_await listen(run, *chunks, composer, cursor);
  } catch (...) {
    failed = std::current_exception();
  }
  run.on_cancel({});
  chunks->cancel();
  if (!cursor.empty() && !whole && !run.fenced()) abandon(me, model, cursor);
  if (failed) std::rethrow_exception(failed);
  auto end = [&] { composer.end_round(run.cancelled() ? "incomplete" : "completed"); };
  if (cursor.empty()) co_return end();
  if (composer.calls().empty()) {  // The answer's end: finish() writes it.
    run.hold();
    co_return end();
  }
  run.emit_with_cursor([&] {
    end();
    return std::string();
  });
}

/// Until the provider has said all (true), or the run is to stop. `cursor`: where it can be taken up.
Task<bool> Completions::listen(runs::Run& run, Chunks& chunks, Composer& composer,
                               std::string& cursor) {
  while (!run.cancelled() && !run.fenced()) {
    auto chunk = co_await chunks.next();
    if (!chunk) co_return true;
    std::string next = chunks.cursor();
    if (next.empty()) {
      composer.take(*chunk);
    } else {
      composer.leave_tags();
      run.emit_with_cursor([&] {
        composer.take(*chunk);
        if (composer.settled()) cursor = std::move(next);
        return cursor;
      });
    }
    end_if_full(composer);
    // The log is written at intervals; only the first words are in a hurry.
    if (composer.output().begun()) chunks.gather();
    co_await run.room();
  }
  co_return false;
}

/// In the background: a stop does not wait for it.
void Completions::abandon(const User& me, const Model& model, std::string cursor) {
  scope_.start(p_.loops.next(), "answer abandoned", [this, me, model, cursor]() -> Task<> {
    try {
      co_await p_.provider.abandon(me, model, cursor);
    } catch (const Problem& p) {
      log::warn("A model's server could not be told to stop an answer",
                {{"model", model.id}, {"detail", p.detail()}, {"cause", p.cause()}});
    }
  });
}

Task<> Completions::run_tools(const User& me, runs::Run& run, Composer& composer) {
  co_await run.committed();  // The intent is durable before anything happens.
  for (const ToolCall& call : composer.calls()) {
    std::string result;
    const Tool* tool = p_.tools.find(call.name);
    auto arguments = json::try_parse(call.arguments.empty() ? "{}" : call.arguments);
    if (!tool)
      result = R"({"error":"There is no tool of this name"})";
    else if (!arguments || !arguments->is_object())
      result = R"({"error":"The arguments are not a JSON object"})";
    else
      try {
        result = co_await tool->run(me, *arguments);
      } catch (const Problem& p) {
        result = json::serialize(json::Object{{"error", p.detail()}});
      }
    result.resize(utf8_prefix(result, kMaxToolResult).size());
    composer.tool_result(call, result);
    if (run.cancelled()) co_return;
  }
  co_await run.committed();
}

/// For the notification of an answer that is ready. An ornament: an answer must not fail for it while
/// the database is away.
Task<std::string> Completions::title_of(std::string chat_id) {
  try {
    if (auto chat = co_await p_.chats.find(std::move(chat_id))) co_return std::move(chat->title);
  } catch (const Problem& p) {
    log::info("An answer ends without its chat's title", {{"cause", p.cause()}});
  }
  co_return std::string();
}

Task<> Completions::conclude(runs::Run& run, const Plan& plan, const Composer& composer,
                             Ending ending) {
  runs::Output output = composer.output();
  if (ending.state != runs::State::done) output.close_items("incomplete");
  chats::Message m;
  m.chat_id = plan.chat_id;
  m.id = plan.message_id;
  m.content = output.text();
  if (output.begun()) m.output = output.items();
  if (!composer.usage().is_null()) m.usage = composer.usage();
  if (!ending.error.empty()) m.error = json::Object{{"content", ending.error}};
  m.done = true;
  m.updated_at = unix_seconds();
  json::Value last;
  if (ending.state == runs::State::cancelled) {
    last = event("chat:tasks:cancel", {{"output", output.items()}});
  } else if (m.error) {
    if (output.begun()) run.emit(event("chat:completion", {{"output", output.items()}}));
    last = event("chat:message:error", {{"error", *m.error}, {"done", true}});
  } else {
    json::Object done{{"done", true}, {"output", output.items()}, {"content", m.content}};
    if (!plan.temporary) done["title"] = co_await title_of(plan.chat_id);
    if (m.usage) done["usage"] = *m.usage;
    last = event("chat:completion", std::move(done));
  }
  std::vector<store::Bound> with;
  if (!plan.temporary) with = chats::Chats::finishing(m);
  if (!plan.temporary && ending.state == runs::State::done) {
    json::Object payload{{"user", plan.user.value},
                         {"chat_id", plan.chat_id},
                         {"message_id", plan.message_id},
                         {"model", plan.model_id}};
    if (plan.follow_ups)
      with.push_back(jobs::Jobs::queueing("chat.follow_ups", "follow_ups:" + run.id(), payload));
    if (plan.tags) with.push_back(jobs::Jobs::queueing("chat.tags", "tags:" + plan.chat_id, payload));
  }
  if (!co_await run.finish(ending.state, std::move(last), std::move(with))) co_return;
  p_.jobs.wake();
  if (!plan.temporary)
    hint(plan, "chat:list", json::Object{{"chat_id", plan.chat_id}, {"folder_id", nullptr}});
  co_await tell_idle(plan);
}

/// What the connection that answers now wants; "keep" while none does.
Task<models::Takeover> Completions::policy_for(const User& me, const Plan& plan) {
  try {
    co_return (
        co_await store::patiently<Model>([&] { return resolve(me, plan); }, [] { return false; }))
        .takeover;
  } catch (const Problem& p) {
    log::info("An answer that was taken over cannot go on",
              {{"model", plan.model_id}, {"detail", p.detail()}, {"cause", p.cause()}});
  }
  co_return models::Takeover::keep;
}

/// What the provider goes on to write behind what the log holds; null when that is not to be had.
Task<std::shared_ptr<Chunks>> Completions::attach(const User& me, runs::Run& run, const Plan& plan) {
  Provider::Errand errand{plan.chat_id, plan.message_id,
                          [&run](std::function<void()> close) { run.on_cancel(std::move(close)); },
                          true};
  try {
    Model model = co_await store::patiently<Model>([&] { return resolve(me, plan); },
                                                   [&run] { return run.cancelled() || run.fenced(); });
    co_return co_await p_.provider.resume(me, model, run.cursor(), std::move(errand));
  } catch (const Problem& p) {
    log::info("An answer that was taken over cannot be read on",
              {{"run", run.id()}, {"detail", p.detail()}, {"cause", p.cause()}});
  }
  run.on_cancel({});
  co_return nullptr;
}

/// Of an answer that nobody goes on with, its provider is told, if it writes on without us.
Task<> Completions::abandon_left(const User& me, const runs::Run& run, const Plan& plan) {
  try {
    Model model = co_await p_.provider.resolve(me, plan.model_id);
    abandon(me, model, run.cursor());
  } catch (const Problem& p) {
    log::info("A model's server could not be told to stop an answer",
              {{"run", run.id()}, {"detail", p.detail()}, {"cause", p.cause()}});
  }
}

/// In the log, for who follows, and in the message, for who reads it later.
Task<> Completions::tell_takeover(runs::Run& run, const Plan& plan, json::Object status) {
  if (!plan.temporary) co_await p_.chats.add_status(plan.chat_id, plan.message_id, status);
  run.emit(event("status", std::move(status)));
}

/// Takes up what a dead process left, as takeover.h says. Every committed word stays, unless an
/// administrator wants such answers to begin again.
Task<> Completions::recover(std::shared_ptr<runs::Run> run, std::vector<runs::LoggedEvent> left) {
  auto row = co_await p_.runs.find(run->id());
  auto stored = row ? Plan::parse(row->request) : std::nullopt;
  Plan plan = stored ? std::move(*stored) : Plan();
  plan.user = {run->user_id()};
  plan.chat_id = run->chat_id();
  plan.message_id = run->message_id();
  runs::Output output;
  for (const runs::LoggedEvent& e : left) output.apply(e.event);
  p_.hub.track(realtime::Room::user(plan.user),
               {run->id(), left.empty() ? 0 : left.back().seq, left.empty() ? 0 : left.back().index});
  std::optional<User> me = co_await p_.user(plan.user);
  models::Takeover policy = models::Takeover::keep;
  if (me && output.begun()) policy = co_await policy_for(*me, plan);
  auto decide = [&](bool attachable) {
    return takeup_of({.output = output,
                      .attempts = run->attempts(),
                      .cancelled = run->cancelled(),
                      .user = me.has_value(),
                      .attachable = attachable},
                     policy);
  };
  bool noted = !run->cursor().empty();
  Takeup takeup = decide(noted);
  std::shared_ptr<Chunks> going;
  if (takeup == Takeup::attach && !(going = co_await attach(*me, *run, plan))) takeup = decide(false);
  if (noted && !going) {
    if (me) co_await abandon_left(*me, *run, plan);
    run->emit_with_cursor([] { return std::string(); });
  }
  if (takeup == Takeup::resume || takeup == Takeup::restart || (going && output.begun()))
    co_await tell_takeover(*run, plan, takeover_status(takeup, output, unix_seconds()));
  if (takeup == Takeup::resume || going) {
    json::Array items = output.items();
    co_await answer(*me, run, std::move(plan), std::move(items), &output, std::move(going));
    co_return;
  }
  if (takeup == Takeup::restart)
    run->emit(event("chat:completion", {{"output", json::Array()}, {"content", ""}}));
  if (takeup == Takeup::restart || takeup == Takeup::ask) {
    co_await answer_from_the_start(*me, run, std::move(plan));
    co_return;
  }
  Composer composer([&](json::Value e) { run->emit(std::move(e)); }, tags_for(plan.params),
                    output.items());
  Ending ending{runs::State::interrupted,
                "The server writing this answer stopped. What it had written is kept; press Continue "
                "for the rest."};
  if (takeup == Takeup::give_up)
    ending.error =
        "The servers writing this answer stopped again and again. What was written is kept; press "
        "Continue for the rest.";
  if (takeup == Takeup::stop) ending = {runs::State::cancelled, ""};
  co_await conclude(*run, plan, composer, std::move(ending));
}

// ---------------------------------------------------------------------------------------------

Task<std::int64_t> Completions::stop_chat(const User& me, std::string chat_id) {
  bool temporary = is_temporary(chat_id);
  if (!temporary) (void)co_await chats::Guard(p_.chats).write(me, chat_id, 404);
  auto live = co_await p_.runs.live_of_chat(chat_id);
  for (const runs::RunRow& run : live)
    if (run.user_id != me.id.value && temporary) throw not_found("Chat").answering(401);  // row 58
  if (live.empty()) {
    if (!temporary) co_await p_.chats.close_open_messages(chat_id);
    co_return 0;
  }
  auto stopped = co_await p_.runs.cancel_chat(chat_id);
  // So that the caller's next read shows the end.
  for (const runs::RunRow& run : stopped)
    for (int i = 0; i != 100; ++i) {
      auto row = co_await p_.runs.find(run.run_id);
      if (!row || row->state >= 10) break;
      co_await sleep_for(std::chrono::milliseconds(20));
    }
  co_return static_cast<std::int64_t>(stopped.size());
}

Task<std::vector<std::string>> Completions::tasks_of_chat(UserId me, std::string chat_id) const {
  std::vector<std::string> out;
  for (const runs::RunRow& run : co_await p_.runs.live_of_chat(chat_id))
    if (!is_temporary(chat_id) || run.user_id == me.value) out.push_back(run.run_id);
  co_return out;
}

Task<std::vector<std::string>> Completions::all_tasks() const {
  std::vector<std::string> out;
  for (const runs::RunRow& run : co_await p_.runs.live()) out.push_back(run.run_id);
  co_return out;
}

}  // namespace antiphon::completions

#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"
#include "features/chats/dto.h"
#include "features/tasks/tasks.h"
#include "http/bind.h"
#include "http/described.h"

namespace antiphon::tasks {

struct ChoreForm {
  std::string model;
  std::optional<std::vector<json::Value>> messages;
  std::optional<std::string> prompt, type;
  std::optional<std::vector<std::string>> responses;
  std::optional<bool> stream;
};
ANTIPHON_DTO(ChoreForm, model, messages, prompt, type, responses, stream)
ANTIPHON_DTO_DEFINE(ChoreForm)

namespace {

using completions::Chore;
using completions::ChoreInput;
using completions::ChorePolicy;
using completions::Model;
using http::bind;
using http::Body;
using http::Cost;

constexpr std::size_t kMaxResponses = 16;
constexpr http::Options kConversation{.body_limit = 16 << 20};

ChoreInput input_of(const User& me, const ChoreForm& form) {
  ChoreInput input;
  for (const json::Value& m : form.messages.value_or(std::vector<json::Value>())) {
    const json::Value* content = json::find(m, "content");
    input.messages.push_back(
        {std::string(json::text_at(m, "role")), content ? chats::plain_text(*content) : ""});
  }
  input.prompt = form.prompt.value_or(input.messages.empty() ? "" : input.messages.back().text);
  input.type = form.type.value_or("");
  if (form.responses) input.responses = *form.responses;
  if (input.responses.size() > kMaxResponses) input.responses.resize(kMaxResponses);
  input.variables = completions::chore_variables(me.name, unix_seconds());
  return input;
}

std::string_view switched_off(Chore chore) {
  switch (chore) {
    case Chore::title:
      return "Title generation is disabled";
    case Chore::tags:
      return "Tags generation is disabled";
    case Chore::follow_ups:
      return "Follow-up generation is disabled";
    case Chore::search_queries:
      return "Search query generation is disabled";
    case Chore::retrieval_queries:
      return "Query generation is disabled";
    case Chore::autocompletion:
      return "Autocompletion generation is disabled";
    case Chore::image_prompt:
    case Chore::emoji:
    case Chore::merged_answer:
      break;
  }
  return "This is disabled";
}

struct Api {
  RouteParts p;

  /// Clients take {"detail": …} with 200 for a chore that is off; the two that run while somebody waits
  /// for something else are refused, as upstream does.
  Task<json::Value> run(const User& me, Chore chore, const ChoreForm& form, bool refuses) {
    ChorePolicy policy = policy_of(p.settings, chore);
    if (!policy.enabled) {
      if (refuses) throw Problem(Problem::Kind::invalid, std::string(switched_off(chore)));
      co_return json::Object{{"detail", switched_off(chore)}};
    }
    Model model = co_await p.provider.task_model(me, co_await p.provider.resolve(me, form.model));
    json::Object body = completions::chore_body(chore, policy, input_of(me, form));
    co_return co_await p.provider.complete(me, model, std::move(body), {});
  }

  Task<json::Value> title(const User& me, Body<ChoreForm> form) {
    co_return co_await run(me, Chore::title, form, false);
  }
  Task<json::Value> tags(const User& me, Body<ChoreForm> form) {
    co_return co_await run(me, Chore::tags, form, false);
  }
  Task<json::Value> follow_ups(const User& me, Body<ChoreForm> form) {
    co_return co_await run(me, Chore::follow_ups, form, false);
  }
  Task<json::Value> image_prompt(const User& me, Body<ChoreForm> form) {
    co_return co_await run(me, Chore::image_prompt, form, false);
  }
  Task<json::Value> queries(const User& me, Body<ChoreForm> form) {
    co_return co_await run(
        me, form.type == "web_search" ? Chore::search_queries : Chore::retrieval_queries, form, true);
  }
  Task<json::Value> emoji(const User& me, Body<ChoreForm> form) {
    co_return co_await run(me, Chore::emoji, form, false);
  }
  Task<json::Value> autocomplete(const User& me, Body<ChoreForm> form) {
    std::int64_t most = p.settings.autocompletion_length();
    if (most >= 0 && static_cast<std::int64_t>(form.prompt.value_or("").size()) > most)
      throw Problem(Problem::Kind::invalid, "The text is too long to be completed");
    co_return co_await run(me, Chore::autocompletion, form, true);
  }
  /// The model asked for merges the answers itself, and may be listened to.
  Task<std::optional<http::Response>> merge(const User& me, Body<ChoreForm> form, http::Events out) {
    Model model = co_await p.provider.resolve(me, form.model);
    json::Object body = completions::chore_body(Chore::merged_answer, {}, input_of(me, form));
    if (!form.stream.value_or(false))
      co_return http::json_response(
          json::serialize(co_await p.provider.complete(me, model, std::move(body), {})));
    body["stream"] = true;
    auto chunks = co_await p.provider.stream(me, model, std::move(body), {});
    while (auto chunk = co_await chunks->next()) co_await out.send(json::serialize(*chunk));
    co_await out.done();
    co_return std::nullopt;
  }

  config::AdminPage page() {
    const Settings& s = p.settings;
    std::vector<config::AdminPage::Item> items = p.also;
    for (const config::AdminPage::Item& item : std::initializer_list<config::AdminPage::Item>{
             s.params, s.title, s.title_prompt, s.image_prompt, s.autocompletion,
             s.autocompletion_length, s.autocompletion_prompt, s.tags_prompt, s.follow_up_prompt,
             s.follow_ups, s.tags, s.search_queries, s.retrieval_queries, s.query_prompt,
             s.tools_prompt, s.voice, s.voice_prompt})
      items.push_back(item);
    return {p.config, std::move(items)};
  }
  Task<json::Value> show_config(const User&) { co_return page().show(); }
  /// Null leaves a setting as it is.
  Task<json::Value> change_config(const Admin&, json::Value form) {
    json::Object given;
    if (form.is_object())
      for (const auto& [key, value] : form.as_object())
        if (!value.is_null()) given[key] = value;
    co_return co_await page().change(json::Value(std::move(given)));
  }
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  auto on = [&](std::string_view name, http::Endpoint e) {
    r.on("POST /api/v1/tasks/" + std::string(name) + "/completions", Cost::model, std::move(e),
         kConversation);
  };
  using Members = std::map<std::string, json::Value>;
  r.on("GET /api/v1/tasks/config", Cost::read, http::answering<Members>(bind<&Api::show_config>(api)));
  r.on("POST /api/v1/tasks/config/update", Cost::write,
       http::taking<Members>(http::answering<Members>(bind<&Api::change_config>(api))));
  on("title", bind<&Api::title>(api));
  on("tags", bind<&Api::tags>(api));
  on("follow_up", bind<&Api::follow_ups>(api));
  on("image_prompt", bind<&Api::image_prompt>(api));
  on("queries", bind<&Api::queries>(api));
  on("auto", bind<&Api::autocomplete>(api));
  on("emoji", bind<&Api::emoji>(api));
  on("moa", bind<&Api::merge>(api));
}

}  // namespace antiphon::tasks

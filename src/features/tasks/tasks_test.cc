#include "features/tasks/tasks.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>

#include "base/problem.h"
#include "config/registry.h"
#include "http/testing.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::tasks {
namespace {

using json::Object;
using json::Value;

/// Answers with what it was asked; "secret" is a model nobody may use.
class Echo final : public completions::Provider {
 public:
  Task<completions::Model> resolve(const User&, std::string id) override {
    if (id == "secret") throw Problem(Problem::Kind::not_found, "Model not found");
    completions::Model model;
    model.id = id;
    co_return model;
  }
  Task<std::unique_ptr<completions::Chunks>> stream(const User&, const completions::Model& model,
                                                    Object body, Errand) override {
    note(model, body);
    struct Two final : completions::Chunks {
      int left = 2;
      Task<std::optional<Value>> next() override {
        if (left-- == 0) co_return std::nullopt;
        co_return Value(Object{{"n", left}});
      }
      void cancel() override {}
    };
    co_return std::make_unique<Two>();
  }
  Task<Value> complete(const User&, const completions::Model& model, Object body, Errand) override {
    note(model, body);
    co_return Object{{"choices", json::Array()}};
  }
  Task<std::optional<http::Response>> pass_on(const User&, const completions::Model&, Object,
                                              http::Stream&) override {
    throw Problem(Problem::Kind::internal, "Tasks do not pass answers on");
    co_return std::nullopt;
  }
  Task<completions::Model> task_model(const User&, completions::Model model) override {
    model.id = "task of " + model.id;
    co_return model;
  }
  void note(const completions::Model& model, const Object& body) {
    asked = model.id;
    prompt = json::text_at(body.at("messages").as_array().front(), "content");
    sent = body;
    ++calls;
  }
  std::string asked, prompt;
  Object sent;
  int calls = 0;
};

struct World {
  World() : store(store::Engine::memory, 1) {
    registry.add(settings);
    config.emplace(*store.db, registry, nullptr);
    run([&] { return store::migrate(*store.db); });
    add_routes(router, {.provider = echo, .settings = settings, .config = *config});
  }
  http::Response ask(Role role, std::string method, std::string path, Value body = nullptr) {
    http::Request request = http::testing::request(std::move(method), "/api/v1/tasks" + path);
    if (!body.is_null()) request.body = json::serialize(body);
    Caller who{.via = Caller::Via::session, .role = role};
    who.id.value = "alice";
    who.name = "Alice";
    stream.text_.clear();
    auto response = http::testing::serve(router, std::move(request), who, &stream);
    return response.value_or(http::Response{});
  }
  http::Response chore(std::string name, Object more = {}) {
    Object body{{"model", "m"},
                {"messages", json::Array{Object{{"role", "user"}, {"content", "hello there"}}}}};
    for (auto& [key, value] : more) body[key] = value;
    return ask(Role::user, "POST", "/" + name + "/completions", Value(body));
  }

  store::Store store;
  config::Registry registry;
  Settings settings;
  std::optional<config::Store> config;
  Echo echo;
  http::Router router;
  http::testing::StringStream stream;
};

TEST(Tasks, AskTheTaskModelAboutTheConversation) {
  World w;
  for (std::string name : {"title", "tags", "follow_up", "image_prompt", "queries", "emoji"}) {
    EXPECT_EQ(w.chore(name).status, 200) << name;
    EXPECT_EQ(w.echo.asked, "task of m") << name;
    EXPECT_NE(w.echo.prompt.find("hello there"), std::string::npos) << name;
    EXPECT_EQ(w.echo.sent.at("stream"), false);
  }
}

TEST(Tasks, UseTheAdministratorsPromptAndParameters) {
  World w;
  w.settings.title_prompt.set("Name it, {{USER_NAME}}: {{MESSAGES:END:1}}");
  w.settings.params.set(Object{{"temperature", 0}});

  w.chore("title");

  EXPECT_EQ(w.echo.prompt, "Name it, Alice: USER: hello there");
  EXPECT_EQ(w.echo.sent.at("temperature"), 0);
}

TEST(Tasks, SaySoWhenTheyAreSwitchedOffAndAskNobody) {  // row 69
  World w;
  w.settings.title.set(false);
  w.settings.tags.set(false);
  w.settings.follow_ups.set(false);
  w.settings.search_queries.set(false);

  EXPECT_EQ(w.chore("title").body, R"({"detail":"Title generation is disabled"})");
  EXPECT_EQ(w.chore("tags").status, 200);
  EXPECT_EQ(w.chore("follow_up").status, 200);
  EXPECT_EQ(w.chore("queries", {{"type", "web_search"}}).status, 400);
  EXPECT_EQ(w.chore("auto").status, 400);
  EXPECT_EQ(w.echo.calls, 0);
  EXPECT_EQ(w.chore("queries", {{"type", "retrieval"}}).status, 200);
}

TEST(Tasks, CompleteNoTextThatIsTooLong) {
  World w;
  w.settings.autocompletion.set(true);
  w.settings.autocompletion_length.set(5);

  EXPECT_EQ(w.chore("auto", {{"prompt", "123456"}}).status, 400);
  EXPECT_EQ(w.chore("auto", {{"prompt", "12345"}}).status, 200);
}

TEST(Tasks, ReachNoModelTheCallerMayNotUse) {  // row 68
  World w;
  w.settings.autocompletion.set(true);
  for (std::string name :
       {"title", "tags", "follow_up", "image_prompt", "queries", "emoji", "auto", "moa"})
    EXPECT_EQ(w.chore(name, {{"model", "secret"}}).status, 404) << name;
  EXPECT_EQ(w.echo.calls, 0);
}

TEST(Tasks, MergeAnswersWithTheModelAskedFor) {
  World w;

  EXPECT_EQ(w.chore("moa", {{"prompt", "why?"}, {"responses", json::Array{"A", "B"}}}).status, 200);
  EXPECT_EQ(w.echo.asked, "m");
  EXPECT_NE(w.echo.prompt.find("Answer 2:\nB"), std::string::npos);
  w.chore("moa", {{"stream", true}});
  EXPECT_EQ(w.stream.text_, "data: {\"n\":1}\n\ndata: {\"n\":0}\n\ndata: [DONE]\n\n");
}

TEST(Tasks, ShowTheirSettingsToUsersAndLetAdministratorsChangeThem) {
  World w;
  Value page = json::parse_value(w.ask(Role::user, "GET", "/config").body);
  for (std::string_view name :
       {"TASK_MODEL_PARAMS", "TITLE_GENERATION_PROMPT_TEMPLATE",
        "IMAGE_PROMPT_GENERATION_PROMPT_TEMPLATE", "ENABLE_AUTOCOMPLETE_GENERATION",
        "AUTOCOMPLETE_GENERATION_INPUT_MAX_LENGTH", "AUTOCOMPLETE_GENERATION_PROMPT_TEMPLATE",
        "TAGS_GENERATION_PROMPT_TEMPLATE", "FOLLOW_UP_GENERATION_PROMPT_TEMPLATE",
        "ENABLE_FOLLOW_UP_GENERATION", "ENABLE_TAGS_GENERATION", "ENABLE_TITLE_GENERATION",
        "ENABLE_SEARCH_QUERY_GENERATION", "ENABLE_RETRIEVAL_QUERY_GENERATION",
        "QUERY_GENERATION_PROMPT_TEMPLATE", "TOOLS_FUNCTION_CALLING_PROMPT_TEMPLATE",
        "ENABLE_VOICE_MODE_PROMPT", "VOICE_MODE_PROMPT_TEMPLATE"})
    EXPECT_TRUE(page.as_object().contains(name)) << name;
  EXPECT_EQ(
      w.ask(Role::user, "POST", "/config/update", Object{{"ENABLE_TITLE_GENERATION", false}}).status,
      401);
  EXPECT_EQ(w.ask(Role::admin, "POST", "/config/update",
                  Object{{"ENABLE_TITLE_GENERATION", false}, {"TASK_MODEL_PARAMS", nullptr}})
                .status,
            200);
  EXPECT_FALSE(w.settings.title());
}

}  // namespace
}  // namespace antiphon::tasks

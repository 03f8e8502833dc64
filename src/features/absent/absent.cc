#include "features/absent/absent.h"

#include <string>
#include <string_view>

#include "base/problem.h"
#include "http/bind.h"

namespace antiphon::absent {
namespace {

using http::bind;
using http::Cost;
using http::Response;

struct Nothing {
  std::string_view path;
  std::string_view answer;
};
constexpr std::string_view kList = "[]";
constexpr std::string_view kPage = R"({"items":[],"total":0})";

constexpr Nothing kForUsers[] = {
    {"/api/v1/tools/", kList},
    {"/api/v1/tools/list", kList},
    {"/api/v1/functions/", kList},
    {"/api/v1/skills/", kList},
    {"/api/v1/skills/list", kPage},
    {"/api/v1/prompts/", kList},
    {"/api/v1/prompts/tags", kList},
    {"/api/v1/prompts/list", kPage},
    {"/api/v1/notes/", kList},
    {"/api/v1/notes/pinned", kList},
    {"/api/v1/notes/search", kPage},
    {"/api/v1/memories/", kList},
    {"/api/v1/terminals/", kList},
    {"/api/v1/calendars/", kList},
    {"/api/v1/calendars/events", kList},
    {"/api/v1/calendars/events/search", kPage},
    {"/api/v1/automations/list", kPage},
    {"/api/v1/audio/models", R"({"models":[]})"},
    {"/api/v1/audio/voices", R"({"voices":[]})"},
    {"/api/v1/images/models", kList},
};

constexpr Nothing kForAdmins[] = {
    {"/api/v1/functions/list", kList},
    {"/api/v1/functions/export", kList},
    {"/api/v1/pipelines/list", R"({"data":[]})"},
    {"/api/v1/knowledge/external/connections", kPage},
    {"/api/events", R"({"schema":"0.12.4","events":[]})"},
    {"/api/events/webhooks", kList},
    {"/api/v1/configs/subagents",
     R"({"ENABLE_SUBAGENTS":false,"SUBAGENTS_BACKGROUND_ENABLED":false,"SUBAGENTS_MAX_CONCURRENT":0,)"
     R"("SUBAGENTS_MAX_ASYNC":0,"SUBAGENTS_MAX_ITERATIONS":0,"SUBAGENTS_MAX_OUTPUT":0,)"
     R"("SUBAGENTS_SYSTEM_PROMPT":""})"},
};

struct Api {
  std::string_view answer;
  Task<Response> show(const User&) { co_return Response{.fixed_body = answer}; }
  Task<Response> show_admin(const Admin&) { co_return Response{.fixed_body = answer}; }
  /// What a deployment says whose channels are turned off.
  Task<Response> channels(const User&) {
    throw Problem(Problem::Kind::forbidden, "Channels are not available here.");
  }
  /// Actions are functions, of which there are none.
  Task<Response> action(const User&, std::string) { throw not_found("Action"); }
};

}  // namespace

void add_routes(http::Router& r) {
  auto get = [&](std::string_view path, http::Endpoint e) {
    r.on("GET " + std::string(path), Cost::read, std::move(e));
  };
  for (const Nothing& n : kForUsers) get(n.path, bind<&Api::show>(Api{n.answer}));
  for (const Nothing& n : kForAdmins) get(n.path, bind<&Api::show_admin>(Api{n.answer}));
  get("/api/v1/channels/", bind<&Api::channels>(Api{}));
  get("/api/v1/channels/list", bind<&Api::channels>(Api{}));
  r.on("POST /api/chat/actions/{action_id}", Cost::write, bind<&Api::action>(Api{}));
}

}  // namespace antiphon::absent

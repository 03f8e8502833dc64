#include "features/configs/routes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/encode.h"
#include "base/problem.h"
#include "features/configs/described.h"
#include "features/configs/documents.h"
#include "features/configs/pages.h"
#include "features/configs/public_config.h"
#include "http/bind.h"
#include "http/described.h"
#include "json/text.h"

namespace antiphon::configs {

ANTIPHON_DTO_DEFINE(Banner)
ANTIPHON_DTO_DEFINE(BannersForm)
ANTIPHON_DTO_DEFINE(Suggestion)
ANTIPHON_DTO_DEFINE(SuggestionsForm)
ANTIPHON_DTO_DEFINE(ImportForm)
ANTIPHON_DTO_DEFINE(SettingsForm)
ANTIPHON_DTO_DEFINE(Version)
ANTIPHON_DTO_DEFINE(Updates)
ANTIPHON_DTO_DEFINE(VisibilityForm)
ANTIPHON_DTO_DEFINE(Usage)

namespace {

using http::bind;
using http::Body;
using http::Call;
using http::Cost;
using http::Response;
using json::Object;
using json::Value;

bool is_admin(const Caller& caller) {
  return caller.via != Caller::Via::nothing && caller.role == Role::admin;
}

struct Api {
  std::shared_ptr<Parts> p;
  std::shared_ptr<PublicConfig> config;
  std::shared_ptr<std::atomic<bool>> seen_users;

  // What anybody may ask.

  Task<bool> onboarding(const Caller& caller) {
    if (*seen_users || caller.via != Caller::Via::nothing) co_return false;
    if (co_await p->has_users()) *seen_users = true;
    co_return !*seen_users;
  }
  Task<Response> public_config(Anyone who, http::Call& call) {
    bool first = co_await onboarding(who.caller);
    std::string text = config->text(who.caller, first, p->announced().api);
    // Its socket would be refused: the page can say so, and whom to ask.
    if (!p->takes_page(call.request)) text.replace(0, 1, R"({"origin_ok":false,)");
    co_return Response{.body = std::move(text)}.header("Cache-Control", "no-store");
  }
  Task<Version> version(Anyone) {
    store::Version told = p->announced();
    co_return Version{std::move(told.api), p->settings.deployment_id(), std::move(told.version)};
  }
  /// Nothing is asked of anybody outside: an operator updates with his package or image.
  Task<Updates> updates(const User&) {
    std::string api = p->announced().api;
    co_return Updates{api, api};
  }
  Task<Response> changelog(Anyone) { co_return Response{.fixed_body = configs::changelog()}; }
  Task<Response> health(Anyone) { co_return Response{.fixed_body = R"({"status":true})"}; }
  Task<Response> health_db(Anyone) {
    if (co_await p->health.database_alive()) co_return Response{.fixed_body = R"({"status":true})"};
    co_return Response{.status = 503, .fixed_body = R"({"status":false})"};
  }
  Task<Response> ready(Anyone) {
    std::vector<std::string> why = co_await p->health.why_not_ready();
    if (why.empty()) co_return Response{.fixed_body = R"({"status":true})"};
    json::Array reasons(why.begin(), why.end());
    co_return Response{
        .status = 503,
        .body = json::serialize(Object{{"status", false}, {"reasons", std::move(reasons)}})};
  }
  Task<Response> manifest(Anyone) {
    co_return Response{.type = "application/manifest+json",
                       .body = configs::manifest(p->settings.name())};
  }
  Task<Response> opensearch(Anyone) {
    co_return Response{.type = "application/opensearchdescription+xml",
                       .body = configs::opensearch(p->settings.name(), p->general.webui_url())};
  }

  // What depends on who asks.

  /// An administrator, or who knows the token. Not who comes from this machine: behind a proxy of this
  /// machine everybody does.
  Task<Response> metrics(Anyone who, Call& call) {
    std::string_view given = call.request.headers.get("authorization");
    Secret token = p->settings.metrics_token();
    bool knows = !token.empty() && given.starts_with("Bearer ") &&
                 equal_in_constant_time(given.substr(7), token.reveal());
    if (!knows && !is_admin(who.caller) && !p->settings.metrics_public())
      throw Problem(Problem::Kind::unauthenticated,
                    "Metrics are for administrators and holders of the token");
    co_return Response{.type = "text/plain; version=0.0.4; charset=utf-8", .body = p->metrics.text()};
  }
  Task<Response> openapi(Anyone who) {
    if (!is_admin(who.caller) && !p->settings.openapi_public())
      throw Problem(Problem::Kind::unauthenticated, "The API's description is for administrators");
    co_return Response{.body = p->router.openapi(kAntiphonVersion)};
  }
  Task<cluster::ClusterOverview> cluster(const Admin&) { co_return co_await p->cluster(); }
  Task<Usage> usage(const User& me) {
    if (!me.admin() && !p->settings.public_user_count())
      throw Problem(Problem::Kind::forbidden, "Only administrators may see who is active");
    co_return co_await p->usage();
  }

  // Pages of settings.

  /// The ETag is read before the values: they may be newer than it says, never older, or If-Match
  /// would let somebody overwrite what he has not seen.
  Response answer(const std::function<Value()>& values) const {
    std::string etag = p->store.etag();
    return Response{.body = json::serialize(values())}.header("ETag", std::move(etag));
  }
  Response answer_page(const Page& page) const {
    return answer([&] { return show(p->store.registry(), page); });
  }
  Response answer_banners() const {
    return answer([&] { return p->settings.banners(); });
  }
  Response answer_described() const {
    return answer([&] { return describe_settings(p->store); });
  }
  /// Those whose names begin so.
  Task<Response> answer_exported(std::string beginning = {}) const {
    std::string etag = p->store.etag();
    Value all = co_await export_settings(p->store);
    Object out;
    for (auto& [key, value] : all.get_object())
      if (std::string_view(key.data(), key.size()).starts_with(beginning)) out[key] = std::move(value);
    co_return Response{.body = json::serialize(Value(std::move(out)))}.header("ETag", std::move(etag));
  }
  Task<Response> changed(const Page& page, Value body, Call& call) {
    co_await change(p->store, page, std::move(body), std::string(call.request.headers.get("if-match")));
    co_return answer_page(page);
  }
  template <const Page& kPage>
  Task<Response> show_page(const Admin&) {
    co_return answer_page(kPage);
  }
  template <const Page& kPage>
  Task<Response> change_page(const Admin&, Value body, Call& call) {
    return changed(kPage, std::move(body), call);
  }
  Task<Response> model_defaults(const User&) { co_return answer_page(kModelDefaultsPage); }

  Task<Response> banners(const User&) { co_return answer_banners(); }
  Task<Response> set_banners(const Admin&, Body<BannersForm> form) {
    co_await p->store.set({{"ui.banners", json::parse_value(json::dump(form.banners))}});
    co_return answer_banners();
  }
  Task<Response> set_suggestions(const Admin&, Body<SuggestionsForm> form) {
    std::vector<config::Change> changes{
        {"ui.prompt_suggestions", json::parse_value(json::dump(form.suggestions))}};
    if (form.i18n) changes.push_back({"ui.prompt_suggestions_i18n", *form.i18n});
    co_await p->store.set(std::move(changes));
    co_return answer_page(kSuggestionsPage);
  }
  Task<VisibilityForm> set_visibility(const Admin&, Body<VisibilityForm> form) {
    co_await p->store.set({{"ui.visibility", json::parse_value(json::dump(form.visibility))}});
    co_return std::move(form);
  }

  Task<Response> export_all(const Admin&) { return answer_exported(); }
  Task<Response> import_all(const Admin&, Body<ImportForm> form) {
    co_await import_settings(p->store, std::move(form.config));
    co_return co_await answer_exported();
  }
  Task<Response> space(const Admin&, std::string name) { return answer_exported(name + "."); }

  Task<Response> describe(const Admin&) { co_return answer_described(); }
  Task<Response> edit(const Admin&, Body<SettingsForm> form, Call& call) {
    std::vector<config::Change> changes;
    changes.reserve(form.changes.value.size() + form.reset.value.value.size());
    for (auto& [key, value] : form.changes.value) changes.push_back({key, std::move(value)});
    for (const std::string& key : form.reset.value.value)
      changes.push_back({.key = key, .value = {}, .reset = true});
    co_await p->store.set(std::move(changes), config::version_of(call.request.headers.get("if-match")));
    co_return answer_described();
  }
};

void add_public(http::Router& r, const Api& api) {
  r.on("GET /api/config", Cost::free, http::answering<PublicSettings>(bind<&Api::public_config>(api)));
  r.on("GET /api/version", Cost::free, bind<&Api::version>(api));
  r.on("GET /api/version/updates", Cost::read, bind<&Api::updates>(api));
  r.on("GET /api/changelog", Cost::free, bind<&Api::changelog>(api));
  r.on("GET /health", Cost::free, bind<&Api::health>(api));
  r.on("GET /health/db", Cost::read, bind<&Api::health_db>(api));
  r.on("GET /ready", Cost::read, bind<&Api::ready>(api));
  r.on("GET /manifest.json", Cost::free, bind<&Api::manifest>(api));
  r.on("GET /opensearch.xml", Cost::free, bind<&Api::opensearch>(api));
  r.on("GET /metrics", Cost::read, bind<&Api::metrics>(api));
  r.on("GET /openapi.json", Cost::read, bind<&Api::openapi>(api));
  r.on("GET /api/usage", Cost::read, bind<&Api::usage>(api));
}

template <const Page& kPage, class T = Value>
void add_page(http::Router& r, const Api& api, const std::string& path) {
  r.on("GET " + path, Cost::read, http::answering<T>(bind<&Api::show_page<kPage>>(api)));
  r.on("POST " + path, Cost::write,
       http::taking<T>(http::answering<T>(bind<&Api::change_page<kPage>>(api))));
}

}  // namespace

void add_routes(http::Router& r, Parts parts) {
  auto p = std::make_shared<Parts>(std::move(parts));
  Api api{p, std::make_shared<PublicConfig>(p->store.registry(), p->auth, p->permissions, p->router),
          std::make_shared<std::atomic<bool>>(false)};
  add_public(r, api);
  const std::string configs = "/api/v1/configs/";
  add_page<kConnectionsPage>(r, api, configs + "connections");
  add_page<kModelsPage, ModelsPage>(r, api, configs + "models");
  add_page<kCodeExecutionPage>(r, api, configs + "code_execution");
  r.on("GET /api/v1/configs/tool_servers", Cost::read, bind<&Api::show_page<kToolServersPage>>(api));
  r.on("GET /api/v1/configs/terminal_servers", Cost::read,
       bind<&Api::show_page<kTerminalServersPage>>(api));
  r.on("GET /api/v1/configs/models/defaults", Cost::read, bind<&Api::model_defaults>(api));
  r.on("GET /api/v1/configs/banners", Cost::read, bind<&Api::banners>(api));
  r.on("POST /api/v1/configs/banners", Cost::write, bind<&Api::set_banners>(api));
  r.on("POST /api/v1/configs/suggestions", Cost::write, bind<&Api::set_suggestions>(api),
       {.body_limit = 4 << 20});
  r.on("POST /api/v1/configs/interface/visibility", Cost::write, bind<&Api::set_visibility>(api));
  r.on("GET /api/v1/configs/export", Cost::read, bind<&Api::export_all>(api));
  r.on("POST /api/v1/configs/import", Cost::write_heavy, bind<&Api::import_all>(api),
       {.body_limit = 8 << 20});
  r.on("GET /api/v1/cluster", Cost::read, bind<&Api::cluster>(api));
  r.on("GET /api/v1/configs/namespace/{name}", Cost::read, bind<&Api::space>(api));
  r.on("GET /api/v1/configs/settings", Cost::read, bind<&Api::describe>(api));
  r.on("POST /api/v1/configs/settings", Cost::write, bind<&Api::edit>(api), {.body_limit = 8 << 20});
}

}  // namespace antiphon::configs

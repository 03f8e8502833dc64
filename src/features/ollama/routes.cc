#include <boost/json.hpp>
#include <charconv>

#include "base/problem.h"
#include "client/url.h"
#include "features/models/described.h"
#include "features/models/models.h"
#include "features/ollama/convert.h"
#include "features/ollama/dto.h"
#include "features/ollama/model_files.h"
#include "features/ollama/ollama.h"
#include "http/bind.h"
#include "http/described.h"
#include "http/router.h"

namespace antiphon::ollama {

ANTIPHON_DTO_DEFINE(ConfigForm)
ANTIPHON_DTO_DEFINE(VerifyForm)
ANTIPHON_DTO_DEFINE(UrlForm)
ANTIPHON_DTO_DEFINE(FileForm)

namespace {

using http::bind;
using http::Body;
using http::Call;
using http::Cost;
using models::ConnectionPtr;
using models::Kind;
using models::Target;
using Reply = std::optional<http::Response>;

std::optional<int> place_in(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  int out = -1;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (error != std::errc{} || end != text->data() + text->size() || out < 0)
    throw not_found("Connection");
  return out;
}

/// `{url_idx}` of the path, or the parameter of that name.
std::optional<int> place_of(const Call& call) {
  if (!call.path_args.empty()) return place_in(call.path_args.front());
  return place_in(call.request.parameter("url_idx"));
}

std::string model_in(const json::Object& body) {
  json::Value whole(body);
  std::string_view model = json::text_at(whole, "model");
  return std::string(model.empty() ? json::text_at(whole, "name") : model);
}

json::Array array_of(const std::vector<std::string>& list) {
  json::Array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

json::Object options_within(const json::Value& options, std::size_t count) {
  json::Object out;
  for (std::size_t i = 0; i != count; ++i)
    if (const json::Value* one = json::find(options, std::to_string(i)); one && one->is_object())
      out[std::to_string(i)] = *one;
  return out;
}

/// The keys of servers whose URL changed are dropped (row 13).
json::Object without_moved_keys(const models::Settings& settings, const std::vector<std::string>& urls,
                                json::Object options) {
  json::Value old = settings.ollama_configs();
  auto key = [](const json::Value& all, std::size_t i) {
    const json::Value* one = json::find(all, std::to_string(i));
    return std::string(one ? json::text_at(*one, "key") : "");
  };
  std::vector<std::string> old_keys, keys;
  for (std::size_t i = 0; i != settings.ollama_urls().size(); ++i) old_keys.push_back(key(old, i));
  for (std::size_t i = 0; i != urls.size(); ++i) keys.push_back(key(json::Value(options), i));
  keys = models::keys_after(settings.ollama_urls(), old_keys, urls, keys);
  for (std::size_t i = 0; i != keys.size(); ++i)
    if (auto one = options.find(std::to_string(i));
        one != options.end() && one->value().as_object().contains("key"))
      one->value().as_object()["key"] = keys[i];
  return options;
}

struct Api {
  models::Models& models;
  Backend& backend;
  client::Client& client;
  config::Store& store;
  ModelFiles files;

  Task<http::FileLimit> file_limit(const Caller&) const {
    co_return http::FileLimit{.bytes = files.limit()};
  }
  const models::Settings& settings() const { return models.parts().settings; }

  // ---- Configuration.

  Task<json::Value> alive(Anyone) { co_return json::Object{{"status", true}}; }

  Task<json::Value> config(const Admin&) {
    auto moment = settings().moment();
    co_return json::Object{{"ENABLE_OLLAMA_API", settings().enable_ollama(*moment)},
                           {"OLLAMA_BASE_URLS", array_of(settings().ollama_urls(*moment))},
                           {"OLLAMA_API_CONFIGS", settings().ollama_configs(*moment)}};
  }

  Task<json::Value> change_config(const Admin& me, Body<ConfigForm> form) {
    const std::vector<std::string>& urls = form.OLLAMA_BASE_URLS;
    for (const std::string& url : urls)
      if (!url.empty()) (void)client::parse_url(url);
    json::Object options = options_within(form.OLLAMA_API_CONFIGS, urls.size());
    models::check_options(options);
    std::vector<config::Change> changes{
        {"ollama.base_urls", array_of(urls)},
        {"ollama.api_configs", without_moved_keys(settings(), urls, std::move(options))}};
    if (form.ENABLE_OLLAMA_API) changes.push_back({"ollama.enable", *form.ENABLE_OLLAMA_API});
    co_await store.set(std::move(changes));
    models.catalog().forget();
    co_return co_await config(me);
  }

  Task<json::Value> verify(const Admin&, Body<VerifyForm> form) {
    auto connection = models::trial(Kind::ollama, form.url, form.key.value_or(""),
                                    form.config.value_or(json::Value()));
    co_return co_await models::told_to_admin(backend.get(connection, "/api/version"));
  }

  // ---- What servers have.

  Task<json::Value> tags(const User& me, Call& call) {
    require_enabled();
    std::optional<int> place = place_of(call);
    json::Array out;
    for (const auto& base : co_await models.usable(me, Kind::ollama))
      for (const ConnectionPtr& c : base->connections)
        if (!place || c->index == *place) {
          json::Object shown = base->shown.at("ollama").as_object();
          // What one server says, or what is said of the model on all of them.
          for (std::string_view ours : {"connection_type", "urls"})
            if (place) shown.erase(ours);
          out.emplace_back(std::move(shown));
          break;
        }
    co_return json::Object{{"models", std::move(out)}};
  }

  Task<json::Value> openai_models(const User& me, Call& call) {
    json::Value native = co_await tags(me, call);
    json::Array out;
    for (const json::Value& m : *json::array_at(native, "models"))
      out.emplace_back(json::Object{{"id", json::text_at(m, "model")},
                                    {"object", "model"},
                                    {"created", 0},
                                    {"owned_by", "openai"}});
    co_return json::Object{{"data", std::move(out)}, {"object", "list"}};
  }

  Task<json::Value> running(const Admin&) {
    require_enabled();
    json::Array out;
    for (const ConnectionPtr& c : enabled()) {
      json::Value one = co_await models::told_to_admin(backend.get(c, "/api/ps"));
      if (const json::Array* list = json::array_at(one, "models"))
        for (const json::Value& m : *list) out.push_back(m);
    }
    co_return json::Object{{"models", std::move(out)}};
  }

  Task<json::Value> version(const User&, Call& call) {
    if (!settings().enable_ollama()) co_return json::Object{{"version", false}};
    co_return co_await models::told_to_admin(
        backend.get(connection_at(place_of(call).value_or(0)), "/api/version"));
  }

  // ---- What administrators do to them.

  Task<Reply> pull(const Admin& me, Call& call, json::Value body) {
    return manage(me, call, "/api/pull", std::move(body));
  }
  Task<Reply> create(const Admin& me, Call& call, json::Value body) {
    return manage(me, call, "/api/create", std::move(body));
  }
  Task<Reply> copy(const Admin& me, Call& call, json::Value body) {
    return manage(me, call, "/api/copy", std::move(body));
  }
  Task<Reply> push(const Admin& me, Call& call, json::Value body) {
    return manage(me, call, "/api/push", std::move(body));
  }
  Task<Reply> remove(const Admin& me, Call& call, json::Value body) {
    return manage(me, call, "/api/delete", std::move(body));
  }

  Task<> upload(const Admin& me, Call& call, http::Upload<FileForm> form, http::Events events) {
    require_enabled();
    ConnectionPtr c = connection_at(place_of(call).value_or(0));
    co_await files.pass_on(std::move(c), models::asker(me), std::move(form.file), events);
    models.catalog().forget();
  }
  Task<> download(const Admin& me, Call& call, Body<UrlForm> form, http::Events events) {
    require_enabled();
    ConnectionPtr c = connection_at(place_of(call).value_or(0));
    co_await files.download(std::move(c), models::asker(me), std::move(form.url), events, call.stream);
    models.catalog().forget();
  }

  Task<json::Value> unload(const Admin& me, json::Value value) {
    require_enabled();
    Target target = co_await models.resolve(me, model_in(models::object_of(std::move(value))));
    if (target.kind() != Kind::ollama)
      throw Problem(Problem::Kind::invalid, "Only models of Ollama can be unloaded.");
    json::Object body{{"model", target.upstream_id()}, {"keep_alive", 0}, {"stream", false}};
    auto request = models::with_json(backend.request(*target.connection, "/api/generate", {}), body);
    co_await models::told_to_admin(models::fetch_json(client, std::move(request)));
    co_return json::Object{{"status", true}};
  }

  // ---- Calls.

  Task<Reply> chat(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/api/chat", std::move(body));
  }
  Task<Reply> generate(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/api/generate", std::move(body));
  }
  Task<Reply> embed(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/api/embed", std::move(body));
  }
  Task<Reply> embeddings(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/api/embeddings", std::move(body));
  }
  Task<Reply> show(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/api/show", std::move(body));
  }
  Task<Reply> openai_chat(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/v1/chat/completions", std::move(body));
  }
  Task<Reply> openai_text(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/v1/completions", std::move(body));
  }
  Task<Reply> openai_responses(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/v1/responses", std::move(body));
  }
  Task<Reply> openai_embeddings(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/v1/embeddings", std::move(body));
  }
  Task<Reply> anthropic_messages(const User& me, Call& call, json::Value body) {
    return ask(me, call, "/v1/messages", std::move(body));
  }

  // ---- What they share.

  void require_enabled() const {
    if (!settings().enable_ollama())
      throw Problem(Problem::Kind::unavailable, "Ollama is switched off.");
  }

  std::vector<ConnectionPtr> enabled() const {
    std::vector<ConnectionPtr> out;
    for (ConnectionPtr& c : models::ollama_connections(settings()))
      if (c->enabled) out.push_back(c);
    return out;
  }

  ConnectionPtr connection_at(int place) const {
    auto all = models::ollama_connections(settings());
    if (static_cast<std::size_t>(place) >= all.size()) throw not_found("Connection");
    return all[static_cast<std::size_t>(place)];
  }

  /// Resolves the model before anything else, so that no path leads around its rights (row 68).
  Task<Reply> ask(User me, Call& call, std::string path, json::Value value) {
    require_enabled();
    json::Object body = models::object_of(std::move(value));
    Target target = co_await resolved(me, model_in(body), place_of(call));
    models::Asker who = models::asker(me);
    apply(body, target, who, path);
    body.erase("name");
    body["model"] = target.upstream_id();
    auto request = models::with_json(backend.request(*target.connection, path, who), body);
    co_return co_await models::pass_on(client, std::move(request), call.stream);
  }

  /// A preset's prompt and parameters, where the call has a place for them.
  static void apply(json::Object& body, const Target& target, const models::Asker& who,
                    std::string_view path) {
    if (target.params.empty()) return;
    if (path == "/v1/chat/completions") models::apply_preset(body, target, who);
    if (path != "/api/chat") return;
    json::Object shaped{{"messages", json::Array()}};
    models::apply_preset(shaped, target, who);
    json::Object preset = to_chat(std::move(shaped), target.upstream_id());
    json::Value own_options = body.contains("options") ? body["options"] : json::Value();
    if (auto options = preset.find("options"); options != preset.end())
      body["options"] = models::over(own_options, options->value());
    if (auto found = preset.find("messages"); found != preset.end() && body["messages"].is_array())
      for (const json::Value& system : found->value().as_array())
        body["messages"].as_array().insert(body["messages"].as_array().begin(), system);
    for (const auto& [key, v] : preset)
      if (key != "options" && key != "messages" && !body.contains(key)) body[key] = v;
  }

  Task<Target> resolved(User me, std::string model, std::optional<int> place) {
    if (place) co_return co_await models.resolve_at(me, model, Kind::ollama, *place);
    auto target = co_await models.find(me, model);
    if (!target && model.find(':') == std::string::npos)
      target = co_await models.find(me, model + ":latest");
    if (target && target->kind() == Kind::ollama) co_return std::move(*target);
    throw Problem(Problem::Kind::not_found, "Model not found").answering(me.admin() ? 404 : 403);
  }

  Task<Reply> manage(Admin me, Call& call, std::string path, json::Value value) {
    require_enabled();
    json::Object body = models::object_of(std::move(value));
    ConnectionPtr c = co_await place_for(me, call, body, path);
    for (const char* key : {"model", "name", "source", "destination"})
      if (json::Value* id = body.if_contains(key); id && id->is_string())
        *id = c->unprefixed(json::view(id->as_string()));
    auto request = models::with_json(backend.request(*c, path, models::asker(me)), body);
    if (path == "/api/delete") request.method = "DELETE";
    Reply reply = co_await models::pass_on(client, std::move(request), call.stream);
    models.catalog().forget();
    co_return reply;
  }

  /// Where a model is managed: the connection said, else, for what is there already, one that has it.
  Task<ConnectionPtr> place_for(Admin me, Call& call, json::Object body, std::string path) {
    std::optional<int> place = place_of(call);
    bool there = path == "/api/delete" || path == "/api/copy" || path == "/api/push";
    if (place || !there) co_return connection_at(place.value_or(0));
    std::string model =
        path == "/api/copy" ? std::string(json::text_at(json::Value(body), "source")) : model_in(body);
    Target target = co_await resolved(me, model, std::nullopt);
    co_return target.connection;
  }
};

/// Declares the route twice: as it is, and with the connection's place at its end. Handlers ask
/// place_of().
void with_place(http::Router& r, std::string method, std::string path, Cost cost, http::Options options,
                http::Endpoint endpoint) {
  r.on(method + " " + path, cost, endpoint, options);
  endpoint.path_args = 1;
  r.on(method + " " + path + "/{url_idx}", cost, std::move(endpoint), options);
}
template <auto Handler>
void with_place(http::Router& r, const Api& api, std::string method, std::string path, Cost cost,
                http::Options options) {
  with_place(r, std::move(method), std::move(path), cost, options, bind<Handler>(api));
}

void add_calls(http::Router& r, const Api& api) {
  constexpr http::Options kLarge{.body_limit = 64 << 20};
  with_place<&Api::chat>(r, api, "POST", "/ollama/api/chat", Cost::model, kLarge);
  with_place<&Api::generate>(r, api, "POST", "/ollama/api/generate", Cost::model, kLarge);
  with_place<&Api::embed>(r, api, "POST", "/ollama/api/embed", Cost::model, kLarge);
  with_place<&Api::embeddings>(r, api, "POST", "/ollama/api/embeddings", Cost::model, kLarge);
  with_place<&Api::openai_chat>(r, api, "POST", "/ollama/v1/chat/completions", Cost::model, kLarge);
  with_place<&Api::openai_text>(r, api, "POST", "/ollama/v1/completions", Cost::model, kLarge);
  with_place<&Api::openai_responses>(r, api, "POST", "/ollama/v1/responses", Cost::model, kLarge);
  with_place<&Api::openai_embeddings>(r, api, "POST", "/ollama/v1/embeddings", Cost::model, kLarge);
  with_place<&Api::anthropic_messages>(r, api, "POST", "/ollama/v1/messages", Cost::model, kLarge);
  r.on("POST /ollama/api/show", Cost::model, bind<&Api::show>(api));
}

}  // namespace

void add_routes(http::Router& r, models::Models& models, Backend& backend, client::Client& client,
                config::Store& store, std::string folder) {
  ModelFiles files(backend, client, models.parts().settings, std::move(folder));
  Api api{models, backend, client, store, files};
  for (std::string_view path : {"GET /ollama", "GET /ollama/"})
    r.on(path, Cost::free, bind<&Api::alive>(api));
  r.on("GET /ollama/config", Cost::read,
       http::answering<models::OllamaConnections>(bind<&Api::config>(api)));
  r.on("POST /ollama/config/update", Cost::write,
       http::taking<models::OllamaConnections>(
           http::answering<models::OllamaConnections>(bind<&Api::change_config>(api))));
  r.on("POST /ollama/verify", Cost::model, http::answering<models::Verified>(bind<&Api::verify>(api)));
  with_place(r, "GET", "/ollama/api/tags", Cost::read, {},
             http::answering<models::OllamaModels>(bind<&Api::tags>(api)));
  with_place<&Api::version>(r, api, "GET", "/ollama/api/version", Cost::model, {});
  with_place<&Api::openai_models>(r, api, "GET", "/ollama/v1/models", Cost::read, {});
  r.on("GET /ollama/api/ps", Cost::model, bind<&Api::running>(api));
  r.on("POST /ollama/api/unload", Cost::model, bind<&Api::unload>(api));
  r.on("POST /api/models/unload", Cost::model, bind<&Api::unload>(api));
  with_place(r, "POST", "/ollama/api/pull", Cost::model, {},
             http::taking<models::OllamaName>(bind<&Api::pull>(api)));
  with_place<&Api::create>(r, api, "POST", "/ollama/api/create", Cost::model, {});
  with_place<&Api::copy>(r, api, "POST", "/ollama/api/copy", Cost::model, {});
  with_place<&Api::push>(r, api, "DELETE", "/ollama/api/push", Cost::model, {});
  with_place(r, "DELETE", "/ollama/api/delete", Cost::model, {},
             http::taking<models::OllamaName>(bind<&Api::remove>(api)));
  with_place<&Api::download>(r, api, "POST", "/ollama/models/download", Cost::model, {});
  with_place<&Api::upload>(r, api, "POST", "/ollama/models/upload", Cost::model, {});
  add_calls(r, api);
}

}  // namespace antiphon::ollama

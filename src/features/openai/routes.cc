#include <boost/json.hpp>
#include <charconv>

#include "base/ids.h"
#include "base/problem.h"
#include "client/url.h"
#include "features/models/described.h"
#include "features/models/models.h"
#include "features/openai/anthropic.h"
#include "features/openai/dto.h"
#include "features/openai/management.h"
#include "features/openai/openai.h"
#include "features/openai/protocol.h"
#include "http/bind.h"
#include "http/described.h"
#include "http/router.h"

namespace antiphon::openai {

ANTIPHON_DTO_DEFINE(ConfigForm)
ANTIPHON_DTO_DEFINE(VerifyForm)
ANTIPHON_DTO_DEFINE(ModelOperation)
ANTIPHON_DTO_DEFINE(ModelQuery)

namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;
using models::Kind;
using models::Target;

int place_of(const std::string& text) {
  int out = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || out < 0)
    throw not_found("Connection");
  return out;
}

/// Options of connections that are there.
json::Object options_within(const json::Value& options, std::size_t count) {
  json::Object out;
  if (options.is_object())
    for (std::size_t i = 0; i != count; ++i)
      if (const json::Value* one = json::find(options, std::to_string(i)); one && one->is_object())
        out[std::to_string(i)] = *one;
  return out;
}

json::Array array_of(const std::vector<std::string>& list) {
  json::Array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

struct Api {
  models::Models& models;
  Backend& backend;
  client::Client& client;
  config::Store& store;

  const models::Settings& settings() const { return models.parts().settings; }

  // ---- Configuration.

  Task<json::Value> config(const Admin&) {
    auto moment = settings().moment();
    std::vector<std::string> urls = settings().openai_urls(*moment),
                             keys = settings().openai_keys(*moment);
    keys.resize(urls.size());
    co_return json::Object{{"ENABLE_OPENAI_API", settings().enable_openai(*moment)},
                           {"OPENAI_API_BASE_URLS", array_of(urls)},
                           {"OPENAI_API_KEYS", array_of(keys)},
                           {"OPENAI_API_CONFIGS", settings().openai_configs(*moment)}};
  }

  Task<json::Value> change_config(const Admin& me, Body<ConfigForm> form) {
    const std::vector<std::string>& urls = form.OPENAI_API_BASE_URLS;
    for (const std::string& url : urls)
      if (!url.empty()) (void)client::parse_url(url);
    std::vector<std::string> keys = models::keys_after(
        settings().openai_urls(), settings().openai_keys(), urls, form.OPENAI_API_KEYS);
    json::Object options = options_within(form.OPENAI_API_CONFIGS, urls.size());
    models::check_options(options);
    std::vector<config::Change> changes{{"openai.api_base_urls", array_of(urls)},
                                        {"openai.api_keys", array_of(keys)},
                                        {"openai.api_configs", std::move(options)}};
    if (form.ENABLE_OPENAI_API) changes.push_back({"openai.enable", *form.ENABLE_OPENAI_API});
    co_await store.set(std::move(changes));
    models.catalog().forget();
    co_return co_await config(me);
  }

  Task<json::Value> verify(const Admin&, Body<VerifyForm> form) {
    json::Object options =
        form.config && form.config->is_object() ? form.config->as_object() : json::Object();
    options.erase("model_ids");
    auto connection = models::trial(Kind::openai, form.url, form.key, options);
    co_return co_await models::told_to_admin(backend.raw_list(connection));
  }

  // ---- Models.

  Task<json::Value> list(const User& me, http::Call& call) {
    require_enabled();
    if (auto place = call.request.parameter("url_idx")) {
      if (!me.admin())
        throw Problem(Problem::Kind::forbidden, "Only administrators may do this.").answering(401);
      co_return co_await models_at(*place);
    }
    json::Array out;
    for (const auto& base : co_await models.usable(me, Kind::openai)) out.emplace_back(base->shown);
    co_return json::Object{{"data", std::move(out)}};
  }

  Task<json::Value> list_of(const Admin&, std::string place) {
    require_enabled();
    co_return co_await models_at(std::move(place));
  }
  Task<json::Value> models_at(std::string place) {
    co_return co_await models::told_to_admin(backend.raw_list(connection_at(place_of(place))));
  }

  // ---- Models of a server that manages its own.

  using What = Management::What;

  Task<json::Value> catalog(const Admin& me, std::string place) {
    co_return co_await manage(me, std::move(place), {.what = What::catalog});
  }
  Task<json::Value> download(const Admin& me, std::string place, Body<ModelOperation> form) {
    co_return co_await operate(me, std::move(place), What::download, std::move(form));
  }
  Task<json::Value> download_status(const Admin& me, std::string place, std::string job) {
    co_return co_await manage(me, std::move(place),
                              {.what = What::download_status, .job = std::move(job)});
  }
  Task<json::Value> load(const Admin& me, std::string place, Body<ModelOperation> form) {
    co_return co_await operate(me, std::move(place), What::load, std::move(form));
  }
  Task<json::Value> unload(const Admin& me, std::string place, Body<ModelOperation> form) {
    co_return co_await operate(me, std::move(place), What::unload, std::move(form));
  }
  Task<json::Value> remove(const Admin& me, std::string place, Query<ModelQuery> q) {
    co_return co_await manage(me, std::move(place), {.what = What::remove, .model = q.model});
  }
  Task<std::optional<http::Response>> events(const Admin& me, std::string place, http::Call& call) {
    models::ConnectionPtr c = managing(std::move(place));
    auto reply =
        co_await models::pass_on(client, request_of(me, *c, {.what = What::events}), call.stream);
    if (reply && reply->status >= 400)  // A provider's 401 is not ours.
      throw Problem(Problem::Kind::upstream, models::refusal(reply->status, reply->body).detail());
    co_return reply;
  }

  Task<json::Value> operate(User me, std::string place, What what, ModelOperation form) {
    co_return co_await manage(
        me, std::move(place),
        {.what = what, .model = form.model, .more = std::move(form.rest.members)});
  }
  /// Asks the server; afterwards its list of models is read anew.
  Task<json::Value> manage(User me, std::string place, Management wanted) {
    models::ConnectionPtr c = managing(std::move(place));
    wanted.model = c->unprefixed(wanted.model);
    bool changes = wanted.what != What::catalog && wanted.what != What::download_status;
    json::Value answer =
        co_await models::told_to_admin(models::fetch_json(client, request_of(me, *c, wanted)));
    if (changes) models.catalog().forget();
    co_return answer;
  }
  models::ConnectionPtr managing(std::string place) const {
    require_enabled();
    return connection_at(place_of(place));
  }
  client::Request request_of(const User& me, const models::Connection& c, const Management& wanted) {
    Errand e = errand(c, wanted);
    client::Request out = models::request_for(settings(), c, e.url, models::asker(me));
    if (e.body) out = models::with_json(std::move(out), *e.body);
    out.method = e.method;
    return out;
  }

  // ---- Calls.

  /// Text to sound. The server is OpenAI's own, where it is among the connections, else the first.
  Task<std::optional<http::Response>> speech(const User& me, http::Call& call, json::Value value) {
    require_enabled();
    co_await models.parts().access.require(me, "chat.tts", 403);
    json::Object body = models::object_of(std::move(value));
    models::ConnectionPtr c = speaking();
    models::Asker who = models::asker(me);
    std::string url =
        address(*c, "audio/speech", std::string(json::text_at(json::Value(body), "model")));
    co_return co_await models::pass_on(
        client, models::with_json(models::request_for(settings(), *c, url, who), body), call.stream);
  }
  models::ConnectionPtr speaking() const {
    models::ConnectionPtr first;
    for (const models::ConnectionPtr& c : models::openai_connections(settings())) {
      if (!c->enabled) continue;
      if (c->url.starts_with("https://api.openai.com/")) return c;
      if (!first) first = c;
    }
    if (!first) throw not_found("Connection");
    return first;
  }

  Task<std::optional<http::Response>> complete(const User& me, http::Call& call, json::Value value) {
    require_enabled();
    json::Object body = models::object_of(std::move(value));
    Target target = co_await models.resolve(me, std::string(json::text_at(json::Value(body), "model")));
    models::Asker who = models::asker(me);
    models::apply_preset(body, target, who);
    co_return co_await models.pass_on(std::move(target), std::move(body), std::move(who), call.stream);
  }

  Task<std::optional<http::Response>> responses(const User& me, http::Call& call, json::Value value) {
    require_enabled();
    co_return co_await ask_model(me, "responses", std::move(value), call);
  }

  /// Anthropic's shape, answered by whatever model is named.
  Task<std::optional<http::Response>> messages(const User& me, http::Call& call, json::Value value) {
    bool begun = false;
    try {
      co_return co_await answer_messages(me, call, std::move(value), begun);
    } catch (const Problem& p) {
      if (begun) throw;
      http::Response out =
          http::json_response(json::serialize(to_anthropic_error(p.status(), p.detail())));
      out.status = p.status();
      co_return out;
    }
  }

  Task<std::optional<http::Response>> answer_messages(User me, http::Call& call, json::Value value,
                                                      bool& begun) {
    json::Object body = from_anthropic(value);
    auto found = co_await models.find(me, std::string(json::text_at(value, "model")));
    if (!found) throw Problem(Problem::Kind::not_found, "Model not found").answering(400);
    Target target = std::move(*found);
    models::Asker who = models::asker(me);
    models::apply_preset(body, target, who);
    std::string id = "msg_" + random_hex(12), name = target.id;
    bool stream = json::bool_at(value, "stream");
    for (const char* key : {"stream", "model"}) body.erase(key);
    if (stream) body["stream_options"] = json::Object{{"include_usage", true}};
    who.on_begin = [&call](std::function<void()> close) { call.stream.on_gone(std::move(close)); };
    if (!stream) {
      json::Value whole = co_await models.complete(target, std::move(body), who);
      co_return http::json_response(json::serialize(to_anthropic(whole, name, id)));
    }
    auto chunks = co_await models.stream(target, std::move(body), who);
    begun = true;
    co_await send_events(AnthropicEvents(id, name), *chunks, call.stream);
    co_return std::nullopt;
  }

  static Task<> send_events(AnthropicEvents events, models::ChunkStream& chunks, http::Stream& out) {
    http::Events lines(out);
    co_await lines.raw(events.begin());
    std::string last;
    try {
      while (auto chunk = co_await chunks.next())
        if (std::string text = events.take(*chunk); !text.empty()) co_await lines.raw(text);
      last = events.end();
    } catch (const Problem& p) {
      last =
          "event: error\ndata: " + json::serialize(to_anthropic_error(p.status(), p.detail())) + "\n\n";
    }
    co_await lines.raw(last);
  }

  Task<json::Value> count_tokens(const User&, json::Value body) {
    co_return json::Object{{"input_tokens", estimated_tokens(body)}};
  }

  /// Ollama speaks this one of OpenAI's too.
  Task<std::optional<http::Response>> embeddings(const User& me, http::Call& call, json::Value value) {
    co_return co_await ask_model(me, "embeddings", std::move(value), call);
  }

  Task<std::optional<http::Response>> pass_through(const User& me, std::string path, http::Call& call) {
    if (!settings().openai_passthrough())
      throw Problem(
          Problem::Kind::forbidden,
          "Other paths of model servers are not passed on: ENABLE_OPENAI_API_PASSTHROUGH is not set.");
    require_enabled();
    json::Value body = json::try_parse(call.request.body).value_or(json::Value());
    models::ConnectionPtr connection = connection_at(0);
    std::string_view model = json::text_at(body, "model");
    if (!model.empty()) {
      Target target = co_await models.resolve(me, std::string(model));
      if (target.kind() == Kind::openai) connection = target.connection;
      body.as_object()["model"] = target.upstream_id();
    } else if (!me.admin()) {
      throw Problem(Problem::Kind::forbidden, "A model must be named.");
    }
    std::string url = connection->url + models::encoded_path(path, call.request);
    client::Request request = models::request_for(settings(), *connection, url, models::asker(me));
    if (body.is_object()) request = models::with_json(std::move(request), body);
    request.method = call.request.method;
    co_return co_await models::pass_on(client, std::move(request), call.stream);
  }

  // ---- What they share.

  void require_enabled() const {
    if (!settings().enable_openai())
      throw Problem(Problem::Kind::unavailable, "OpenAI-compatible connections are switched off.");
  }

  models::ConnectionPtr connection_at(int place) const {
    auto all = models::openai_connections(settings());
    if (static_cast<std::size_t>(place) >= all.size()) throw not_found("Connection");
    return all[static_cast<std::size_t>(place)];
  }

  Task<std::optional<http::Response>> ask(const Target& target, std::string path, json::Object body,
                                          models::Asker who, http::Call& call) {
    const models::Connection& c = *target.connection;
    prepare(body, c, target.upstream_id());
    std::string url =
        target.kind() == Kind::ollama ? c.url + "/v1/" + path : address(c, path, target.upstream_id());
    co_return co_await models::pass_on(
        client, models::with_json(models::request_for(settings(), c, url, who), body), call.stream);
  }

  Task<std::optional<http::Response>> ask_model(const User& me, std::string path, json::Value value,
                                                http::Call& call) {
    json::Object body = models::object_of(std::move(value));
    Target target = co_await models.resolve(me, std::string(json::text_at(json::Value(body), "model")));
    if (!target.connection) throw Problem(Problem::Kind::invalid, "This model cannot do that.");
    co_return co_await ask(target, path, std::move(body), models::asker(me), call);
  }
};

}  // namespace

void add_routes(http::Router& r, models::Models& models, Backend& backend, client::Client& client,
                config::Store& store) {
  Api api{models, backend, client, store};
  constexpr http::Options kLarge{.body_limit = 64 << 20};

  r.on("GET /openai/config", Cost::read,
       http::answering<models::OpenAIConnections>(bind<&Api::config>(api)));
  r.on("POST /openai/config/update", Cost::write,
       http::taking<models::OpenAIConnections>(
           http::answering<models::OpenAIConnections>(bind<&Api::change_config>(api))));
  r.on("POST /openai/verify", Cost::model, http::answering<models::Verified>(bind<&Api::verify>(api)));
  r.on("GET /openai/models", Cost::read, bind<&Api::list>(api));
  r.on("GET /openai/models/{url_idx}", Cost::read, bind<&Api::list_of>(api));
  r.on("DELETE /openai/models/{url_idx}", Cost::model, bind<&Api::remove>(api));
  r.on("GET /openai/models/{url_idx}/catalog", Cost::read, bind<&Api::catalog>(api));
  r.on("POST /openai/models/{url_idx}/download", Cost::model, bind<&Api::download>(api));
  r.on("GET /openai/models/{url_idx}/download/status/{job_id}", Cost::read,
       bind<&Api::download_status>(api));
  r.on("POST /openai/models/{url_idx}/load", Cost::model, bind<&Api::load>(api));
  r.on("POST /openai/models/{url_idx}/unload", Cost::model, bind<&Api::unload>(api));
  r.on("GET /openai/models/{url_idx}/sse", Cost::model, bind<&Api::events>(api));
  r.on("POST /openai/audio/speech", Cost::model, bind<&Api::speech>(api));
  r.on("POST /openai/chat/completions", Cost::model, bind<&Api::complete>(api), kLarge);
  r.on("POST /openai/responses", Cost::model, bind<&Api::responses>(api), kLarge);
  r.on("POST /openai/embeddings", Cost::model, bind<&Api::embeddings>(api), kLarge);
  r.on("POST /api/embeddings", Cost::model, bind<&Api::embeddings>(api), kLarge);
  r.on("POST /api/v1/embeddings", Cost::model, bind<&Api::embeddings>(api), kLarge);
  for (std::string path : {"/api/v1/messages", "/api/message"}) {
    r.on("POST " + path, Cost::model, bind<&Api::messages>(api), kLarge);
    r.on("POST " + path + "/count_tokens", Cost::read, bind<&Api::count_tokens>(api), kLarge);
  }
  for (std::string method : {"GET", "POST", "PUT", "DELETE"})
    r.on(method + " /openai/{path...}", Cost::model, bind<&Api::pass_through>(api), kLarge);
}

}  // namespace antiphon::openai

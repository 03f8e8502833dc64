#include "realtime/endpoint.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "base/async.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/log.h"
#include "http/bind.h"
#include "realtime/core.h"
#include "realtime/engine.h"
#include "realtime/origin.h"

namespace antiphon::realtime {
namespace {

using engineio::Refusal;
using http::Response;

constexpr std::size_t kMaxPolledBody = 1'000'000;

Response refuse(Refusal refusal, std::string_view message = {}) {
  return {.status = refusal == Refusal::forbidden ? 403 : 400,
          .body = engineio::refusal_json(refusal, message)};
}

Response text(std::string body) {
  Response response{.type = "text/plain; charset=UTF-8", .body = std::move(body)};
  response.header("Cache-Control", "no-store");
  return response;
}

}  // namespace

struct Endpoint::Impl : std::enable_shared_from_this<Impl> {
  Impl(std::shared_ptr<Core> c, EndpointOptions o)
      : core(std::move(c)), options(std::move(o)), origins(options.allow_origins) {}

  std::optional<Response> refuse_request(const http::Request& request,
                                         std::string_view transport) const;
  std::optional<Response> refuse_origin(const http::Request& request) const;
  std::string cookie_token(const http::Request& request) const;
  std::shared_ptr<Engine> open(const http::Request& request);
  std::shared_ptr<Engine> find(const http::Request& request);
  void forget(const std::string& sid);
  Task<Response> elsewhere(const http::Request& request);
  Task<> run(std::shared_ptr<http::Request> request, std::shared_ptr<http::WebSocket> socket);
  Task<> tick();

  const std::shared_ptr<Core> core;
  const EndpointOptions options;
  const OriginCheck origins;
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<Engine>> engines;  ///< Guarded by mutex.
  bool ticking = false;                                              ///< Guarded by mutex.
};

/// The polling handlers.
struct Endpoint::Api {
  std::shared_ptr<Impl> endpoint;

  Task<Response> poll(Anyone, http::Call& call);
  Task<Response> post(Anyone, http::Call& call);
};

std::optional<Response> Endpoint::Impl::refuse_origin(const http::Request& request) const {
  if (origins.judge(request) != OriginCheck::Verdict::foreign) return std::nullopt;
  std::string_view origin = request.headers.get("Origin");
  std::string cure = origins.cure(origin);
  ++core->counters.refused;
  log::warn("A page of another origin was refused its socket", {{"origin", origin}, {"set", cure}});
  return refuse(Refusal::forbidden, "Pages of " + std::string(origin) +
                                        " may not connect to this server. If they should, set " + cure +
                                        " and restart it.");
}

std::optional<Response> Endpoint::Impl::refuse_request(const http::Request& request,
                                                       std::string_view transport) const {
  if (core->ending) {
    Response going{
        .status = 503,
        .body = engineio::refusal_json(Refusal::bad_request, "The server is being restarted.")};
    going.header("Retry-After", "1");
    return going;
  }
  if (auto refused = refuse_origin(request)) return refused;
  auto once = [&](std::string_view name) { return request.query.count(name) <= 1; };
  if (!once("EIO") || !once("transport") || !once("sid")) return refuse(Refusal::bad_request);
  if (request.parameter("transport") != transport) return refuse(Refusal::unknown_transport);
  if (transport == "websocket" ? !options.websocket : !options.polling)
    return refuse(Refusal::unknown_transport,
                  "This server does not take the transport " + std::string(transport) + ".");
  if (request.parameter("EIO") != "4") return refuse(Refusal::unsupported_version);
  return std::nullopt;
}

std::string Endpoint::Impl::cookie_token(const http::Request& request) const {
  if (origins.judge(request) != OriginCheck::Verdict::own) return {};
  return request.own_cookie(options.token_cookie).value_or("");
}

std::shared_ptr<Engine> Endpoint::Impl::open(const http::Request& request) {
  std::string prefix = options.forward ? options.forward->prefix() : std::string();
  auto engine = std::make_shared<Engine>(prefix + base64url(random_bytes(15)), core);
  engine->open(request.remote, cookie_token(request));
  bool first = false;
  {
    std::scoped_lock lock(mutex);
    engines.emplace(engine->sid(), engine);
    first = !std::exchange(ticking, true);
  }
  if (first)
    core->scope.start(core->loops.at(0), "socket pings",
                      [self = shared_from_this()]() -> Task<> { return self->tick(); });
  return engine;
}

std::shared_ptr<Engine> Endpoint::Impl::find(const http::Request& request) {
  std::scoped_lock lock(mutex);
  auto at = engines.find(request.parameter("sid").value_or(""));
  return at == engines.end() ? nullptr : at->second;
}

void Endpoint::Impl::forget(const std::string& sid) {
  std::scoped_lock lock(mutex);
  engines.erase(sid);
}

/// A session that is not here: another replica's, or nobody's.
Task<Response> Endpoint::Impl::elsewhere(const http::Request& request) {
  std::optional<Response> answer;
  if (options.forward) answer = co_await options.forward->pass_on(request, options.path + "/");
  co_return answer ? std::move(*answer) : refuse(Refusal::unknown_sid);
}

Task<> Endpoint::Impl::run(std::shared_ptr<http::Request> request,
                           std::shared_ptr<http::WebSocket> socket) {
  auto self = shared_from_this();
  if (request->parameter("sid")) {
    socket->limit_messages(core->options.waiting_message_bytes);
    auto engine = find(*request);
    request.reset();
    if (engine) {
      co_await engine->run_upgrade(std::move(socket));
    } else {
      socket->close(1008, "Session ID unknown");
    }
    co_return;
  }
  auto engine = open(*request);
  request.reset();  // Not needed for hours to come.
  co_await engine->run(std::move(socket));
  forget(engine->sid());
}

Task<> Endpoint::Impl::tick() {
  auto self = shared_from_this();
  auto pause =
      std::min<std::chrono::milliseconds>(std::chrono::seconds(1), core->options.ping_interval / 4);
  do {
    std::vector<std::shared_ptr<Engine>> all;
    {
      std::scoped_lock lock(mutex);
      for (const auto& [sid, engine] : engines) all.push_back(engine);
    }
    auto now = Clock::now();
    for (const auto& engine : all)
      if (!engine->tick(now)) forget(engine->sid());
    all.clear();
  } while (!co_await core->stopping.until([this] { return core->hung_up.load(); }, pause));
  // A WebSocket's end tells its link; a polling session, whose client would come to a 503, has no other
  // end than this.
  std::unordered_map<std::string, std::shared_ptr<Engine>> left;
  {
    std::scoped_lock lock(mutex);
    left.swap(engines);
  }
  for (const auto& [sid, engine] : left)
    if (engine->polling())
      if (auto link = engine->let_go()) link->on_closed();
}

Task<Response> Endpoint::Api::poll(Anyone, http::Call& call) {
  if (auto refused = endpoint->refuse_request(call.request, "polling")) co_return std::move(*refused);
  if (!call.request.parameter("sid")) {
    auto engine = endpoint->open(call.request);
    const HubOptions& options = endpoint->core->options;
    co_return text(engineio::open_packet({.sid = engine->sid(),
                                          .may_upgrade = endpoint->options.websocket,
                                          .ping_interval_ms = options.ping_interval.count(),
                                          .ping_timeout_ms = options.ping_timeout.count(),
                                          .max_payload = kMaxPolledBody}));
  }
  auto engine = endpoint->find(call.request);
  if (!engine) co_return co_await endpoint->elsewhere(call.request);
  auto body = co_await engine->poll();
  if (!body) co_return refuse(Refusal::bad_request);
  co_return text(std::move(*body));
}

Task<Response> Endpoint::Api::post(Anyone, http::Call& call) {
  if (auto refused = endpoint->refuse_request(call.request, "polling")) co_return std::move(*refused);
  if (!call.request.parameter("sid")) co_return refuse(Refusal::bad_method);
  auto engine = endpoint->find(call.request);
  if (!engine) co_return co_await endpoint->elsewhere(call.request);
  if (!co_await engine->take(std::move(call.request.body))) co_return refuse(Refusal::bad_request);
  co_return text("ok");
}

Endpoint::Endpoint(Hub& hub, EndpointOptions options)
    : impl_(std::make_shared<Impl>(hub.core(), std::move(options))) {}
Endpoint::~Endpoint() = default;

void Endpoint::add_routes(http::Router& router) {
  Api api{impl_};
  for (const std::string& path : {impl_->options.path, impl_->options.path + "/"}) {
    router.on("GET " + path, http::Cost::free, http::bind<&Api::poll>(api),
              {.summary = "Socket.IO by polling: waits for packets"});
    router.on("POST " + path, http::Cost::free, http::bind<&Api::post>(api),
              {.body_limit = kMaxPolledBody, .summary = "Socket.IO by polling: takes packets"});
  }
}

http::SocketEndpoint Endpoint::socket_endpoint() {
  http::SocketEndpoint out;
  out.admit = [impl = impl_](http::Call& call) -> std::optional<Response> {
    if (auto refused = impl->refuse_request(call.request, "websocket")) return refused;
    if (call.request.parameter("sid") && !impl->find(call.request)) return refuse(Refusal::unknown_sid);
    return std::nullopt;
  };
  out.run = [impl = impl_](std::shared_ptr<http::Request> request,
                           std::shared_ptr<http::WebSocket> socket) {
    return impl->run(std::move(request), std::move(socket));
  };
  return out;
}

void Endpoint::add_sockets(http::Server& server) {
  server.on_socket(impl_->options.path, socket_endpoint());
  server.on_socket(impl_->options.path + "/", socket_endpoint());
}

}  // namespace antiphon::realtime

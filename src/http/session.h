#pragma once

#include <string>
#include <utility>

#include "base/log.h"
#include "http/session_io.h"
#include "http/upgrade.h"
#include "http/wire.h"

/// Requests and answers of one HTTP/1.1 connection. A template, because a socket with TLS has another
/// type; included only by session_plain.cc and session_tls.cc.
namespace antiphon::http {

template <class Socket>
class Session final : public Stream {
 public:
  Session(Socket socket, Arrival arrival)
      : arrival_(std::move(arrival)),
        core_(*arrival_.core),
        io_(std::move(socket), arrival_.loop, core_.options),
        scanner_(core_.head_limits) {}

  /// Serves requests until the connection ends, or until it is to become a WebSocket.
  Task<std::optional<Upgrade>> run() {
    bool more = co_await io_.open();
    while (more && !upgrade_) {
      std::optional<Head> head = co_await next_head();
      more = head && co_await answer(std::move(*head));
    }
    if (!upgrade_ && linger_) co_await io_.linger();
    co_return std::move(upgrade_);
  }

  Socket&& take_socket() { return io_.take_socket(); }
  Arrival&& take_arrival() { return std::move(arrival_); }

  Task<> begin(Response head) override {
    begun_ = true;
    is_events_ = head.type.starts_with("text/event-stream");
    left_ = head.length;
    for (auto& header : *extra_headers_) head.headers.push_back(std::move(header));
    extra_headers_->clear();
    write_head(io_.out, head, framing(true));
    co_await send_or_throw();
  }
  Task<> write(std::string_view bytes) override {
    if (bytes.empty() || head_only_) co_return;
    if (left_) {
      bytes = bytes.substr(0, *left_);
      *left_ -= bytes.size();
    }
    if (left_ || minor_ == 0) {
      io_.out += bytes;
    } else {
      io_.out.append(chunk_head(bytes.size())).append(bytes).append("\r\n");
    }
    co_await send_or_throw();
  }
  bool gone() const override { return io_.gone(); }
  void on_gone(std::function<void()> then) override { io_.on_gone(std::move(then)); }

 private:
  using Phase = typename SessionIo<Socket>::Phase;
  static constexpr std::size_t kSmallBody = 64 * 1024;  ///< Read and dropped rather than hung up on.
  static constexpr std::size_t kMostQueued = 64 * 1024;
  static constexpr int kMostPipelined = 16;  ///< Answers that wait for one write (row 109).

  /// The next header block; nothing when the connection is over.
  Task<std::optional<Head>> next_head() {
    scanner_.restart();
    await_request();
    for (;;) {
      auto end = scanner_.scan(io_.in.view());
      if (!end) {
        co_await refuse(end.error());
        co_return std::nullopt;
      }
      if (*end) {
        auto head = read_head(io_.in.view().substr(0, **end), core_.head_limits);
        io_.in.consume(**end);
        if (head) co_return std::move(*head);
        co_await refuse(head.error());
        co_return std::nullopt;
      }
      if (!io_.out.empty() && !co_await send()) co_return std::nullopt;
      if (!co_await io_.fill()) co_return std::nullopt;
      if (io_.phase() == Phase::idle) io_.enter(Phase::reading, core_.options.header_timeout);
    }
  }

  void await_request() {
    const ServerOptions& options = core_.options;
    if (!io_.in.empty()) return io_.enter(Phase::reading, options.header_timeout);
    io_.enter(Phase::idle, served_ == 0 ? options.header_timeout : options.keep_alive_timeout);
  }

  // --- one request

  /// Answers one request; false when the connection must not go on.
  Task<bool> answer(Head head) {
    started_ = Clock::now();
    ++served_;
    Request request;
    keep_alive_ = head.keep_alive;
    minor_ = head.minor;
    head_only_ = head.method == "HEAD";
    begun_ = false;
    route_ = nullptr;
    if (auto refusal = take_request(head, request)) {
      co_await refuse(*refusal);
      co_return false;
    }
    cors_ = cors_lines(request, core_.options.allow_origins);
    Call call{.request = request, .stream = *this, .caller = {}};
    extra_headers_ = &call.extra_headers;
    std::optional<Response> reply;
    try {
      reply = co_await serve(head, call);
    } catch (const ClientGone&) {
      io_.lose();
    }
    io_.on_gone(nullptr);
    if (upgrade_) co_return true;
    int status = reply ? reply->status : 200;
    bool sent = co_await finish(std::move(reply), request);
    if (core_.meters) core_.meters->note(route_, status, Clock::now() - started_);
    extra_headers_ = nullptr;
    body_share_.release();
    co_return sent&& keep_alive_;
  }

  std::optional<Refusal> take_request(Head& head, Request& request) {
    request_id_ = arrival_.loop->next_request_id();
    if (auto refusal = read_target(head.target, request)) return refusal;
    request.method = std::move(head.method);
    request.headers = std::move(head.fields);
    core_.peers.settle(request, arrival_.ticket.peer(), arrival_.peer_text, io_.kTls);
    if (std::string_view given = request.headers.get("x-request-id"); is_request_id(given))
      request_id_ = given;
    request.id = request_id_;
    request.origin = classify_origin(request, core_.options.allow_origins);
    return std::nullopt;
  }

  /// Nothing: the handler streamed, or the connection becomes a WebSocket, or the client has gone.
  Task<std::optional<Response>> serve(const Head& head, Call& call) {
    Request& request = call.request;
    if (auto preflight = answer_preflight(request, core_.options.allow_origins)) co_return preflight;
    if (head.wants_websocket)
      if (const SocketEndpoint* endpoint = socket_at(request.path))
        co_return co_await admit(*endpoint, call);
    std::string allow;
    const Route* route = core_.router.find(call, &allow);
    route_ = route;
    if (!route) {
      co_await skip_body(head);
      co_return without_route(request, allow);
    }
    if (head.has_body()) {
      std::optional<std::string> boundary;
      if (route->endpoint.form) boundary = form_boundary(request.headers.get("content-type"));
      std::optional<Response> refused;
      if (boundary)
        refused = co_await receive_form(head, *route, call, *boundary);
      else
        refused = co_await receive(head, *route, call);
      if (refused) co_return refused;
      if (io_.lost()) co_return std::nullopt;
    }
    io_.enter_serving();
    if (auto failed = co_await identify(call)) co_return failed;
    co_return co_await core_.router.serve(*route, call);
  }

  Response without_route(const Request& request, const std::string& allow) {
    if (allow.empty() && core_.site && (request.method == "GET" || request.method == "HEAD"))
      if (auto page = core_.site->serve(request)) return std::move(*page);
    return Router::no_route(allow);
  }

  /// Fills request.body; a response when it is not taken.
  Task<std::optional<Response>> receive(const Head& head, const Route& route, Call& call) {
    std::size_t limit = route.options.body_limit;
    if (head.content_length.value_or(0) > limit) co_return hang_up(413, "The body is too large.");
    if (head.chunked || *head.content_length > kSmallBody) {
      // Nobody makes us hold much before we know that they may.
      if (auto failed = co_await identify(call)) co_return hang_up(std::move(*failed));
      if (auto refused = core_.router.refuse_caller(route, call))
        co_return hang_up(std::move(*refused));
      auto share = core_.share_body(head.content_length.value_or(limit));
      if (!share) co_return hang_up(503, "Too many large requests at once. Try again.");
      body_share_ = std::move(*share);
    }
    co_return co_await read_in(head, limit, call.request.body);
  }

  /// Fills call.form; a response when it is not taken.
  Task<std::optional<Response>> receive_form(const Head& head, const Route& route, Call& call,
                                             std::string boundary) {
    constexpr std::uint64_t kBeside = 1 << 20;  // For the form's other parts.
    // Nothing is stored for whom we do not know.
    if (auto failed = co_await identify(call)) co_return hang_up(std::move(*failed));
    if (auto failed = core_.router.refuse_caller(route, call)) co_return hang_up(std::move(*failed));
    FileLimit limit;
    if (auto failed = co_await attempt(
            call, [&]() -> Task<> { limit = co_await route.endpoint.file_limit(call.caller); }))
      co_return hang_up(std::move(*failed));
    std::uint64_t most = limit.bytes + kBeside;
    if (head.content_length.value_or(0) > most) co_return hang_up(413, limit.beyond);
    FormReader form(boundary, core_.options.upload_folder, std::move(limit));
    std::string piece;
    auto refused = co_await read_in(head, most, piece, &form);
    call.form = form.form();
    co_return refused;
  }

  /// Reads the body once it may come; a response when it is not sound.
  Task<std::optional<Response>> read_in(const Head& head, std::uint64_t limit, std::string& body,
                                        FormReader* form = nullptr) {
    if (head.expects_continue && io_.in.empty()) {
      io_.out += "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await send()) co_return std::nullopt;
    }
    auto refusal = co_await io_.read_body(head, limit, body, form);
    if (!refusal) co_return std::nullopt;
    if (refusal->status == 0) {
      io_.lose();
      co_return std::nullopt;
    }
    co_return hang_up(refusal->status, refusal->detail);
  }

  /// Reads a small body nobody wants, so that the connection can go on; else gives it up.
  Task<> skip_body(const Head& head) {
    if (!head.has_body()) co_return;
    bool small = !head.chunked && *head.content_length <= kSmallBody && !head.expects_continue;
    std::string dropped;
    if (!small || co_await io_.read_body(head, kSmallBody, dropped)) {
      keep_alive_ = false;
      linger_ = true;
    }
  }

  /// Finds out who calls; a response when that fails.
  Task<std::optional<Response>> identify(Call& call) {
    co_return co_await attempt(
        call, [&]() -> Task<> { call.caller = co_await core_.identify(call.request); });
  }

  /// Runs `work`; a response when it throws.
  template <class Work>
  Task<std::optional<Response>> attempt(Call& call, Work work) {
    std::exception_ptr failure;
    try {
      co_await work();
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) co_return std::nullopt;
    co_return failure_response(failure, call.request);
  }

  const SocketEndpoint* socket_at(std::string_view path) const {
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    auto found = core_.sockets.find(path);
    return found == core_.sockets.end() ? nullptr : &found->second;
  }

  /// Decides on an upgrade; a response when it is refused.
  Task<std::optional<Response>> admit(const SocketEndpoint& endpoint, Call& call) {
    const Headers& headers = call.request.headers;
    if (headers.get("sec-websocket-version") != "13")
      co_return detail_response(426, "This server speaks version 13 of the WebSocket protocol.")
          .header("Sec-WebSocket-Version", "13");
    if (headers.get("sec-websocket-key").size() != 24)
      co_return detail_response(400, "Sec-WebSocket-Key is missing or wrong.");
    if (core_.draining) co_return hang_up(503, "The server is being stopped.");
    io_.enter_serving();
    if (auto failed = co_await identify(call)) co_return failed;
    if (auto refused = endpoint.admit(call)) co_return refused;
    if (!io_.out.empty() && !co_await send()) co_return std::nullopt;
    upgrade_.emplace(Upgrade{.request = std::make_shared<Request>(std::move(call.request)),
                             .endpoint = &endpoint,
                             .headers = std::move(call.extra_headers),
                             .early = std::string(io_.in.view())});
    co_return std::nullopt;
  }

  // --- answering

  Framing framing(bool streams) {
    if (core_.leaving || core_.draining) keep_alive_ = false;
    if (streams && minor_ == 0) keep_alive_ = false;
    return {.minor = minor_,
            .keep_alive = keep_alive_,
            .head_only = head_only_,
            .streams = streams,
            .tls = io_.kTls,
            .date = arrival_.loop->date(),
            .request_id = request_id_,
            .took = Clock::now() - started_,
            .cors = cors_};
  }

  Response hang_up(Response response) {
    keep_alive_ = false;
    linger_ = true;
    return response;
  }
  Response hang_up(int status, std::string_view detail) {
    return hang_up(detail_response(status, detail));
  }

  /// Sends what a handler returned, or ends what it streamed; false when the client is gone.
  Task<bool> finish(std::optional<Response> reply, const Request& request) {
    io_.enter_serving();
    if (io_.lost()) co_return false;
    if (begun_) co_return co_await end_stream(std::move(reply));
    if (!reply)
      reply = Response{.body = "null"};  // A handler that returns nothing, as FastAPI says it.
    note(request, reply->status);
    Framing frame = framing(false);
    write_head(io_.out, *reply, frame);
    std::string_view body = carries_body(*reply, frame) ? body_of(*reply) : std::string_view{};
    if (body.size() > io_.kInline) co_return co_await send(body);
    io_.out += body;
    // The answers to requests that are here already leave together.
    bool wait =
        keep_alive_ && !io_.in.empty() && ++queued_ < kMostPipelined && io_.out.size() < kMostQueued;
    if (wait) co_return true;
    co_return co_await send();
  }

  Task<bool> end_stream(std::optional<Response> failure) {
    if (failure) {
      keep_alive_ = false;
      if (!is_events_) co_return false;  // Cut off, so that nobody takes a part for the whole.
      std::string event = error_event(*failure);
      if (!head_only_) io_.out += minor_ == 0 ? event : chunk_head(event.size()) + event + "\r\n";
    }
    if (left_.value_or(0) && !head_only_) co_return false;  // The same.
    if (!left_ && minor_ == 1 && !head_only_) io_.out += "0\r\n\r\n";
    co_return io_.out.empty() || co_await send();
  }

  /// Answers what was never a request, and closes.
  Task<> refuse(Refusal refusal) {
    keep_alive_ = false;
    linger_ = true;
    started_ = Clock::now();
    cors_.clear();
    head_only_ = false;
    if (request_id_.empty()) request_id_ = arrival_.loop->next_request_id();
    Response response = detail_response(refusal.status, refusal.detail);
    if (refusal.status == 405) response.header("Allow", std::string(kMethods));
    if (refusal.status == 415) response.header("Accept-Encoding", "identity");
    write_head(io_.out, response, framing(false));
    io_.out += response.body;
    (void)co_await send();  // Closed next, whether it arrived or not.
  }

  void note(const Request& request, int status) {
    if (!log::enabled(log::Level::debug)) return;
    log::debug("Answered", {{"request", request.id},
                            {"method", request.method},
                            {"path", request.path},
                            {"status", status},
                            {"remote", request.remote}});
  }

  Task<bool> send(std::string_view more = {}) {
    queued_ = 0;
    co_return (more.empty() && io_.try_send()) || co_await io_.send(more);
  }
  Task<> send_or_throw() {
    if (io_.lost() || !co_await send()) throw ClientGone();
  }

  Arrival arrival_;
  Core& core_;
  mutable SessionIo<Socket> io_;  ///< Asking whether the client is gone is a system call.
  HeadScanner scanner_;
  std::optional<Upgrade> upgrade_;
  int served_ = 0;
  int queued_ = 0;  ///< Answers in io_.out.

  // Of the request being answered.
  const Route* route_ = nullptr;
  BodyShare body_share_;
  Clock::time_point started_{};
  std::string request_id_;
  std::string cors_;
  std::vector<std::pair<std::string, std::string>>* extra_headers_ = nullptr;
  int minor_ = 1;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool begun_ = false;
  bool is_events_ = false;
  std::optional<std::uint64_t> left_;  ///< Of a stream that has said its length.
  bool linger_ = false;
};

/// Serves one connection from its first byte to its last, or to its upgrade.
template <class Socket>
Task<> serve_connection(Socket socket, Arrival arrival) {
  auto session = std::make_unique<Session<Socket>>(std::move(socket), std::move(arrival));
  std::optional<Upgrade> upgrade = co_await session->run();
  if (upgrade) start_websocket(session->take_socket(), session->take_arrival(), std::move(*upgrade));
}

/// What a connection's coroutine ends with; its failures are not the client's to see.
inline void note_end(std::exception_ptr failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    log::error("A connection failed", {{"error", error.what()}});
  }
}

}  // namespace antiphon::http

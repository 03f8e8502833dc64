#pragma once

#include <poll.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <string>
#include <utility>

#include "base/log.h"
#include "http/chunked.h"
#include "http/core.h"
#include "http/upgrade.h"
#include "http/wire.h"

/// One HTTP/1.1 connection. A template, because a socket with TLS has another type; included only
/// by session_plain.cc and session_tls.cc.
namespace antiphon::http {

namespace asio = boost::asio;

/// Bytes read and not yet used. Grows to what a header block may take, no further.
class InputBuffer {
 public:
  std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t size) { begin_ += size; }
  bool empty() const { return begin_ == end_; }
  void commit(std::size_t size) { end_ += size; }

  asio::mutable_buffer room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == bytes_.size() && begin_ > 0) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == bytes_.size()) bytes_.resize(bytes_.empty() ? kFirst : bytes_.size() * 2);
    return {bytes_.data() + end_, bytes_.size() - end_};
  }

 private:
  static constexpr std::size_t kFirst = 2048;
  std::vector<char> bytes_;
  std::size_t begin_ = 0, end_ = 0;
};

/// What differs between plain TCP and TLS: `open` prepares a fresh socket and is false when that
/// fails, `shut` says that nothing more will be sent.
template <class Socket>
struct Transport;

template <>
struct Transport<TcpSocket> {
  static constexpr bool kTls = false;
  static Task<bool> open(TcpSocket& socket) {
    boost::system::error_code error;
    socket.non_blocking(true, error);
    co_return !error;
  }
  static Task<> shut(TcpSocket& socket) {
    boost::system::error_code ignored;  // The client may have closed.
    socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    co_return;
  }
};

template <class Socket>
class Session final : public Connection, public Stream {
 public:
  Session(Socket socket, Arrival arrival)
      : socket_(std::move(socket)),
        arrival_(std::move(arrival)),
        core_(*arrival_.core),
        scanner_(core_.head_limits) {
    join(arrival_.loop);
  }

  /// Serves requests until the connection ends, or until it is to become a WebSocket.
  Task<std::optional<Upgrade>> run() {
    bool more = co_await begin_connection();
    while (more && !upgrade_) {
      std::optional<Head> head = co_await read_head_block();
      more = head && co_await answer(std::move(*head));
    }
    if (!upgrade_ && linger_) co_await linger();
    co_return std::move(upgrade_);
  }

  Socket&& take_socket() { return std::move(socket_); }
  Arrival&& take_arrival() { return std::move(arrival_); }

  void tick(Clock::time_point now, bool draining) override {
    if (now >= deadline_ || (draining && phase_ == Phase::idle)) return abort();
    if (then_gone_ && gone()) std::exchange(then_gone_, nullptr)();
  }
  void abort() override {
    boost::system::error_code ignored;  // Closing twice is no harm.
    socket_.lowest_layer().close(ignored);
  }

  Task<> begin(Response head) override {
    begun_ = true;
    is_events_ = head.type.starts_with("text/event-stream");
    for (auto& header : *extra_headers_) head.headers.push_back(std::move(header));
    extra_headers_->clear();
    write_head(out_, head, framing(head, true));
    co_await send_or_throw({});
  }
  Task<> write(std::string_view bytes) override {
    if (bytes.empty() || head_only_) co_return;
    if (minor_ == 0) {
      out_ += bytes;
    } else {
      out_.append(chunk_head(bytes.size())).append(bytes).append("\r\n");
    }
    co_await send_or_throw({});
  }
  bool gone() const override {
    if (gone_) return true;
    auto& lowest = const_cast<Socket&>(socket_).lowest_layer();
    if (!lowest.is_open()) return true;
    pollfd state{.fd = lowest.native_handle(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }
  void on_gone(std::function<void()> then) override { then_gone_ = std::move(then); }

 private:
  enum class Phase {
    idle,     ///< Between requests.
    reading,  ///< Inside a header or body.
    serving,  ///< A handler runs; no deadline but its own.
  };
  static constexpr std::size_t kSmallBody = 64 * 1024;  ///< Read and dropped rather than hung up on.
  static constexpr std::size_t kInline = 16 * 1024;  ///< Bodies that go out behind their head at once.
  static constexpr std::size_t kMostQueued = 64 * 1024;
  static constexpr int kMostPipelined = 16;  ///< Answers that wait for one write (row 109).

  // --- reading

  Task<bool> begin_connection() {
    enter(Phase::reading, core_.options.header_timeout);
    co_return co_await Transport<Socket>::open(socket_);
  }

  /// The next header block; nothing when the connection is over.
  Task<std::optional<Head>> read_head_block() {
    scanner_.restart();
    enter(in_.empty() && served_ > 0 ? Phase::idle : Phase::reading,
          in_.empty() && served_ > 0 ? core_.options.keep_alive_timeout : core_.options.header_timeout);
    for (;;) {
      auto end = scanner_.scan(in_.view());
      if (!end) {
        co_await refuse(end.error());
        co_return std::nullopt;
      }
      if (*end) {
        auto head = read_head(in_.view().substr(0, **end), core_.head_limits);
        in_.consume(**end);
        if (head) co_return std::move(*head);
        co_await refuse(head.error());
        co_return std::nullopt;
      }
      if (!out_.empty() && !co_await send({})) co_return std::nullopt;
      if (!co_await fill()) co_return std::nullopt;
      if (phase_ == Phase::idle) enter(Phase::reading, core_.options.header_timeout);
    }
  }

  /// Reads what has come; false when nothing more will.
  Task<bool> fill() {
    auto [error, size] =
        co_await socket_.async_read_some(in_.room(), asio::as_tuple(asio::use_awaitable));
    in_.commit(size);
    if (error) gone_ = true;
    co_return !error;
  }

  /// A deadline that moves on only when enough has come in (or gone out) since the last: 1 KiB/s.
  struct Pace {
    Session& session;
    std::chrono::milliseconds window;
    std::size_t moved = 0;

    Pace(Session& s, std::chrono::milliseconds w) : session(s), window(w) { restart(); }
    void restart() { session.deadline_ = Clock::now() + window; }
    void progress(std::size_t bytes) {
      moved += bytes;
      if (moved < static_cast<std::size_t>(window.count()) * 1024 / 1000) return;
      moved = 0;
      restart();
    }
  };

  /// Reads a body to the end; a refusal, with status 0 when the client is gone.
  Task<std::optional<Refusal>> read_body(const Head& head, std::size_t limit, std::string& out) {
    phase_ = Phase::reading;
    Pace pace(*this, core_.options.body_idle_timeout);
    std::optional<Refusal> refusal;
    if (head.chunked)
      refusal = co_await read_chunked(limit, out, pace);
    else
      refusal = co_await read_counted(*head.content_length, out, pace);
    deadline_ = kNever;
    co_return refusal;
  }

  Task<std::optional<Refusal>> read_chunked(std::size_t limit, std::string& out, Pace& pace) {
    ChunkedBody body(out, limit);
    for (;;) {
      auto taken = body.take(in_.view());
      if (!taken) co_return taken.error();
      in_.consume(*taken);
      if (body.done()) co_return std::nullopt;
      if (!co_await fill()) co_return Refusal{0, {}};
      pace.progress(in_.view().size());
    }
  }

  Task<std::optional<Refusal>> read_counted(std::size_t total, std::string& out, Pace& pace) {
    out = in_.view().substr(0, total);
    in_.consume(out.size());
    while (out.size() < total) {
      // Room for what has come, not for what was announced (row 97).
      std::size_t have = out.size(), step = std::min(total - have, std::max(have, kInline));
      out.resize(have + step);
      auto [error, size] = co_await socket_.async_read_some(asio::buffer(out.data() + have, step),
                                                            asio::as_tuple(asio::use_awaitable));
      out.resize(have + size);
      if (error) co_return Refusal{0, {}};
      pace.progress(size);
    }
    co_return std::nullopt;
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
      gone_ = true;
    }
    then_gone_ = nullptr;
    if (upgrade_) co_return true;
    bool sent = co_await finish(std::move(reply), request);
    extra_headers_ = nullptr;
    co_return sent&& keep_alive_;
  }

  std::optional<Refusal> take_request(Head& head, Request& request) {
    request.id = arrival_.loop->next_request_id();
    request_id_ = request.id;
    if (auto refusal = read_target(head.target, request)) return refusal;
    request.method = std::move(head.method);
    request.headers = std::move(head.fields);
    core_.peers.settle(request, arrival_.ticket.peer(), arrival_.peer_text, kTls);
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
    if (!route) {
      co_await skip_body(head);
      co_return without_route(request, allow);
    }
    if (head.has_body()) {
      if (auto refused = co_await receive(head, *route, call)) co_return refused;
      if (gone_) co_return std::nullopt;
    }
    enter_serving();
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
    }
    if (head.expects_continue && in_.empty()) {
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await send({})) co_return std::nullopt;
    }
    auto refusal = co_await read_body(head, limit, call.request.body);
    if (!refusal) co_return std::nullopt;
    if (refusal->status == 0) {
      gone_ = true;
      co_return std::nullopt;
    }
    co_return hang_up(refusal->status, refusal->detail);
  }

  /// Reads a small body nobody wants, so that the connection can go on; else gives it up.
  Task<> skip_body(const Head& head) {
    if (!head.has_body()) co_return;
    bool small = !head.chunked && *head.content_length <= kSmallBody && !head.expects_continue;
    std::string dropped;
    if (!small || co_await read_body(head, kSmallBody, dropped)) {
      keep_alive_ = false;
      linger_ = true;
    }
  }

  /// Finds out who calls; a response when that fails.
  Task<std::optional<Response>> identify(Call& call) {
    std::exception_ptr failure;
    try {
      call.caller = co_await core_.identify(call.request);
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
    enter_serving();
    if (auto failed = co_await identify(call)) co_return failed;
    if (auto refused = endpoint.admit(call)) co_return refused;
    if (!out_.empty() && !co_await send({})) co_return std::nullopt;
    upgrade_.emplace(Upgrade{.request = std::make_shared<Request>(std::move(call.request)),
                             .endpoint = &endpoint,
                             .headers = std::move(call.extra_headers),
                             .early = std::string(in_.view())});
    co_return std::nullopt;
  }

  // --- answering

  Framing framing(const Response&, bool streams) {
    if (core_.draining) keep_alive_ = false;
    if (streams && minor_ == 0) keep_alive_ = false;
    return {.minor = minor_,
            .keep_alive = keep_alive_,
            .head_only = head_only_,
            .streams = streams,
            .tls = kTls,
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
    phase_ = Phase::serving;
    if (gone_) co_return false;
    if (begun_) co_return co_await end_stream(std::move(reply));
    if (!reply)
      reply = Response{.body = "null"};  // A handler that returns nothing, as FastAPI says it.
    note(request, reply->status);
    Framing frame = framing(*reply, false);
    write_head(out_, *reply, frame);
    std::string_view body = carries_body(*reply, frame) ? body_of(*reply) : std::string_view{};
    if (body.size() > kInline) co_return co_await send(body);
    out_ += body;
    // The answers to requests that are here already leave together.
    bool wait = keep_alive_ && !in_.empty() && ++queued_ < kMostPipelined && out_.size() < kMostQueued;
    if (wait) co_return true;
    co_return try_send() || co_await send({});
  }

  Task<bool> end_stream(std::optional<Response> failure) {
    if (failure) {
      keep_alive_ = false;
      if (!is_events_) co_return false;  // Cut off, so that nobody takes a part for the whole.
      std::string event = error_event(*failure);
      if (!head_only_) out_ += minor_ == 0 ? event : chunk_head(event.size()) + event + "\r\n";
    }
    if (minor_ == 1 && !head_only_) out_ += "0\r\n\r\n";
    co_return out_.empty() || co_await send({});
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
    write_head(out_, response, framing(response, false));
    out_ += response.body;
    (void)co_await send({});  // Closed next, whether it arrived or not.
  }

  void note(const Request& request, int status) {
    if (!log::enabled(log::Level::debug)) return;
    log::debug("Answered", {{"request", request.id},
                            {"method", request.method},
                            {"path", request.path},
                            {"status", status},
                            {"remote", request.remote}});
  }

  // --- writing

  /// Writes out_ without waiting; false when not all of it went, or for a socket that cannot tell.
  bool try_send() {
    if constexpr (kTls) {
      return false;
    } else {
      boost::system::error_code error;
      std::size_t size = socket_.write_some(asio::buffer(out_), error);
      if (error || size != out_.size()) {
        out_.erase(0, error ? 0 : size);
        return false;
      }
      out_.clear();
      queued_ = 0;
      return true;
    }
  }

  /// Writes out_ and then `more`; false when the client is gone or reads too slowly.
  Task<bool> send(std::string_view more) {
    queued_ = 0;
    Clock::time_point before = deadline_;
    Pace pace(*this, core_.options.write_timeout);
    std::array<asio::const_buffer, 2> rest = {asio::buffer(out_), asio::buffer(more)};
    while (rest[0].size() + rest[1].size() > 0) {
      auto [error, size] = co_await socket_.async_write_some(rest, asio::as_tuple(asio::use_awaitable));
      if (error) {
        gone_ = true;
        out_.clear();
        co_return false;
      }
      std::size_t first = std::min(size, rest[0].size());
      rest[0] += first;
      rest[1] += size - first;
      pace.progress(size);
    }
    out_.clear();
    deadline_ = before;
    co_return true;
  }

  Task<> send_or_throw(std::string_view more) {
    if (gone_) throw ClientGone();
    if (try_send()) co_return;
    if (!co_await send(more)) throw ClientGone();
  }

  /// Lets the client read our last words: closing with unread input would reset the connection.
  Task<> linger() {
    if (gone_) co_return;
    deadline_ = Clock::now() + std::min(core_.options.header_timeout, std::chrono::milliseconds(2000));
    co_await Transport<Socket>::shut(socket_);
    std::size_t dropped = 0;
    while (dropped < (1 << 20) && co_await fill()) {
      dropped += in_.view().size();
      in_.consume(in_.view().size());
    }
  }

  void enter(Phase phase, std::chrono::milliseconds time) {
    phase_ = phase;
    deadline_ = Clock::now() + time;
  }
  void enter_serving() {
    phase_ = Phase::serving;
    deadline_ = kNever;
  }

  static constexpr bool kTls = Transport<Socket>::kTls;

  Socket socket_;
  Arrival arrival_;
  Core& core_;
  HeadScanner scanner_;
  InputBuffer in_;
  std::string out_;  ///< Written, not yet sent. At most kMostQueued and one answer.
  Clock::time_point deadline_ = kNever;
  Phase phase_ = Phase::reading;
  std::optional<Upgrade> upgrade_;
  int served_ = 0;
  int queued_ = 0;

  // Of the request being answered.
  Clock::time_point started_{};
  std::string request_id_;
  std::string cors_;
  std::vector<std::pair<std::string, std::string>>* extra_headers_ = nullptr;
  std::function<void()> then_gone_;
  int minor_ = 1;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool begun_ = false;
  bool is_events_ = false;
  bool gone_ = false;
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

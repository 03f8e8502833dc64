#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/async.h"
#include "base/loops.h"
#include "base/signal.h"
#include "http/bind.h"
#include "http/server.h"

/// A server on a free loopback port, and a client that sends any bytes it likes.
namespace antiphon::http::testing {

using namespace std::chrono_literals;

/// A blocking TCP connection whose reads give up after a while.
class Wire {
 public:
  explicit Wire(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~Wire() { ::close(fd_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }

  /// One piece of what comes; "" when nothing came in time or the server has closed (see closed()).
  std::string read_some(std::chrono::milliseconds wait = 2s) {
    pollfd state{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&state, 1, static_cast<int>(wait.count())) != 1) return {};
    std::string out(64 * 1024, '\0');
    ssize_t size = ::recv(fd_, out.data(), out.size(), 0);
    closed_ = size <= 0;
    out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return out;
  }
  /// All until the server closes, or is silent for `wait`.
  std::string read_all(std::chrono::milliseconds wait = 2s) {
    std::string all;
    for (std::string some; !(some = read_some(wait)).empty();) all += some;
    return all;
  }
  /// All until `mark` has come.
  std::string read_until(std::string_view mark, std::chrono::milliseconds wait = 2s) {
    std::string all;
    while (all.find(mark) == all.npos) {
      std::string some = read_some(wait);
      if (some.empty()) break;
      all += some;
    }
    return all;
  }
  bool closed() const { return closed_; }
  bool connected() const { return connected_; }

 private:
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

inline int count(std::string_view text, std::string_view part) {
  int n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The status of the first response in a text; 0 when there is none.
inline int status_of(std::string_view text) {
  return text.starts_with("HTTP/1.1 ") ? std::stoi(std::string(text.substr(9, 3))) : 0;
}

inline std::string header_in(std::string_view text, std::string_view name) {
  std::string mark = "\r\n" + std::string(name) + ": ";
  std::size_t at = text.find(mark);
  if (at == text.npos) return {};
  at += mark.size();
  return std::string(text.substr(at, text.find("\r\n", at) - at));
}

/// Routes the tests ask for, and a server over them. Identify: "token=alice" in a cookie or
/// "Authorization: Bearer alice" is a user.
class Rig {
 public:
  explicit Rig(ServerOptions options = quick(), int threads = 2) : loops_(threads) {
    options.host = "127.0.0.1";
    options.port = 0;
    declare_routes();
    server_ = std::make_unique<Server>(std::move(options), router_, identify, loops_);
    server_->on_socket("/ws", {.admit = admit, .run = [this](auto request, auto socket) {
                                 return echo(std::move(request), std::move(socket));
                               }});
  }
  /// Sees connections to their end first: what a loop that stops was writing holds itself, for ever.
  ~Rig() {
    if (started_) run([this] { return server_->drain(std::chrono::milliseconds(0)); });
    loops_.stop();
    server_.reset();
  }

  static ServerOptions quick() {
    ServerOptions options;
    options.header_timeout = 300ms;
    options.body_idle_timeout = 300ms;
    options.write_timeout = 300ms;
    options.keep_alive_timeout = 2s;
    return options;
  }

  Rig& start() {
    server_->start();
    loops_.start();
    started_ = true;
    return *this;
  }
  Server& server() { return *server_; }
  Router& router() { return router_; }
  std::uint16_t port() const { return server_->port(); }

  /// What the server says to `bytes`, until it closes or is silent.
  std::string say(std::string_view bytes, std::chrono::milliseconds wait = 1s) {
    Wire wire(port());
    wire.send(bytes);
    wire.finish_sending();
    return wire.read_all(wait);
  }

  static std::string get(std::string_view path, std::string_view lines = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
  }
  static std::string post(std::string_view path, std::string_view body, std::string_view lines = "") {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(lines) + "\r\n" + std::string(body);
  }

  /// The socket that was accepted last; null until there is one.
  std::shared_ptr<WebSocket> last_socket() {
    std::scoped_lock lock(mutex_);
    return last_;
  }

  std::atomic<int> served{0};
  std::atomic<int> sockets_ended{0};
  std::atomic<bool> saw_gone{false};
  Signal hold;

 private:
  struct Api {
    Rig& rig;
    Task<Response> hello(Anyone) {
      ++rig.served;
      co_return Response{.body = R"({"status":true})"};
    }
    Task<Response> echo(Anyone, Call& call) {
      ++rig.served;
      std::string text = call.request.body + "|" + call.request.remote + "|" + call.request.scheme +
                         "|" + call.request.host;
      for (const auto& [name, value] : call.request.headers.all()) text += "\n" + name + ": " + value;
      co_return Response{.type = "text/plain", .body = text};
    }
    Task<> nothing(Anyone) { co_return; }
    Task<Response> no_content(Anyone) { co_return Response{.status = 204, .body = "body"}; }
    Task<Response> not_modified(Anyone) { co_return Response{.status = 304, .body = "body"}; }
    Task<Response> big(Anyone) { co_return Response{.body = std::string(8 << 20, 'x')}; }
    Task<> stream(Anyone, Events events) {
      co_await events.send("one");
      co_await events.send("two");
      co_await events.done();
    }
    Task<> failing_stream(Anyone, Events events) {
      co_await events.send("one");
      throw Problem(Problem::Kind::upstream, "The model left");
    }
    Task<> endless(Anyone, Call& call, Events events) {
      call.stream.on_gone([this] { rig.hold.notify(); });
      co_await events.send("begun");
      co_await rig.hold.wait(10s);
      rig.saw_gone = call.stream.gone();
    }
    Task<Response> slow(Anyone) {
      co_await sleep_for(300ms);
      co_return Response{.body = "slow"};
    }
    Task<Response> change(const User&) { co_return Response{.body = "changed"}; }
    Task<Response> split(Anyone) {
      co_return Response{.body = "x"}.header("X-Evil", "a\r\nSet-Cookie: b=c").header("X-Good", "d");
    }
  };

  static std::optional<Response> admit(Call& call) {
    if (call.request.origin == Origin::foreign) return detail_response(403, "foreign");
    call.extra_headers.emplace_back("X-Admitted", "yes");
    return std::nullopt;
  }

  /// Sends every message back; "big" asks for larger ones to be taken.
  Task<> echo(std::shared_ptr<Request> request, std::shared_ptr<WebSocket> socket) {
    {
      std::scoped_lock lock(mutex_);
      last_ = socket;
    }
    if (request->parameter("big")) socket->limit_messages(16 << 20);
    while (auto frame = co_await socket->read())
      socket->send(std::make_shared<std::string>(std::move(frame->bytes)), frame->binary);
    ++sockets_ended;
  }

  static Task<Caller> identify(const Request& request) {
    Caller caller;
    caller.by_cookie = request.cookie("token") == "alice";
    if (caller.by_cookie || request.headers.get("authorization") == "Bearer alice") {
      caller.via = Caller::Via::session;
      caller.role = Role::user;
      caller.id = {"alice"};
    }
    co_return caller;
  }

  void declare_routes() {
    Api api{*this};
    router_.on("GET /health", Cost::free, bind<&Api::hello>(api));
    router_.on("POST /echo", Cost::write, bind<&Api::echo>(api), {.body_limit = 1 << 20});
    router_.on("GET /echo", Cost::read, bind<&Api::echo>(api));
    router_.on("GET /nothing", Cost::read, bind<&Api::nothing>(api));
    router_.on("GET /no-content", Cost::read, bind<&Api::no_content>(api));
    router_.on("GET /not-modified", Cost::read, bind<&Api::not_modified>(api));
    router_.on("GET /big", Cost::read, bind<&Api::big>(api));
    router_.on("GET /stream", Cost::model, bind<&Api::stream>(api));
    router_.on("GET /failing", Cost::model, bind<&Api::failing_stream>(api));
    router_.on("GET /endless", Cost::model, bind<&Api::endless>(api));
    router_.on("GET /slow", Cost::read, bind<&Api::slow>(api));
    router_.on("POST /change", Cost::write, bind<&Api::change>(api), {.body_limit = 1 << 20});
    router_.on("GET /split", Cost::read, bind<&Api::split>(api));
  }

  std::mutex mutex_;
  std::shared_ptr<WebSocket> last_;  ///< Guarded by mutex_.
  Router router_;
  bool started_ = false;
  Loops loops_;
  std::unique_ptr<Server> server_;
};

}  // namespace antiphon::http::testing

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/router.h"
#include "http/websocket.h"

namespace antiphon {
class Loops;
namespace metrics {
class Registry;
}
}  // namespace antiphon

namespace antiphon::http {

/// Says who is asking. Called once for each request that reaches a route; must be quick, and must
/// not throw for a bad credential (see Caller::failure). Any io thread.
using Identify = std::function<Task<Caller>(const Request&)>;

/// What is served for paths that are no route: embedded or on-disk web client. "{}" status 404 means
/// the JSON 404. Any io thread, no waiting.
class Site {
 public:
  virtual ~Site() = default;
  /// Nothing: there is no such file and no page to fall back to.
  virtual std::optional<Response> serve(const Request&) const = 0;
};

struct ServerOptions {
  std::string host = "0.0.0.0";
  std::uint16_t port = 8080;                         ///< 0: any free one; see Server::port().
  std::string certificate_file = {}, key_file = {};  ///< Both set: TLS 1.2+.
  std::string upload_folder = "/tmp";                ///< Where files of forms lie, without names.
  std::vector<std::string> trusted_proxies = {};  ///< Addresses or CIDRs whose forwarded headers count.
  std::vector<std::string> allow_origins = {};    ///< CORS_ALLOW_ORIGIN; empty: same origin only.
  int max_connections = 10'000;  ///< Fewer when the system's limit of open files asks for it.
  /// For IPv6 a /64 counts as one address. Trusted proxies are not limited, nor, unless
  /// limit_loopback, is this machine: both speak for many people.
  int max_connections_per_address = 256;
  bool limit_loopback = false;
  /// Bytes of bodies over 64 KiB that may be held at once; a request that finds no room gets 503.
  std::int64_t max_body_memory = 512 << 20;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_idle_timeout{30'000};  ///< Also: slower than 1 KiB/s over this time.
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds keep_alive_timeout{75'000};
  /// A WebSocket that is silent for half of it is pinged, and closed when it does not answer.
  std::chrono::milliseconds socket_idle_timeout{60'000};
  std::size_t header_limit = 16 * 1024;
};

/// HTTP/1.1 and WebSocket on every loop (SO_REUSEPORT). The only folder that knows Beast.
class Server {
 public:
  Server(ServerOptions options, const Router& router, Identify identify, Loops& loops);
  /// Drained, or with its loops stopped: connections refer to router and identify.
  ~Server();

  /// Before start(), as is on_socket().
  void serve_site(const Site& site);
  void on_socket(std::string path, SocketEndpoint endpoint);
  /// Counts requests and connections there. After the routes are declared, before start(); the registry
  /// must not be scraped after the server is gone.
  void count_in(metrics::Registry& registry);

  /// Binds and begins to accept. Throws a Problem that names the port and the cure.
  void start();
  std::uint16_t port() const;
  /// For people on this machine: "https://localhost:8443".
  std::string address() const;
  /// Goes on as before, but every answer is its connection's last: who keeps connections for later, as
  /// proxies do, has none left when drain() comes.
  void leave();
  /// Stops accepting, closes idle connections and (1001) WebSockets, answers `Connection: close`, lets
  /// requests under way finish until `deadline`, then cuts off what is left.
  Task<> drain(std::chrono::milliseconds deadline);
  std::int64_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What keeps a server with these options from starting, as a Problem; else its address.
std::string rehearse(const ServerOptions& options);
/// How many connections the system's limit of open files leaves room for; raises it where it may.
int affordable_connections(int wanted);

}  // namespace antiphon::http

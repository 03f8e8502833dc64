#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http/router.h"
#include "http/server.h"
#include "realtime/forward.h"
#include "realtime/hub.h"

namespace antiphon::realtime {

struct EndpointOptions {
  std::string path = "/ws/socket.io";
  std::vector<std::string> allow_origins = {};  ///< CORS_ALLOW_ORIGIN.
  bool websocket = true;                        ///< ENABLE_WEBSOCKET_SUPPORT.
  bool polling = true;
  std::string token_cookie = "token";
  Forward* forward = nullptr;  ///< To other replicas; null: there are none.
};

/// Where Socket.IO meets HTTP. One per process; must outlive the server's drain.
class Endpoint {
 public:
  /// The hub must outlive it, and be started after it.
  Endpoint(Hub& hub, EndpointOptions options);
  ~Endpoint();

  /// Polling: GET and POST.
  void add_routes(http::Router& router);
  /// The websocket, at both spellings of the path.
  void add_sockets(http::Server& server);
  /// The same for whoever is not a Server: tests.
  http::SocketEndpoint socket_endpoint();

 private:
  struct Impl;
  struct Api;
  std::shared_ptr<Impl> impl_;
};

}  // namespace antiphon::realtime

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/core.h"

namespace antiphon::http {

/// What is left of a connection that becomes a WebSocket.
struct Upgrade {
  std::shared_ptr<Request> request;
  const SocketEndpoint* endpoint = nullptr;
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< For the 101.
  std::string early = {};  ///< Bytes the client sent behind its request.
};

/// Answers 101 and runs the endpoint, in a coroutine of its own so that HTTP's frames are freed.
void start_websocket(TcpSocket socket, Arrival arrival, Upgrade upgrade);

}  // namespace antiphon::http

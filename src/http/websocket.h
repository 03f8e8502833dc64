#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/call.h"

namespace antiphon::http {

struct Frame {
  std::string bytes;
  bool binary = false;
};

/// An accepted WebSocket. The connection's own coroutine reads; anyone may send or close.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  /// The next message; nothing when the peer has closed, broken a limit (closed with 1008/1009) or
  /// been idle too long. By the owner's coroutine only.
  virtual Task<std::optional<Frame>> read() = 0;
  /// Queues a message; any thread, never waits. A consumer so slow that more than 8 MiB wait is
  /// closed (1013) and later frames are dropped. The text is shared, so a broadcast costs no copies.
  virtual void send(std::shared_ptr<const std::string> bytes, bool binary = false) = 0;
  /// Any thread, idempotent; read() then ends.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Largest message accepted from now on (64 KiB before sign-in, 16 MiB after; row 97).
  virtual void limit_messages(std::size_t bytes) = 0;
};

/// A path that takes WebSockets.
struct SocketEndpoint {
  /// Before the 101: a response refuses the upgrade.
  std::function<std::optional<Response>(Call&)> admit;
  /// Runs for as long as the socket lives; the request is the server's until it returns.
  std::function<Task<>(std::shared_ptr<Request>, std::shared_ptr<WebSocket>)> run;
};

}  // namespace antiphon::http

#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "loop.h"

namespace bench {

/// A Socket.IO client on a WebSocket: signs in with a token, then hands on what comes.
class Socket final : public Link {
 public:
  Socket(Loop& loop, int port, std::string token);

  std::function<void()> on_ready;                          ///< sid() is known now.
  std::function<void(std::string_view packet)> on_packet;  ///< "2[\"events\",…" and the like.
  std::function<void()> on_closed;

  const std::string& sid() const { return sid_; }

 private:
  std::size_t received(std::string_view bytes) override;
  void closed() override;
  void message(std::string_view text);
  void send_text(std::string_view text);

  std::string token_;
  std::string sid_;
  bool open_ = false;
  std::string fragments_;
};

/// Opens `count` sockets to a server on `port`, prints {"open":N} and holds them until standard input
/// ends.
int hold_sockets(int port, int count, const std::string& token);

/// Opens `count` sockets to `port` and prints {"open":N}. Each that is closed from then on connects to
/// `next` at once, and again 50 ms after each failure. When all are signed in there prints
/// {"back":N,"waited":…}, milliseconds from a socket's end to its sign-in, and ends; also after
/// `patience` seconds.
int move_sockets(int port, int next, int count, const std::string& token, double patience);

}  // namespace bench

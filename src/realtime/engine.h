#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/signal.h"
#include "http/websocket.h"
#include "realtime/engineio.h"
#include "realtime/link.h"
#include "realtime/wire.h"

namespace antiphon::realtime {

/// An Engine.IO session: one client's connection, by polling, by websocket, or first one and then
/// the other. Any thread; a session's packets are taken one after the other.
class Engine final : public Wire, public std::enable_shared_from_this<Engine> {
 public:
  Engine(std::string sid, std::shared_ptr<Core> core);
  /// Called once, before anything else.
  void open(std::string address, std::string cookie_token);
  const std::string& sid() const { return sid_; }

  void send(Frame frame, bool binary) override;
  void close() override;
  void limit_messages(std::size_t bytes) override;
  bool polling() const override;

  /// A session opened by websocket: runs as long as it lives.
  Task<> run(std::shared_ptr<http::WebSocket> socket);
  /// A websocket that wants to take over a polling session.
  Task<> run_upgrade(std::shared_ptr<http::WebSocket> socket);
  /// The body of a polling GET, once there is something to say. Nothing: the request is wrong.
  Task<std::optional<std::string>> poll();
  /// The body of a polling POST. False: it was wrong, and the session is closed.
  Task<bool> take(std::string body);

  /// Pings, and closes what is dead. False: forget it.
  bool tick(Clock::time_point now);
  /// Closes, and parts from the link, which holds this; null when somebody has done that before.
  std::shared_ptr<Link> let_go();

 private:
  struct Out {
    Frame frame;
    bool binary;
  };
  static constexpr std::size_t kMaxQueuedBytes = 8 << 20;  ///< As http::WebSocket has it.

  Task<> read(std::shared_ptr<http::WebSocket> socket);
  Task<bool> on_frame(http::Frame frame);
  Task<bool> on_packet(engineio::Packet packet);
  bool begin_probe(const std::shared_ptr<http::WebSocket>& socket);
  bool finish_upgrade(const std::shared_ptr<http::WebSocket>& socket);
  void end_probe(const http::WebSocket* socket);
  std::string take_queue_locked();
  void close_locked();

  const std::string sid_;
  const std::shared_ptr<Core> core_;

  mutable std::mutex mutex_;  ///< Guards everything below. Taken after a session's, never before.
  std::shared_ptr<Link> link_;
  std::shared_ptr<http::WebSocket> socket_;  ///< Null while polling.
  std::shared_ptr<http::WebSocket> probe_;
  std::size_t message_limit_;
  bool closed_ = false;
  bool poll_waits_ = false;
  bool posting_ = false;
  std::vector<Out> queue_;  ///< Of polling.
  std::size_t queued_bytes_ = 0;
  Clock::time_point opened_ = Clock::now();
  Clock::time_point heard_ = Clock::now();
  Clock::time_point next_ping_;
  std::optional<Clock::time_point> ping_sent_;
  Clock::time_point probe_until_;
  Clock::time_point closed_at_;
  Signal wake_;  ///< Of the waiting poll.
};

}  // namespace antiphon::realtime

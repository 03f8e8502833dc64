#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/signal.h"
#include "base/task.h"
#include "realtime/core.h"
#include "realtime/socketio.h"

namespace antiphon::realtime {

/// Socket.IO on one connection: packets in, handlers run, acknowledgements out. on_… are called by
/// the connection's reader, one at a time; handlers run beside it, so that acknowledgements and
/// pongs are read while one waits.
class Link : public std::enable_shared_from_this<Link> {
 public:
  /// `cookie_token` signs in when the CONNECT packet has no token of its own.
  Link(std::shared_ptr<Core> core, std::shared_ptr<Wire> wire, std::string address,
       std::string cookie_token);
  ~Link();

  /// A message's text without Engine.IO's 4. False: the client does not speak the protocol, or has
  /// said goodbye; close the connection.
  Task<bool> on_text(std::string_view text);
  Task<bool> on_binary(std::string bytes);
  void on_closed();
  bool connected() const { return connected_; }

 private:
  struct Incoming {
    std::string name;
    json::Value argument;
    std::optional<std::uint64_t> ack;
    std::size_t bytes;
    std::optional<Arrival> arrival = {};  ///< Not an event: it has signed in at CONNECT.
  };
  static constexpr std::size_t kMaxQueued = 1024;
  static constexpr std::size_t kMaxQueuedBytes = 16 << 20;

  Task<bool> take(socketio::Packet packet, std::size_t bytes);
  Task<bool> connect(const socketio::Packet& packet);
  Task<bool> take_event(socketio::Packet packet, std::size_t bytes);
  /// Waits while the queue is full.
  Task<bool> queue(Incoming event);
  void answered(const socketio::Packet& packet);
  Task<> work();
  std::optional<Incoming> next();
  Task<> handle(Incoming event);
  Task<std::optional<json::Value>> run_handler(Incoming& event);
  Task<> user_join(const Incoming& event);
  void acknowledge(const std::optional<std::uint64_t>& id, const json::Value& value);
  /// True when it may wait for a sign-in: addresses have only so many of these.
  bool begin_waiting();
  void end_waiting();

  const std::shared_ptr<Core> core_;
  const std::shared_ptr<Wire> wire_;
  const std::string address_;
  const std::string cookie_token_;
  socketio::Assembler assembler_;
  std::size_t assembling_ = 0;
  std::string offset_;  ///< Of a client that came back without its token.
  std::atomic<bool> connected_ = false;
  std::atomic<bool> closed_ = false;

  std::mutex mutex_;
  std::shared_ptr<Session> session_;  ///< Set once, by the reader.
  bool waiting_ = false;              ///< Guarded by mutex_. Counted as a waiting socket.
  std::list<Incoming> queue_;         ///< Guarded by mutex_.
  std::size_t queued_bytes_ = 0;      ///< Guarded by mutex_.
  bool working_ = false;              ///< Guarded by mutex_.
  Signal room_;
};

}  // namespace antiphon::realtime

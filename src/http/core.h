#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "http/head.h"
#include "http/meters.h"
#include "http/peers.h"
#include "http/server.h"

/// What the connections of one server share. Internal to this folder; sees Asio, not Beast.
namespace antiphon::http {

using Clock = std::chrono::steady_clock;
/// The typed executor is 9 % cheaper than any_io_executor.
using LoopExecutor = boost::asio::io_context::executor_type;
using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, LoopExecutor>;

class LoopState;

/// Something with a deadline that lives on one loop. Used by its loop's thread only.
class Connection {
 public:
  Connection() = default;
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static constexpr Clock::time_point kNever = Clock::time_point::max();
  /// Called every tick; `draining` once the server wants to stop.
  /// Destroys no connection.
  virtual void tick(Clock::time_point now, bool draining) = 0;
  /// Ends all I/O of this connection at once. Idempotent.
  virtual void abort() = 0;

 protected:
  /// From now on `loop` calls tick() and abort().
  void join(std::shared_ptr<LoopState> loop);

 private:
  friend class LoopState;
  std::shared_ptr<LoopState> loop_;
  Connection* next_ = nullptr;
  Connection* previous_ = nullptr;
};

/// One loop's share of the server: its connections, and values that change with time and are dear to
/// compute for each request. Its thread only, but for `closing`.
class LoopState {
 public:
  explicit LoopState(LoopExecutor executor);

  LoopExecutor executor() const { return executor_; }
  /// Lets every connection look at its deadline.
  void tick(bool draining);
  void abort_all();

  std::string_view date();
  std::string next_request_id();

  std::function<void()> close_acceptor = [] {};  ///< Set while the loop accepts.
  std::function<void()> close_timer = [] {};     ///< Set while the loop ticks.

 private:
  friend class Connection;
  void add(Connection& connection);
  void remove(Connection& connection);

  LoopExecutor executor_;
  Connection* first_ = nullptr;
  std::int64_t date_second_ = 0;
  std::string date_;
  std::string id_prefix_;
  std::uint32_t id_ = 0;
};

class Core;

/// The right to hold a connection: counts it, in all and for its address, as long as it lives.
class Ticket {
 public:
  Ticket() = default;
  Ticket(std::shared_ptr<Core> core, const Address& peer, bool counted)
      : core_(std::move(core)), peer_(peer), counted_(counted) {}
  Ticket(Ticket&& other) noexcept = default;
  Ticket& operator=(Ticket&& other) noexcept;
  ~Ticket() { release(); }

  const Address& peer() const { return peer_; }

 private:
  void release();

  std::shared_ptr<Core> core_;
  Address peer_;
  bool counted_ = false;  ///< Against its address.
};

/// A share of the memory set aside for large request bodies, held until the request is answered.
class BodyShare {
 public:
  BodyShare() = default;
  BodyShare(std::atomic<std::int64_t>& taken, std::int64_t bytes) : taken_(&taken), bytes_(bytes) {}
  BodyShare(BodyShare&& other) noexcept { *this = std::move(other); }
  BodyShare& operator=(BodyShare&& other) noexcept {
    release();
    taken_ = std::exchange(other.taken_, nullptr);
    bytes_ = other.bytes_;
    return *this;
  }
  ~BodyShare() { release(); }
  void release() {
    if (taken_) *taken_ -= bytes_;
    taken_ = nullptr;
  }

 private:
  std::atomic<std::int64_t>* taken_ = nullptr;
  std::int64_t bytes_ = 0;
};

/// Shared by all connections of a server, and kept alive by them. Members without a comment are set
/// before the server starts.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(ServerOptions options, const Router& router, Identify identify);

  const ServerOptions options;
  const Router& router;
  const Identify identify;
  const TrustedPeers peers;
  const HeadLimits head_limits;
  const Site* site = nullptr;
  std::unique_ptr<Meters> meters;
  std::map<std::string, SocketEndpoint, std::less<>> sockets;

  /// How often deadlines are looked at.
  std::chrono::milliseconds tick_every() const;
  int most_connections() const { return most_; }

  /// Nothing when there are too many already, in all or from there. Any thread.
  std::optional<Ticket> admit(const Address& peer);
  void leave(const Address& peer, bool counted);

  /// Nothing when large bodies fill their memory already. Any thread.
  std::optional<BodyShare> share_body(std::size_t bytes);

  std::atomic<std::int64_t> connections = 0;
  std::atomic<bool> leaving = false;  ///< Answers end their connections.
  std::atomic<bool> draining = false;
  std::atomic<bool> stopped = false;

 private:
  int most_;
  std::atomic<std::int64_t> body_bytes_ = 0;
  std::mutex mutex_;
  std::map<Address, int>
      by_address_;  ///< Guarded by mutex_. A tree, because strangers choose the keys.
};

/// What a connection needs from the start.
struct Arrival {
  std::shared_ptr<Core> core;
  std::shared_ptr<LoopState> loop;
  Ticket ticket;
  std::string peer_text;
};

/// How a fresh socket is served. Made once per server: plain_launcher(), or one that speaks TLS first.
using Launcher = std::function<void(TcpSocket, Arrival)>;
Launcher plain_launcher();
/// Throws a Problem when certificate or key cannot be used.
Launcher tls_launcher(const ServerOptions& options);

}  // namespace antiphon::http

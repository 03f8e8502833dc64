#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bus/redis_address.h"
#include "bus/resp.h"

struct ssl_st;
struct ssl_ctx_st;

namespace antiphon::bus {

/// A connection to one Redis or Sentinel, perhaps with TLS. One thread. Everything throws a Problem
/// when the connection is lost.
class RedisLine {
 public:
  using Clock = std::chrono::steady_clock;

  /// Connects to `where`, or to the address's unix socket when that is set. Blocks, with TLS's
  /// handshake at most `budget`, plus the time that looking the name up takes.
  RedisLine(const RedisAddress& address, const HostPort& where, std::chrono::milliseconds budget);
  ~RedisLine();
  RedisLine(const RedisLine&) = delete;
  RedisLine& operator=(const RedisLine&) = delete;

  int socket() const { return socket_; }
  /// Whether to wait for room to write as well.
  bool wants_to_write() const { return !unsent_.empty(); }
  void put(std::span<const std::string_view> words);
  /// Sends and receives what goes without waiting.
  void flow();
  std::optional<Reply> next() { return reader_.next(); }

  /// One command and its answer, or the confirmation of a subscription; waits for `budget`.
  Reply ask(std::span<const std::string_view> words, std::chrono::milliseconds budget);

 private:
  struct Close {
    void operator()(ssl_st* ssl) const;
    void operator()(ssl_ctx_st* context) const;
  };
  void connect(const RedisAddress& address, const HostPort& where, Clock::time_point until);
  void encrypt(const RedisAddress& address, const HostPort& where, Clock::time_point until);
  void wait(short events, Clock::time_point until) const;
  bool send_some();
  bool receive_some();

  int socket_ = -1;
  std::unique_ptr<ssl_ctx_st, Close> context_;
  std::unique_ptr<ssl_st, Close> ssl_;
  std::string unsent_;
  RespReader reader_;
};

}  // namespace antiphon::bus

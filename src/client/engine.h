#pragma once

#include <curl/curl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/task.h"
#include "client/transfer.h"

namespace antiphon::client {

/// One libcurl multi handle on one loop, with a connection cache of its own. Everything but the
/// calls marked "any thread" happens on that loop.
class Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(Executor loop, Manner manner, int max_connections);
  ~Engine();

  void start(std::shared_ptr<Transfer> transfer);    ///< Any thread.
  void abandon(std::shared_ptr<Transfer> transfer);  ///< Any thread. Closes the exchange.
  void unpause(std::shared_ptr<Transfer> transfer);  ///< Any thread.
  /// Any thread; fails what runs, refuses what comes, then calls `closed`.
  void close(std::function<void()> closed);

  Executor loop() const { return loop_; }
  /// On the loop: ends a transfer that libcurl still runs.
  void end(const std::shared_ptr<Transfer>& transfer, Problem error);

 private:
  struct Watch;

  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* watch);
  static int on_timer(CURLM*, long milliseconds, void* self);

  void add(const std::shared_ptr<Transfer>& transfer);
  void remove(const std::shared_ptr<Transfer>& transfer);
  void watch(CURL* easy, curl_socket_t fd, int what);
  void arm(const std::shared_ptr<Watch>& watch, int direction);
  void gather(const std::shared_ptr<Watch>& watch);
  void wait_for_gathered();
  void read_gathered();
  Transfer* gathering(const Watch& watch) const;
  bool holds(const Watch& watch) const;
  void act(curl_socket_t fd, int events);
  void collect();

  const Executor loop_;
  const Manner manner_;
  CURLM* multi_;
  boost::asio::steady_timer timer_;
  bool closed_ = false;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::unordered_map<CURL*, std::shared_ptr<Transfer>> running_;
  /// Sockets read at intervals, by when it is their turn.
  std::multimap<std::chrono::steady_clock::time_point, std::weak_ptr<Watch>> gathered_;
  boost::asio::steady_timer gathered_due_;
};

}  // namespace antiphon::client

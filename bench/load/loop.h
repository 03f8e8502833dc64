#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

/// One thread on epoll, as cheap as it gets: what drives the load must not be what is measured.
namespace bench {

using Clock = std::chrono::steady_clock;

class Link;

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void at(Clock::time_point when, std::function<void()> act);
  void after(std::chrono::nanoseconds pause, std::function<void()> act) {
    at(Clock::now() + pause, std::move(act));
  }
  /// Until stop().
  void run();
  void stop() { stopped_ = true; }

  /// Calls `accepted` with every connection that comes; yields the port.
  int listen(int port, std::function<void(int fd)> accepted);

 private:
  friend class Link;
  struct Timer {
    Clock::time_point when;
    std::uint64_t number;  ///< Equal times keep their order.
    std::function<void()> act;
    bool operator<(const Timer& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };
  struct Listener {
    int fd;
    std::function<void(int)> accepted;
  };

  void accept_all();
  void run_timers();

  int epoll_;
  bool stopped_ = false;
  std::uint64_t timers_made_ = 0;
  std::priority_queue<Timer> timers_;
  std::vector<std::unique_ptr<Link>> gone_;  ///< Deleted once nobody is inside them.
  Listener listener_{-1, {}};
};

/// A TCP connection. Deletes itself after closed().
class Link {
 public:
  /// Takes over a socket.
  Link(Loop& loop, int fd);
  /// Connects to 127.0.0.1.
  Link(Loop& loop, const char* host, int port);
  virtual ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Sends now what the kernel takes, and the rest when it can.
  void send(std::string_view bytes);
  void close();

 protected:
  /// Uses what it can of `bytes` and yields how much that was; the rest comes again, with more behind.
  virtual std::size_t received(std::string_view bytes) = 0;
  virtual void closed() {}

  Loop& loop() { return loop_; }

 private:
  friend class Loop;
  void watch(bool writable);
  void readable();
  void writable();

  Loop& loop_;
  int fd_;
  bool watching_write_ = false;
  std::string in_;
  std::string out_;
};

}  // namespace bench

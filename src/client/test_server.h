#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace antiphon::client {

/// For tests: a server on raw sockets whose every byte and pause the test decides. One thread a
/// connection; each request on it goes to `answer`.
class TestServer {
 public:
  class Peer {
   public:
    explicit Peer(int fd) : fd_(fd) {}
    std::string head;  ///< Request line and headers.
    std::string body;
    void send(std::string_view bytes) {
      while (!bytes.empty()) {
        ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        sent += static_cast<std::size_t>(n);
        bytes.remove_prefix(static_cast<std::size_t>(n));
      }
    }
    void reply(int status, std::string_view body, std::string_view headers = "") {
      send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body));
    }
    void begin_chunked(std::string_view headers = "") {
      send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + std::string(headers) + "\r\n");
    }
    void chunk(std::string_view bytes) {
      char size[20];
      std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
      send(std::string(size) + std::string(bytes) + "\r\n");
    }
    /// True when the client has closed within `time`.
    bool closed_within(std::chrono::milliseconds time) {
      auto end = std::chrono::steady_clock::now() + time;
      while (std::chrono::steady_clock::now() < end) {
        pollfd p{fd_, POLLIN, 0};
        char byte;
        if (poll(&p, 1, 5) > 0 && recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) return true;
      }
      return false;
    }
    void close() { ::shutdown(fd_, SHUT_RDWR); }
    std::atomic<std::size_t> sent = 0;

   private:
    friend class TestServer;
    /// Reads one request; false at the end.
    bool read() {
      head.clear(), body.clear();
      while (head.find("\r\n\r\n") == std::string::npos) {
        char bytes[4096];
        ssize_t n = left_.empty() ? recv(fd_, bytes, sizeof bytes, 0) : 0;
        if (left_.empty() && n <= 0) return false;
        head +=
            left_.empty() ? std::string(bytes, static_cast<std::size_t>(n)) : std::exchange(left_, "");
      }
      std::size_t end = head.find("\r\n\r\n") + 4;
      left_ = head.substr(end);
      head.resize(end);
      std::size_t length = 0;
      if (auto at = head.find("Content-Length: "); at != std::string::npos)
        length = std::stoul(head.substr(at + 16));
      if (auto at = head.find("content-length: "); at != std::string::npos)
        length = std::stoul(head.substr(at + 16));
      while (left_.size() < length) {
        char bytes[65536];
        ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
        if (n <= 0) return false;
        left_.append(bytes, static_cast<std::size_t>(n));
      }
      body = left_.substr(0, length);
      left_.erase(0, length);
      return true;
    }
    int fd_;
    std::string left_;
  };
  using Answer = std::function<void(Peer&)>;

  explicit TestServer(Answer answer, const char* host = "127.0.0.1")
      : answer_(std::move(answer)), host_(host) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, host, &address.sin_addr);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::system_error(errno, std::generic_category(), "bind");
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    listen(listener_, 64);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TestServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
      std::scoped_lock lock(mutex_);
      for (int fd : fds_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& t : threads_) t.join();
    for (int fd : fds_) ::close(fd);
  }
  TestServer(const TestServer&) = delete;

  std::string url(std::string_view path = "/") const {
    return "http://" + std::string(host_) + ":" + std::to_string(port_) + std::string(path);
  }
  int port() const { return port_; }
  int connections() const { return connections_; }
  int requests() const { return requests_; }

 private:
  void accept_all() {
    while (true) {
      int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++connections_;
      std::scoped_lock lock(mutex_);
      fds_.push_back(fd);
      threads_.emplace_back([this, fd] {
        Peer peer(fd);
        while (peer.read()) {
          ++requests_;
          answer_(peer);
        }
        ::shutdown(fd, SHUT_RDWR);
      });
    }
  }

  Answer answer_;
  const char* host_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0, requests_ = 0;
  std::mutex mutex_;
  std::vector<int> fds_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace antiphon::client

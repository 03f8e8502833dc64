#include "loop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
  return result;
}

void tune(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

sockaddr_in address(const char* host, int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host, &out.sin_addr);
  return out;
}

}  // namespace

Loop::Loop() : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

Loop::~Loop() {
  ::close(epoll_);
}

void Loop::at(Clock::time_point when, std::function<void()> act) {
  timers_.push({when, timers_made_++, std::move(act)});
}

void Loop::run_timers() {
  auto now = Clock::now();
  while (!timers_.empty() && timers_.top().when <= now) {
    auto act = std::move(const_cast<Timer&>(timers_.top()).act);
    timers_.pop();
    act();
  }
}

void Loop::run() {
  std::array<epoll_event, 256> events;
  while (!stopped_) {
    timespec wait{0, 0};
    bool for_ever = timers_.empty();
    if (!for_ever) {
      auto left = std::max<std::int64_t>(
          0, std::chrono::nanoseconds(timers_.top().when - Clock::now()).count());
      wait = {left / 1'000'000'000, left % 1'000'000'000};
    }
    int count = epoll_pwait2(epoll_, events.data(), events.size(), for_ever ? nullptr : &wait, nullptr);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        accept_all();
        continue;
      }
      auto* link = static_cast<Link*>(event.data.ptr);
      if (link->fd_ >= 0 && (event.events & EPOLLOUT)) link->writable();
      if (link->fd_ >= 0 && (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR))) link->readable();
    }
    gone_.clear();
    run_timers();
    gone_.clear();
  }
}

int Loop::listen(int port, std::function<void(int)> accepted) {
  int fd = checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at = address("127.0.0.1", port);
  checked(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), "bind");
  checked(::listen(fd, 4096), "listen");
  socklen_t size = sizeof at;
  checked(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), "getsockname");
  listener_ = {fd, std::move(accepted)};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  return ntohs(at.sin_port);
}

void Loop::accept_all() {
  for (;;) {
    int fd = accept4(listener_.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    listener_.accepted(fd);
  }
}

Link::Link(Loop& loop, int fd) : loop_(loop), fd_(fd) {
  tune(fd_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = this;
  checked(epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, fd_, &event), "epoll_ctl");
}

Link::Link(Loop& loop, const char* host, int port)
    : Link(loop, [&] {
        int fd = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
        sockaddr_in to = address(host, port);
        checked(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), "connect");
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        return fd;
      }()) {}

Link::~Link() {
  if (fd_ >= 0) ::close(fd_);
}

void Link::watch(bool writable) {
  if (writable == watching_write_) return;
  watching_write_ = writable;
  epoll_event event{};
  event.events = writable ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = this;
  epoll_ctl(loop_.epoll_, EPOLL_CTL_MOD, fd_, &event);
}

void Link::send(std::string_view bytes) {
  if (fd_ < 0) return;
  if (out_.empty()) {
    ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return close();
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (bytes.empty()) return;
  out_.append(bytes);
  watch(true);
}

void Link::writable() {
  std::string rest = std::exchange(out_, {});
  watch(false);
  send(rest);
}

void Link::readable() {
  static std::array<char, 256 * 1024> buffer;
  ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return close();
  std::string_view fresh(buffer.data(), static_cast<std::size_t>(got));
  // Mostly a piece is used up at once, and then nothing is copied.
  std::string held;
  if (!in_.empty()) {
    held = std::exchange(in_, {});
    held.append(fresh);
    fresh = held;
  }
  std::size_t used = received(fresh);
  if (fd_ >= 0 && used < fresh.size()) in_.assign(fresh.substr(used));
}

void Link::close() {
  if (fd_ < 0) return;
  epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, fd_, nullptr);
  ::close(std::exchange(fd_, -1));
  loop_.gone_.emplace_back(this);
  closed();
}

}  // namespace bench

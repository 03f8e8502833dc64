#include "socket.h"

#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "report.h"

namespace bench {

Socket::Socket(Loop& loop, int port, std::string token)
    : Link(loop, "127.0.0.1", port), token_(std::move(token)) {
  send(
      fmt::format("GET /ws/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n"
                  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                  port));
}

void Socket::closed() {
  if (on_closed) on_closed();
}

/// A mask of zeros is a mask.
void Socket::send_text(std::string_view text) {
  std::string frame = "\x81";
  if (text.size() < 126) {
    frame += static_cast<char>(0x80 | text.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(text.size() >> 8);
    frame += static_cast<char>(text.size() & 255);
  }
  frame.append(4, '\0').append(text);
  send(frame);
}

std::size_t Socket::received(std::string_view bytes) {
  std::size_t at = 0;
  if (!open_) {
    std::size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return 0;
    if (!bytes.starts_with("HTTP/1.1 101")) {
      fmt::print(stderr, "no websocket: {}\n", bytes.substr(0, bytes.find("\r\n")));
      close();
      return bytes.size();
    }
    open_ = true;
    at = end + 4;
  }
  for (;;) {
    std::string_view rest = bytes.substr(at);
    if (rest.size() < 2) return at;
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    std::size_t size = byte(1) & 127, head = size == 126 ? 4 : size == 127 ? 10 : 2;
    if (rest.size() < head) return at;
    if (size >= 126) {
      size = 0;
      for (std::size_t i = 2; i != head; ++i) size = size << 8 | byte(i);
    }
    if (rest.size() < head + size) return at;
    std::string_view payload = rest.substr(head, size);
    at += head + size;
    int opcode = byte(0) & 15;
    bool last = byte(0) & 128;
    if (opcode == 8) {
      close();
      return bytes.size();
    }
    if (opcode > 2) continue;
    if (!last || opcode == 0) fragments_ += payload;
    if (!last) continue;
    if (opcode == 0)
      message(std::exchange(fragments_, {}));
    else
      message(payload);
  }
}

void Socket::message(std::string_view text) {
  if (text == "2") return send_text("3");
  if (text.starts_with("0")) return send_text(fmt::format("40{{\"token\":\"{}\"}}", token_));
  if (text.starts_with("40")) {
    std::size_t at = text.find("\"sid\":\"");
    if (at == text.npos) return close();
    at += 7;
    sid_ = text.substr(at, text.find('"', at) - at);
    if (on_ready) on_ready();
    return;
  }
  if (text.starts_with("4") && on_packet) on_packet(text.substr(1));
}

int hold_sockets(int port, int count, const std::string& token) {
  Loop loop;
  int open = 0, lost = 0, begun = 0;
  // Not all at once: a server may refuse a flood.
  std::function<void()> more = [&] {
    for (; begun < count && begun - open - lost < 64; ++begun) {
      auto* socket = new Socket(loop, port, token);
      socket->on_ready = [&] {
        if (++open + lost == count) {
          fmt::print("{{\"open\":{}}}\n", open);
          std::fflush(stdout);
        }
        more();
      };
      socket->on_closed = [&] {
        ++lost;
        more();
      };
    }
  };
  more();
  std::thread([] {
    while (std::getchar() != EOF) {
    }
    std::_Exit(0);
  }).detach();
  loop.run();
  return 0;
}

namespace {

/// Sockets of one server that go to another when it goes.
class Moving {
 public:
  Moving(int port, int next, int count, const std::string& token)
      : port_(port), next_(next), count_(count), token_(token) {}

  int run(double patience) {
    open_more();
    loop_.after(std::chrono::milliseconds(static_cast<std::int64_t>(patience * 1000)),
                [this] { loop_.stop(); });
    loop_.run();
    fmt::print("{{\"back\":{},\"tries\":{},{}}}\n", waited_.size(), tries_, spread("waited", waited_));
    return 0;
  }

 private:
  /// Not all at once: a server may refuse a flood. What is measured begins when all are open.
  void open_more() {
    for (; begun_ < count_ && begun_ - open_ < 64; ++begun_) {
      auto* socket = new Socket(loop_, port_, token_);
      socket->on_ready = [this] {
        if (++open_ == count_) {
          fmt::print("{{\"open\":{}}}\n", open_);
          std::fflush(stdout);
        }
        open_more();
      };
      socket->on_closed = [this] { go_on(Clock::now()); };
    }
  }

  void go_on(Clock::time_point lost) {
    ++tries_;
    try {
      auto* socket = new Socket(loop_, next_, token_);
      auto is_back = std::make_shared<bool>(false);
      socket->on_ready = [this, lost, is_back] {
        *is_back = true;
        waited_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - lost).count());
        if (waited_.size() == static_cast<std::size_t>(count_)) loop_.stop();
      };
      socket->on_closed = [this, lost, is_back] {
        if (!*is_back) again(lost);
      };
    } catch (const std::exception&) {
      again(lost);
    }
  }
  void again(Clock::time_point lost) {
    loop_.after(std::chrono::milliseconds(50), [this, lost] { go_on(lost); });
  }

  const int port_, next_, count_;
  const std::string& token_;
  Loop loop_;
  int begun_ = 0, open_ = 0, tries_ = 0;
  std::vector<double> waited_;
};

}  // namespace

int move_sockets(int port, int next, int count, const std::string& token, double patience) {
  return Moving(port, next, count, token).run(patience);
}

}  // namespace bench

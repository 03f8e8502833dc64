#pragma once

#include <poll.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "http/chunked.h"
#include "http/core.h"
#include "http/upload.h"

/// The bytes of one HTTP/1.1 connection and their deadlines. Templates, because a socket with TLS has
/// another type; included only by session_plain.cc and session_tls.cc.
namespace antiphon::http {

namespace asio = boost::asio;

/// Bytes read and not yet used. Grows to what a header block may take, no further.
class InputBuffer {
 public:
  std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t size) { begin_ += size; }
  bool empty() const { return begin_ == end_; }
  void commit(std::size_t size) { end_ += size; }

  asio::mutable_buffer room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == bytes_.size() && begin_ > 0) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == bytes_.size()) bytes_.resize(bytes_.empty() ? kFirst : bytes_.size() * 2);
    return {bytes_.data() + end_, bytes_.size() - end_};
  }

 private:
  static constexpr std::size_t kFirst = 2048;
  std::vector<char> bytes_;
  std::size_t begin_ = 0, end_ = 0;
};

/// What differs between plain TCP and TLS: `open` prepares a fresh socket and is false when that
/// fails, `shut` says that nothing more will be sent.
template <class Socket>
struct Transport;

template <>
struct Transport<TcpSocket> {
  static constexpr bool kTls = false;
  static Task<bool> open(TcpSocket& socket) {
    boost::system::error_code error;
    socket.non_blocking(true, error);
    co_return !error;
  }
  static Task<> shut(TcpSocket& socket) {
    boost::system::error_code ignored;  // The client may have closed.
    socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    co_return;
  }
};

/// Reads and writes one connection. Whatever waits here has a deadline, and progress below 1 KiB/s does
/// not move it (row 108).
template <class Socket>
class SessionIo final : public Connection {
 public:
  enum class Phase {
    idle,     ///< Between requests: closed when the server drains.
    reading,  ///< Inside a header or body.
    serving,  ///< A handler runs; no deadline but its own.
  };
  static constexpr bool kTls = Transport<Socket>::kTls;
  /// Bodies of at most so many bytes are gathered with their head.
  static constexpr std::size_t kInline = 16 * 1024;

  SessionIo(Socket socket, std::shared_ptr<LoopState> loop, const ServerOptions& options)
      : socket_(std::move(socket)), options_(options) {
    join(std::move(loop));
  }

  InputBuffer in;
  std::string out;  ///< Written, not yet sent.

  Socket&& take_socket() { return std::move(socket_); }
  Phase phase() const { return phase_; }
  void enter(Phase phase, std::chrono::milliseconds time) {
    phase_ = phase;
    deadline_ = Clock::now() + time;
  }
  void enter_serving() {
    phase_ = Phase::serving;
    deadline_ = kNever;
  }

  void tick(Clock::time_point now, bool draining) override {
    if (now >= deadline_ || (draining && phase_ == Phase::idle)) return abort();
    if (then_gone_ && gone()) std::exchange(then_gone_, nullptr)();
  }
  void abort() override {
    boost::system::error_code ignored;  // Closing twice is no harm.
    socket_.lowest_layer().close(ignored);
  }

  /// Whether the client has left: also when it has only stopped sending, as no browser does.
  bool gone() {
    if (lost_) return true;
    auto& lowest = socket_.lowest_layer();
    if (!lowest.is_open()) return true;
    pollfd state{.fd = lowest.native_handle(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }
  void on_gone(std::function<void()> then) { then_gone_ = std::move(then); }
  /// Nothing can be read or written any more.
  bool lost() const { return lost_; }
  void lose() { lost_ = true; }

  Task<bool> open() {
    enter(Phase::reading, options_.header_timeout);
    co_return co_await Transport<Socket>::open(socket_);
  }

  /// Reads what has come; false when nothing more will.
  Task<bool> fill() {
    auto [error, size] =
        co_await socket_.async_read_some(in.room(), asio::as_tuple(asio::use_awaitable));
    in.commit(size);
    if (error) lost_ = true;
    co_return !error;
  }

  /// Reads a body to the end, into `body`, or piece by piece through it into `form`. A refusal when it
  /// is not sound, with status 0 when the client is gone.
  Task<std::optional<Refusal>> read_body(const Head& head, std::uint64_t limit, std::string& body,
                                         FormReader* form = nullptr) {
    phase_ = Phase::reading;
    Pace pace(*this, options_.body_idle_timeout);
    std::optional<Refusal> refusal;
    if (head.chunked)
      refusal = co_await read_chunked(limit, body, form, pace);
    else if (form)
      refusal = co_await pass_counted(*head.content_length, body, *form, pace);
    else
      refusal = co_await read_counted(*head.content_length, body, pace);
    if (form && !refusal) refusal = co_await form->end();
    deadline_ = kNever;
    co_return refusal;
  }

  /// Writes `out` without waiting; false when not all of it went, or for a socket that cannot tell.
  bool try_send() {
    if constexpr (kTls) {
      return false;
    } else {
      boost::system::error_code error;
      std::size_t size = socket_.write_some(asio::buffer(out), error);
      if (error || size != out.size()) {
        out.erase(0, error ? 0 : size);
        return false;
      }
      sent();
      return true;
    }
  }

  /// Writes `out` and then `more`; false when the client is gone or reads too slowly.
  Task<bool> send(std::string_view more = {}) {
    Clock::time_point before = deadline_;
    Pace pace(*this, options_.write_timeout);
    std::array<asio::const_buffer, 2> rest = {asio::buffer(out), asio::buffer(more)};
    while (rest[0].size() + rest[1].size() > 0) {
      auto [error, size] = co_await socket_.async_write_some(rest, asio::as_tuple(asio::use_awaitable));
      if (error) {
        lost_ = true;
        co_return false;
      }
      std::size_t first = std::min(size, rest[0].size());
      rest[0] += first;
      rest[1] += size - first;
      pace.progress(size);
    }
    sent();
    deadline_ = before;
    co_return true;
  }

  /// What is read of a refused body before the connection is cut: what is on its way already.
  static constexpr std::size_t kMostDropped = 8 << 20;

  /// Lets the client read our last words: closing with unread input would reset the connection.
  Task<> linger() {
    if (lost_) co_return;
    enter(Phase::idle, std::min(options_.header_timeout, std::chrono::milliseconds(2000)));
    co_await Transport<Socket>::shut(socket_);
    std::size_t dropped = 0;
    while (dropped < kMostDropped && co_await fill()) {
      dropped += in.view().size();
      in.consume(in.view().size());
    }
  }

 private:
  /// A deadline that moves on only when enough has moved since the last: 1 KiB/s.
  struct Pace {
    SessionIo& io;
    std::chrono::milliseconds window;
    std::size_t moved = 0;

    Pace(SessionIo& i, std::chrono::milliseconds w) : io(i), window(w) { restart(); }
    void restart() { io.deadline_ = Clock::now() + window; }
    void progress(std::size_t bytes) {
      moved += bytes;
      if (moved < static_cast<std::size_t>(window.count()) * 1024 / 1000) return;
      moved = 0;
      restart();
    }
  };

  Task<std::optional<Refusal>> read_chunked(std::uint64_t limit, std::string& body, FormReader* form,
                                            Pace& pace) {
    ChunkedBody chunks(body, limit);
    for (;;) {
      auto taken = chunks.take(in.view());
      if (!taken) co_return taken.error();
      in.consume(*taken);
      if (form) {
        if (auto refusal = co_await form->take(body)) co_return refusal;
        body.clear();
      }
      if (chunks.done()) co_return std::nullopt;
      if (!co_await fill()) co_return Refusal{0, {}};
      pace.progress(in.view().size());
    }
  }

  Task<std::optional<Refusal>> read_counted(std::size_t total, std::string& body, Pace& pace) {
    body = in.view().substr(0, total);
    in.consume(body.size());
    while (body.size() < total) {
      // Room for what has come, not for what was announced (row 97).
      std::size_t have = body.size(), step = std::min(total - have, std::max(have, kInline));
      body.resize(have + step);
      auto [error, size] = co_await socket_.async_read_some(asio::buffer(body.data() + have, step),
                                                            asio::as_tuple(asio::use_awaitable));
      body.resize(have + size);
      if (error) co_return Refusal{0, {}};
      pace.progress(size);
    }
    co_return std::nullopt;
  }

  static constexpr std::size_t kPiece = 64 * 1024;

  Task<std::optional<Refusal>> pass_counted(std::uint64_t left, std::string& piece, FormReader& form,
                                            Pace& pace) {
    piece = in.view().substr(0, left);
    in.consume(piece.size());
    while (true) {
      if (auto refusal = co_await form.take(piece)) co_return refusal;
      if ((left -= piece.size()) == 0) co_return std::nullopt;
      piece.resize(std::min<std::uint64_t>(left, kPiece));
      auto [error, size] =
          co_await socket_.async_read_some(asio::buffer(piece), asio::as_tuple(asio::use_awaitable));
      if (error) co_return Refusal{0, {}};
      piece.resize(size);
      pace.progress(size);
    }
  }

  void sent() {
    out.clear();
    if (out.capacity() > 4 * kInline) out.shrink_to_fit();
  }

  Socket socket_;
  const ServerOptions& options_;
  Clock::time_point deadline_ = kNever;
  std::function<void()> then_gone_;
  Phase phase_ = Phase::idle;
  bool lost_ = false;
};

}  // namespace antiphon::http

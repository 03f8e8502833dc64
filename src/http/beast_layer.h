#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/role.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "http/core.h"
#include "http/meter.h"

namespace antiphon::http {

namespace asio = boost::asio;

/// What Beast's WebSocket reads from and writes to, in front of the real socket: counts incoming
/// frames, hands over bytes that came early, and while corked gathers what is written, so that many
/// messages leave in one packet. One loop only.
template <class Socket>
class BeastLayer {
 public:
  using executor_type = LoopExecutor;
  using next_layer_type = Socket;

  BeastLayer(Socket socket, std::string early) : socket_(std::move(socket)), early_(std::move(early)) {}

  executor_type get_executor() noexcept { return socket_.get_executor(); }
  next_layer_type& next_layer() { return socket_; }
  const next_layer_type& next_layer() const { return socket_; }
  bool tripped() const { return meter_.tripped(); }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        Read<Buffers>{*this, buffers}, token, socket_);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        Write<Buffers>{*this, buffers}, token, socket_);
  }

  void cork() { corked_ = true; }
  /// Sends what was gathered; `done` runs on the loop, and holds what keeps this layer alive until
  /// then.
  void uncork(std::function<void(boost::system::error_code)> done) {
    corked_ = false;
    flushed_ = std::move(done);
    if (!flushing_) flush();
  }
  /// Sends `bytes` as the last ones, when Beast can send no more. `done` fails when Beast was stopped
  /// in the middle of a frame.
  void finish_with(std::string_view bytes, std::function<void(boost::system::error_code)> done) {
    if (*writing_ > 0)
      return asio::post(get_executor(), [done = std::move(done)] { done(asio::error::in_progress); });
    gathered_ += bytes;
    uncork(std::move(done));
  }

 private:
  template <class Buffers>
  struct Read {
    BeastLayer& layer;
    Buffers buffers;
    bool begun = false;

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t size = 0) {
      if (!std::exchange(begun, true)) {
        if (layer.early_.empty()) return layer.socket_.async_read_some(buffers, std::move(self));
        size = asio::buffer_copy(buffers, asio::buffer(layer.early_));
        layer.early_.erase(0, size);
        return asio::post(layer.get_executor(), [self = std::move(self), size]() mutable {
          self(boost::system::error_code(), size);
        });
      }
      if (!error && !layer.meter(buffers, size)) error = asio::error::no_buffer_space;
      self.complete(error, size);
    }
  };

  template <class Buffers>
  struct Write {
    BeastLayer& layer;
    Buffers buffers;
    bool begun = false;
    std::shared_ptr<int> writing =
        nullptr;  ///< Set when the socket writes; the layer may be gone then.

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t size = 0) {
      if (!std::exchange(begun, true)) {
        if (!layer.corked_ && !layer.flushing_) {
          writing = layer.writing_;
          ++*writing;
          return layer.socket_.async_write_some(buffers, std::move(self));
        }
        size = layer.gather(buffers);
        return asio::post(layer.get_executor(), [self = std::move(self), size]() mutable {
          self(boost::system::error_code(), size);
        });
      }
      if (writing) --*writing;
      self.complete(error, size);
    }
  };

  template <class Buffers>
  bool meter(const Buffers& buffers, std::size_t size) {
    auto now = Clock::now();
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
         ++it) {
      asio::const_buffer one = *it;
      std::size_t here = std::min(size, one.size());
      if (!meter_.take({static_cast<const char*>(one.data()), here}, now)) return false;
      size -= here;
    }
    return true;
  }

  template <class Buffers>
  std::size_t gather(const Buffers& buffers) {
    std::size_t size = asio::buffer_size(buffers), before = gathered_.size();
    gathered_.resize(before + size);
    asio::buffer_copy(asio::buffer(gathered_.data() + before, size), buffers);
    return size;
  }

  void flush() {
    if (gathered_.empty()) {
      if (auto done = std::exchange(flushed_, nullptr))
        asio::post(get_executor(), [done] { done({}); });
      return;
    }
    flushing_ = true;
    // The handler of `flushed_` keeps us alive until it has run.
    auto text = std::make_shared<std::string>(std::exchange(gathered_, {}));
    asio::async_write(socket_, asio::buffer(*text),
                      [this, text, done = flushed_](boost::system::error_code error, std::size_t) {
                        flushing_ = false;
                        if (!error) return flush();  // A pong may have been gathered meanwhile.
                        if (auto now = std::exchange(flushed_, nullptr)) now(error);
                      });
  }

  Socket socket_;
  FrameMeter meter_;
  std::string early_;
  std::string gathered_;  ///< At most a batch, plus the control frames the meter lets through.
  std::function<void(boost::system::error_code)> flushed_;
  std::shared_ptr<int> writing_ = std::make_shared<int>(0);  ///< Writes past `gathered_` under way.
  bool corked_ = false;
  bool flushing_ = false;
};

// What Beast calls when a connection is over. Our close lets the peer read the last frame.
template <class Socket>
void teardown(boost::beast::role_type, BeastLayer<Socket>& layer, boost::system::error_code& error) {
  layer.next_layer().lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_send, error);
}
template <class Socket, class Handler>
void async_teardown(boost::beast::role_type role, BeastLayer<Socket>& layer, Handler&& handler) {
  boost::system::error_code error;
  teardown(role, layer, error);
  asio::post(layer.get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
    handler(boost::system::error_code());
  });
}

}  // namespace antiphon::http

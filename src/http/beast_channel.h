#pragma once

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/log.h"
#include "base/signal.h"
#include "http/beast_layer.h"
#include "http/channel.h"
#include "http/upgrade.h"
#include "http/wire.h"

/// A WebSocket over Beast, for one kind of socket. Included by websocket_plain.cc and
/// websocket_tls.cc only: it costs 10 s to compile.
namespace antiphon::http {

namespace bws = boost::beast::websocket;
namespace bh = boost::beast::http;

template <class Socket>
class BeastChannel final : public Channel,
                           public Connection,
                           public std::enable_shared_from_this<BeastChannel<Socket>> {
 public:
  BeastChannel(Socket socket, Arrival arrival, std::string early, std::shared_ptr<SocketHandle> handle)
      : ws_(std::move(socket), std::move(early)),
        arrival_(std::move(arrival)),
        handle_(std::move(handle)) {
    ws_.auto_fragment(false);  // One message, one frame, no copy.
    ws_.write_buffer_bytes(1024);
    bws::stream_base::timeout times{.handshake_timeout = std::chrono::seconds(10),
                                    .idle_timeout = arrival_.core->options.socket_idle_timeout,
                                    .keep_alive_pings = true};
    ws_.set_option(times);
    join(arrival_.loop);
    if (Meters* meters = arrival_.core->meters.get()) meters->websocket_opened();
  }
  ~BeastChannel() override {
    if (Meters* meters = arrival_.core->meters.get()) meters->websocket_closed();
  }

  /// Answers 101; false when the client has gone or asked wrongly.
  Task<bool> accept(const Upgrade& upgrade) {
    bh::request<bh::empty_body> request(bh::verb::get, upgrade.request->raw_path, 11);
    for (const auto& [name, value] : upgrade.request->headers.all())
      if (name.size() < 64 && value.size() < 256) request.set(name, value);
    // Ours was settled from the connection; the client's own word for it is not.
    request.set(bh::field::host, upgrade.request->headers.get("host"));
    ws_.set_option(bws::stream_base::decorator([&upgrade](bws::response_type& response) {
      response.erase(bh::field::server);
      response.set("X-Request-Id", upgrade.request->id);
      for (const auto& [name, value] : upgrade.headers)
        if (is_field_safe(name, value)) response.insert(name, value);
    }));
    auto [error] = co_await ws_.async_accept(request, asio::as_tuple(asio::use_awaitable));
    ws_.set_option(bws::stream_base::decorator([](bws::response_type&) {}));
    if (error) co_return false;
    open_ = true;
    flush();  // Someone may have wanted to close meanwhile.
    co_return true;
  }

  Task<std::optional<Frame>> read() override {
    Frame frame;
    do {
      ws_.read_message_max(handle_->limit());
      auto buffer = asio::dynamic_buffer(frame.bytes);
      // By small steps: room for what has come, not for what was announced (row 97).
      std::size_t step = frame.bytes.empty()          ? kFirstStep
                         : frame.bytes.size() < kStep ? kSecondStep
                                                      : kStep;
      auto [error, size] =
          co_await ws_.async_read_some(buffer, step, asio::as_tuple(asio::use_awaitable));
      if (error) {
        co_await read_failed();
        co_return std::nullopt;
      }
    } while (!ws_.is_message_done());
    frame.binary = ws_.got_binary();
    co_return frame;
  }

  void flush() override {
    if (!open_ || writing_ || ended_ || ws_.next_layer().tripped()) return;
    batch_ = handle_->take_batch();
    next_ = 0;
    if (batch_.empty()) {
      if (close_code_ != 0) return send_close();
      deadline_ = kNever;
      return;
    }
    writing_ = true;
    if (close_code_ == 0) deadline_ = Clock::now() + arrival_.core->options.write_timeout;
    ws_.next_layer().cork();
    write_next();
  }

  void close(std::uint16_t code, std::string reason) override {
    if (close_code_ != 0 || ended_) return;
    close_code_ = code;
    close_reason_ = std::move(reason);
    deadline_ = Clock::now() + std::min(arrival_.core->options.write_timeout, kCloseTime);
    flush();
  }

  /// Sees the connection to its end.
  Task<> finish() {
    close(1000, "");
    while (!ended_) co_await over_.wait(std::chrono::seconds(10));
    abort();
  }

  void tick(Clock::time_point now, bool draining) override {
    if (now >= deadline_) return abort();
    if (draining) close(1001, "The server is being stopped.");
  }
  void abort() override {
    boost::system::error_code ignored;  // Closing twice is no harm.
    ws_.next_layer().next_layer().lowest_layer().close(ignored);
    end();
  }

 private:
  /// What a socket holds while it waits: a string's own room. A ping fits; the rest of what has come is
  /// taken at once in the next step.
  static constexpr std::size_t kFirstStep = 15;
  static constexpr std::size_t kSecondStep = 1536;
  static constexpr std::size_t kStep = 16 * 1024;
  static constexpr std::chrono::milliseconds kCloseTime{5000};

  static bool is_field_safe(std::string_view name, std::string_view value) {
    return name.find_first_of("\r\n: ") == name.npos && value.find_first_of("\r\n") == value.npos;
  }

  /// Messages go through Beast one by one, into the corked layer, and then out together.
  void write_next() {
    auto self = this->shared_from_this();
    if (next_ == batch_.size())
      return ws_.next_layer().uncork([self](boost::system::error_code error) { self->wrote(error); });
    const Outgoing& out = batch_[next_++];
    ws_.binary(out.binary);
    ws_.async_write(asio::buffer(*out.bytes), [self](boost::system::error_code error, std::size_t) {
      if (error) return self->wrote(error);
      self->write_next();
    });
  }

  void wrote(boost::system::error_code error) {
    std::size_t bytes = 0;
    for (const Outgoing& out : batch_) bytes += out.bytes->size();
    batch_ = {};
    writing_ = false;
    handle_->written(bytes);
    if (ws_.next_layer().tripped()) return;  // read_failed() says the last word.
    if (error) return abort();
    flush();
  }

  void send_close() {
    if (std::exchange(close_sent_, true)) return;
    bws::close_reason why(static_cast<bws::close_code>(close_code_));
    std::string_view text = std::string_view(close_reason_).substr(0, 120);
    why.reason.assign(text.data(), text.size());
    ws_.async_close(why, [self = this->shared_from_this()](boost::system::error_code) { self->end(); });
  }

  /// After a failed read nothing more can be done through Beast; a peer that was too fast is told so.
  Task<> read_failed() {
    if (ws_.next_layer().tripped() && !ended_) co_await refuse_flood();
    if (!close_sent_) end();
  }

  Task<> refuse_flood() {
    static constexpr std::string_view kPolicyViolation = "\x88\x02\x03\xf0";
    auto& layer = ws_.next_layer();
    deadline_ = Clock::now() + kCloseTime;
    auto told = std::make_shared<Signal>();
    layer.finish_with(kPolicyViolation, [told, self = this->shared_from_this()](
                                            boost::system::error_code) { told->notify(); });
    co_await told->wait(kCloseTime);
    auto& socket = layer.next_layer();
    boost::system::error_code error;
    socket.lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_send, error);
    // Input that nobody reads would make the kernel reset the connection, and our word with it.
    std::array<char, 4096> dropped;
    for (int i = 0; i != 1024 && !error && !ended_; ++i) {
      auto [failed, size] =
          co_await socket.async_read_some(asio::buffer(dropped), asio::as_tuple(asio::use_awaitable));
      error = failed;
    }
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    over_.notify();
  }

  bws::stream<BeastLayer<Socket>, false> ws_;  ///< false: no compression (row 98).
  Arrival arrival_;
  std::shared_ptr<SocketHandle> handle_;
  std::vector<Outgoing> batch_;
  std::size_t next_ = 0;
  Clock::time_point deadline_ = kNever;
  Signal over_;
  std::string close_reason_;
  std::uint16_t close_code_ = 0;
  bool open_ = false;  ///< The 101 has gone out; Beast must not be asked for anything before.
  bool writing_ = false;
  bool close_sent_ = false;
  bool ended_ = false;
};

template <class Socket>
Task<> run_websocket(Socket socket, Arrival arrival, Upgrade upgrade) {
  auto handle = std::make_shared<SocketHandle>(arrival.loop->executor());
  auto channel = std::make_shared<BeastChannel<Socket>>(std::move(socket), std::move(arrival),
                                                        std::move(upgrade.early), handle);
  SocketHandle::Attachment attached(*handle, *channel);
  if (!co_await channel->accept(upgrade)) co_return channel->abort();
  try {
    co_await upgrade.endpoint->run(std::move(upgrade.request), handle);
  } catch (const std::exception& error) {
    log::error("A WebSocket's handler failed", {{"error", error.what()}});
    handle->close(1011, "");
  }
  co_await channel->finish();
}

template <class Socket>
void spawn_websocket(Socket socket, Arrival arrival, Upgrade upgrade) {
  Executor executor = arrival.loop->executor();
  asio::co_spawn(executor, run_websocket(std::move(socket), std::move(arrival), std::move(upgrade)),
                 [](std::exception_ptr failure) {
                   if (failure) log::error("A WebSocket failed");
                 });
}

}  // namespace antiphon::http

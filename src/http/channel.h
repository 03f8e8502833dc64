#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/core.h"
#include "http/websocket.h"

namespace antiphon::http {

/// A message on its way out; the text is shared with other sockets.
struct Outgoing {
  std::shared_ptr<const std::string> bytes;
  bool binary;
};

/// The half of a WebSocket that does I/O. Lives, and is called, on the connection's loop only.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual Task<std::optional<Frame>> read() = 0;
  /// There may be something to take_batch().
  virtual void flush() = 0;
  /// Ends the connection once what is queued has gone. The first call counts.
  virtual void close(std::uint16_t code, std::string reason) = 0;
};

/// The half of a WebSocket that everybody holds. Outlives the connection, then swallows everything.
class SocketHandle final : public WebSocket, public std::enable_shared_from_this<SocketHandle> {
 public:
  explicit SocketHandle(LoopExecutor executor) : executor_(executor) {}

  Task<std::optional<Frame>> read() override;
  void send(std::shared_ptr<const std::string> bytes, bool binary) override;
  void close(std::uint16_t code, std::string_view reason) override;
  void limit_messages(std::size_t bytes) override { limit_ = bytes; }

  std::size_t limit() const { return limit_; }
  /// The next messages to write, some 64 KiB of them. By the channel.
  std::vector<Outgoing> take_batch();
  /// So many bytes have gone out. By the channel.
  void written(std::size_t bytes);

  /// Connects a handle to its channel for as long as this lives. On the loop.
  class Attachment {
   public:
    Attachment(SocketHandle& handle, Channel& channel) : handle_(handle) {
      handle_.channel_ = &channel;
    }
    ~Attachment();
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

   private:
    SocketHandle& handle_;
  };

  static constexpr std::size_t kMaxQueued = 8 << 20;
  static constexpr std::size_t kBatch = 64 << 10;

 private:
  LoopExecutor executor_;
  Channel* channel_ = nullptr;  ///< On the loop only; null once the connection has ended.
  std::atomic<std::size_t> limit_ = 64 << 10;
  std::mutex mutex_;
  std::vector<Outgoing> queue_;  ///< Guarded by mutex_, as is all below.
  std::size_t queued_ = 0;       ///< Bytes, those being written included.
  bool woken_ = false;           ///< A flush is on its way to the loop.
  bool closed_ = false;          ///< Nothing more is taken.
};

}  // namespace antiphon::http

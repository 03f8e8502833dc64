#include "http/channel.h"

#include <boost/asio/post.hpp>

namespace antiphon::http {
namespace asio = boost::asio;

Task<std::optional<Frame>> SocketHandle::read() {
  if (!channel_) co_return std::nullopt;
  co_return co_await channel_->read();
}

void SocketHandle::send(std::shared_ptr<const std::string> bytes, bool binary) {
  {
    std::scoped_lock lock(mutex_);
    if (closed_) return;
    queued_ += bytes->size();
    if (queued_ <= kMaxQueued) {
      queue_.push_back({std::move(bytes), binary});
      if (std::exchange(woken_, true)) return;
      // Posted under the lock: after Attachment's destructor the loop may be gone.
      asio::post(executor_, [self = shared_from_this()] {
        if (self->channel_) self->channel_->flush();
      });
      return;
    }
    queue_.clear();
  }
  close(1013, "This client reads too slowly.");
}

void SocketHandle::close(std::uint16_t code, std::string_view reason) {
  std::scoped_lock lock(mutex_);
  if (std::exchange(closed_, true)) return;
  asio::post(executor_, [self = shared_from_this(), code, reason = std::string(reason)] {
    if (self->channel_) self->channel_->close(code, reason);
  });
}

std::vector<Outgoing> SocketHandle::take_batch() {
  std::scoped_lock lock(mutex_);
  woken_ = false;
  std::size_t bytes = 0, end = 0;
  while (end != queue_.size() && bytes < kBatch) bytes += queue_[end++].bytes->size();
  if (end == queue_.size()) return std::exchange(queue_, {});
  auto middle = queue_.begin() + static_cast<std::ptrdiff_t>(end);
  std::vector<Outgoing> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(middle));
  queue_.erase(queue_.begin(), middle);
  return batch;
}

void SocketHandle::written(std::size_t bytes) {
  std::scoped_lock lock(mutex_);
  queued_ -= bytes;
}

SocketHandle::Attachment::~Attachment() {
  std::scoped_lock lock(handle_.mutex_);
  handle_.closed_ = true;
  handle_.channel_ = nullptr;
  handle_.queue_.clear();
}

}  // namespace antiphon::http

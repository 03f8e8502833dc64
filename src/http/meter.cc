#include "http/meter.h"

#include <algorithm>

namespace antiphon::http {

void TokenBucket::refill(Clock::time_point now) {
  if (at_ != Clock::time_point{} && now > at_)
    tokens_ = std::min(burst_, tokens_ + rate_ * std::chrono::duration<double>(now - at_).count());
  if (now > at_) at_ = now;
}

bool TokenBucket::take(Clock::time_point now, double tokens) {
  refill(now);
  if (tokens_ < tokens) return false;
  tokens_ -= tokens;
  return true;
}

double TokenBucket::wait(Clock::time_point now, double tokens) {
  refill(now);
  return tokens_ >= tokens ? 0 : (tokens - tokens_) / rate_;
}

void FrameMeter::frame_begins(Clock::time_point now) {
  constexpr std::uint8_t kContinuation = 0, kText = 1, kBinary = 2, kPing = 9;
  std::uint8_t opcode = opcode_ & 15;
  if (opcode == kText || opcode == kBinary) fragments_ = 1;
  if (opcode == kContinuation) ++fragments_;
  bool sound = frames_.take(now) && fragments_ <= kMaxFragments;
  if (opcode == kPing) sound &= pings_.take(now);
  tripped_ |= !sound;
}

bool FrameMeter::take(std::string_view bytes, Clock::time_point now) {
  while (!bytes.empty() && !tripped_) {
    if (skip_ > 0) {
      std::uint64_t size = std::min<std::uint64_t>(skip_, bytes.size());
      bytes.remove_prefix(size);
      skip_ -= size;
      continue;
    }
    auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (have_ == 0) {
      opcode_ = byte;
    } else if (have_ == 1) {
      std::uint8_t size = byte & 127;
      mask_ = byte & 128 ? 4 : 0;
      length_ = size < 126 ? size : 0;
      need_ = static_cast<std::uint8_t>(2 + (size == 126 ? 2 : size == 127 ? 8 : 0) + mask_);
    } else if (have_ < need_ - mask_) {
      length_ = length_ << 8 | byte;
    }
    if (++have_ < need_) continue;
    frame_begins(now);
    skip_ = length_;
    have_ = 0, need_ = 2;
  }
  return !tripped_;
}

}  // namespace antiphon::http

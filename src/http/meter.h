#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace antiphon::http {

/// Tokens that come back with time. `burst` at most, `rate` a second.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}

  /// Takes a token; false when there is none.
  bool take(Clock::time_point now, double tokens = 1);
  /// Seconds until there are so many tokens; 0 when there are.
  double wait(Clock::time_point now, double tokens = 1);

 private:
  void refill(Clock::time_point now);

  double rate_, burst_, tokens_;
  Clock::time_point at_{};
};

/// Follows the frames in what a WebSocket's peer sends, and says when they are too many: Beast answers
/// every ping and swallows empty fragments without end (row 99). Looks at frame heads only; whether
/// a frame is sound is Beast's business.
class FrameMeter {
 public:
  using Clock = TokenBucket::Clock;

  /// False from the moment the peer has sent too much, for good.
  bool take(std::string_view bytes, Clock::time_point now);
  bool tripped() const { return tripped_; }

  static constexpr int kMaxFragments = 1024;

 private:
  void frame_begins(Clock::time_point now);

  TokenBucket frames_{200, 400};
  TokenBucket pings_{1, 20};
  std::uint64_t skip_ = 0;  ///< Payload bytes still to come.
  std::uint64_t length_ = 0;
  std::uint8_t opcode_ = 0;
  std::uint8_t have_ = 0;  ///< Bytes of the frame's head seen.
  std::uint8_t need_ = 2;  ///< Bytes of the frame's head, as far as known.
  std::uint8_t mask_ = 0;
  int fragments_ = 0;
  bool tripped_ = false;
};

}  // namespace antiphon::http

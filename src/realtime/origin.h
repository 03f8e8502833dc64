#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/call.h"

namespace antiphon::realtime {

/// Which pages may open sockets here. Pure; any thread.
class OriginCheck {
 public:
  /// CORS_ALLOW_ORIGIN's list; "*" takes everybody, but nobody's cookie.
  explicit OriginCheck(std::vector<std::string> allowed) : allowed_(std::move(allowed)) {}

  enum class Verdict {
    own,      ///< From our own pages or a listed origin, or not from a page at all.
    anyone,   ///< Taken because of "*": a cookie does not count, for it came by itself.
    foreign,  ///< Refused.
  };
  Verdict judge(const http::Request& request) const;
  /// What to tell whom it refuses: the line that would let them in.
  std::string cure(std::string_view origin) const;

 private:
  std::vector<std::string> allowed_;
};

}  // namespace antiphon::realtime

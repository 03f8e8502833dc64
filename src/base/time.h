#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace antiphon {

/// Seconds since 1970, as Open WebUI stores times.
inline std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}
inline std::int64_t unix_millis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// The day of Unix seconds in UTC: "2026-11-26".
std::string date_text(std::int64_t unix_seconds);
/// As HTTP writes it (RFC 9110 §5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t unix_seconds);

}  // namespace antiphon

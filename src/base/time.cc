#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <ctime>

namespace antiphon {

std::string date_text(std::int64_t unix_seconds) {
  using namespace std::chrono;
  year_month_day date{floor<days>(sys_seconds(seconds(unix_seconds)))};
  return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()));
}

std::string http_date(std::int64_t unix_seconds) {
  std::time_t when = unix_seconds;
  std::tm parts{};
  gmtime_r(&when, &parts);
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text{};  // Not strftime: its names follow the locale.
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return text.data();
}

}  // namespace antiphon

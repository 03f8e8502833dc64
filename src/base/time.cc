#include "base/time.h"

#include <fmt/format.h>

namespace antiphon {

std::string date_text(std::int64_t unix_seconds) {
  using namespace std::chrono;
  year_month_day date{floor<days>(sys_seconds(seconds(unix_seconds)))};
  return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()));
}

}  // namespace antiphon

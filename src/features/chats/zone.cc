#include "features/chats/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace antiphon::chats {

Zone::Zone(const std::string& name) {
  try {
    zone_ = date::locate_zone(name);
  } catch (const std::runtime_error&) {
    zone_ = nullptr;  // Unknown, or this machine has no zones at all.
  }
}

Zone::Stretch Zone::at(std::int64_t time) const {
  if (!zone_)
    return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 0};
  auto info = zone_->get_info(date::sys_seconds(std::chrono::seconds(time)));
  return {info.begin.time_since_epoch().count(), info.end.time_since_epoch().count(),
          info.offset.count()};
}

std::int64_t Zone::begin_of(std::int64_t day) const {
  if (!zone_) return day * kDay;
  // Where clocks go forward at midnight the day begins at one; where they go back to it, the first
  // time.
  date::local_seconds midnight(std::chrono::seconds(day * kDay));
  return zone_->to_sys(midnight, date::choose::earliest).time_since_epoch().count();
}

std::vector<Zone::Stretch> Zone::stretches(std::int64_t from, std::int64_t until) const {
  std::vector<Stretch> out;
  while (from < until) {
    Stretch next = at(from);
    out.push_back({from, std::min(next.end, until), next.shift});
    from = next.end;
  }
  return out;
}

}  // namespace antiphon::chats

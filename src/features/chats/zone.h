#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace date {
class time_zone;
}

namespace antiphon::chats {

/// The days of a time zone, as its people's calendars have them: most are 24 hours long. Times are Unix
/// seconds, days are counted since 1970.
class Zone {
 public:
  /// `name` is like Europe/Berlin. UTC when this machine knows of no such zone.
  explicit Zone(const std::string& name);

  std::int64_t day_of(std::int64_t time) const { return (time + at(time).shift) / kDay; }
  std::int64_t begin_of(std::int64_t day) const;

  /// A time in which clocks differ from UTC by the same: the day of `t` is (t + shift) / 86400.
  struct Stretch {
    std::int64_t begin, end, shift;
  };
  /// From `from` until `until`, without a gap. Clocks are changed a few times a year.
  std::vector<Stretch> stretches(std::int64_t from, std::int64_t until) const;

  static constexpr std::int64_t kDay = 86'400;

 private:
  Stretch at(std::int64_t time) const;

  const date::time_zone* zone_ = nullptr;  ///< None: UTC.
};

}  // namespace antiphon::chats

#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

/// What a message that may come by two ways carries: whose it is and its number.
namespace antiphon::bus {

struct Numbered {
  std::string_view sender;
  std::uint64_t number = 0;
  std::string_view message;
};

/// "#sender number message". `sender`: [a-z0-9].
std::string with_number(std::string_view sender, std::uint64_t number, std::string_view message);
/// Without a number, as one sends who has one way only, its `sender` is empty.
Numbered numbered_in(std::string_view text);

/// Lets each message of a sender through once, whichever way it comes first, and notices those that
/// come by neither. The order is not its matter: who needs one has numbers of his own. Not for several
/// threads at once.
class Arrivals {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kWindow = 4'096;  ///< How far behind the newest one may come.
  static constexpr std::size_t kMaxSenders = 1'000;
  /// How long the other way may take.
  static constexpr std::chrono::milliseconds kPatience{1'000};

  /// True when it has not come before.
  bool take(std::string_view sender, std::uint64_t number, Clock::time_point now);
  /// True once for each time that messages have been missing for longer than patience.
  bool overdue(Clock::time_point now);

 private:
  struct Sender {
    std::uint64_t newest = 0;
    std::uint64_t complete = 0;  ///< Up to here all have come, or are given up.
    std::bitset<kWindow> seen;
    Clock::time_point gap_since;
    Clock::time_point heard;
    bool has(std::uint64_t number) const { return seen[number % kWindow]; }
    void advance(Clock::time_point now);
  };
  std::map<std::string, Sender, std::less<>> senders_;
};

}  // namespace antiphon::bus

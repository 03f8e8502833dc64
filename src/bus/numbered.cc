#include "bus/numbered.h"

#include <algorithm>
#include <charconv>

namespace antiphon::bus {
namespace {

constexpr char kMark = '#';

}  // namespace

std::string with_number(std::string_view sender, std::uint64_t number, std::string_view message) {
  std::string out(1, kMark);
  out.append(sender).append(" ").append(std::to_string(number)).append(" ").append(message);
  return out;
}

Numbered numbered_in(std::string_view text) {
  if (!text.starts_with(kMark)) return {.sender = {}, .message = text};
  std::size_t name = text.find(' ');
  std::size_t end = name == text.npos ? text.npos : text.find(' ', name + 1);
  if (end == text.npos || name == 1) return {.sender = {}, .message = text};
  Numbered out{.sender = text.substr(1, name - 1), .message = text.substr(end + 1)};
  auto [at, error] = std::from_chars(text.data() + name + 1, text.data() + end, out.number);
  if (error != std::errc() || at != text.data() + end || out.number == 0)
    return {.sender = {}, .message = text};
  return out;
}

void Arrivals::Sender::advance(Clock::time_point now) {
  std::uint64_t before = complete;
  while (complete < newest && has(complete + 1)) ++complete;
  if (complete != before) gap_since = now;
}

bool Arrivals::take(std::string_view sender, std::uint64_t number, Clock::time_point now) {
  auto at = senders_.find(sender);
  if (at == senders_.end()) {
    if (senders_.size() >= kMaxSenders)
      senders_.erase(
          std::ranges::min_element(senders_, {}, [](const auto& one) { return one.second.heard; }));
    at = senders_.try_emplace(std::string(sender)).first;
    // What it said before is not missed: who begins to hear reads the database.
    at->second.complete = at->second.newest = number - 1;
  }
  Sender& known = at->second;
  known.heard = now;
  if (number + kWindow <= known.newest) return false;
  if (number > known.newest) {
    if (known.complete == known.newest) known.gap_since = now;
    if (number - known.newest >= kWindow)
      known.seen.reset();
    else
      for (std::uint64_t n = known.newest + 1; n != number; ++n) known.seen.reset(n % kWindow);
    known.newest = number;
  } else if (known.has(number)) {
    return false;
  }
  known.seen.set(number % kWindow);
  known.advance(now);
  return true;
}

bool Arrivals::overdue(Clock::time_point now) {
  bool missing = false;
  for (auto& [name, sender] : senders_) {
    if (sender.complete == sender.newest || now - sender.gap_since < kPatience) continue;
    missing = true;
    sender.complete = sender.newest;
  }
  return missing;
}

}  // namespace antiphon::bus

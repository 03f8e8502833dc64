#include "features/completions/takeover.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace antiphon::completions {
namespace {

bool is_call(const json::Value& item) {
  return json::text_at(item, "type") == "function_call";
}

/// A tool may have run or not: only its reader can tell whether that matters.
bool has_open_call(const json::Array& items) {
  return std::ranges::any_of(items, [&](const json::Value& item) {
    if (!is_call(item)) return false;
    std::string_view id = json::text_at(item, "call_id");
    return std::ranges::none_of(items, [&](const json::Value& other) {
      return json::text_at(other, "type") == "function_call_output" &&
             json::text_at(other, "call_id") == id;
    });
  });
}

/// Unicode characters, as people count them.
std::int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, [](unsigned char c) { return (c & 0xc0) != 0x80; });
}

}  // namespace

Takeup takeup_of(const Abandoned& left, models::Takeover policy) {
  if (left.cancelled) return Takeup::stop;
  if (left.attempts > kMaxAttempts) return Takeup::give_up;
  if (!left.user) return Takeup::keep;
  if (left.attachable) return Takeup::attach;
  if (!left.output.begun()) return Takeup::ask;
  const json::Array& items = left.output.items();
  switch (policy) {
    case models::Takeover::keep:
      return Takeup::keep;
    case models::Takeover::resume:
      return has_open_call(items) ? Takeup::keep : Takeup::resume;
    case models::Takeover::restart:  // What a tool has done is not done twice.
      return std::ranges::any_of(items, is_call) ? Takeup::keep : Takeup::restart;
  }
  return Takeup::keep;
}

json::Object takeover_status(Takeup takeup, const runs::Output& left, std::int64_t now) {
  bool resumed = takeup == Takeup::resume || takeup == Takeup::attach;
  std::string when = fmt::format("{:%H:%M}", std::chrono::sys_seconds(std::chrono::seconds(now)));
  return {{"action", "takeover"},
          {"description", resumed ? "The server stopped; continued at " + when + " UTC"
                                  : "The server stopped; begun again at " + when + " UTC"},
          {"policy", resumed ? "continue" : "restart"},
          {"at", now},
          {"offset", characters(left.text())},
          {"done", true}};
}

}  // namespace antiphon::completions

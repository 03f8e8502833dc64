#pragma once

#include <algorithm>
#include <string>
#include <string_view>

/// Small things about ASCII text that the HTTP folder needs in several places.
namespace antiphon::http {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i != a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes the part before `separator` off `text`, or all of it. `text` is empty afterwards when the
/// part was the last.
constexpr std::string_view take_part(std::string_view& text, char separator) {
  std::size_t end = text.find(separator);
  std::string_view part = text.substr(0, end);
  text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

/// Whether a comma-separated list (Connection, Upgrade, Accept-Encoding) holds `token`; parameters
/// after ";" do not count.
constexpr bool lists(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    std::string_view item = take_part(list, ',');
    if (equal_ignoring_case(trim(take_part(item, ';')), token)) return true;
  }
  return false;
}

}  // namespace antiphon::http

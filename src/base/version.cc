#include "base/version.h"

#include <array>
#include <charconv>

namespace antiphon {
namespace {

std::array<int, 3> numbers_of(std::string_view text) {
  std::array<int, 3> out{};
  for (int& number : out) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || !text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
  return numbers_of(a) <=> numbers_of(b);
}

}  // namespace antiphon

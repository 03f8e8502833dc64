#pragma once

#include <cstddef>
#include <string_view>

namespace antiphon::chunk {

/// Bytes [begin, end) of a section's text.
struct Range {
  std::size_t begin = 0, end = 0;
  std::string_view in(std::string_view text) const { return text.substr(begin, end - begin); }
  bool operator==(const Range&) const = default;
};

}  // namespace antiphon::chunk

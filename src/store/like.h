#pragma once

#include <string>
#include <string_view>

#include "base/encode.h"

namespace antiphon::store {

/// For `LIKE … ESCAPE '\'`: what has `text` in it as it is (U18). The start of it: SQLite takes
/// patterns of 1000 bytes, and every one may need a backslash.
inline std::string containing(std::string_view text) {
  std::string out = "%";
  for (char c : utf8_prefix(text, 498)) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + '%';
}

}  // namespace antiphon::store

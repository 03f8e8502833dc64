#include "chunk/boundaries.h"

#include <stdexcept>
#include <string>

namespace antiphon::chunk {
namespace {

void check(UErrorCode code) {
  if (U_FAILURE(code)) throw std::runtime_error(std::string("ICU: ") + u_errorName(code));
}

/// Cuts after every run of `separator` that is at least `least` long.
std::vector<Range> cut_after(std::string_view text, Range range, char separator, std::size_t least) {
  std::vector<Range> pieces;
  std::size_t begin = range.begin, run = 0;
  for (std::size_t at = range.begin; at < range.end; ++at) {
    if (text[at] == separator) {
      ++run;
      continue;
    }
    if (text[at] == '\r') continue;  // "\r\n\r\n" is an empty line, too.
    if (run >= least) {
      pieces.push_back({begin, at});
      begin = at;
    }
    run = 0;
  }
  if (begin < range.end) pieces.push_back({begin, range.end});
  return pieces;
}

std::vector<Range> cut_code_points(std::string_view text, Range range) {
  std::vector<Range> pieces;
  for (std::size_t at = range.begin; at < range.end; ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80 && !pieces.empty()) {
      pieces.back().end = at + 1;
    } else {
      pieces.push_back({at, at + 1});
    }
  }
  return pieces;
}

}  // namespace

Boundaries::Boundaries() : sentences_(load(UBRK_SENTENCE)), graphemes_(load(UBRK_CHARACTER)) {}

Boundaries::Rules Boundaries::load(UBreakIteratorType type) {
  UErrorCode code = U_ZERO_ERROR;
  Rules rules(ubrk_open(type, "", nullptr, 0, &code));
  check(code);
  return rules;
}

std::vector<Range> Boundaries::cut_by(UBreakIterator& rules, std::string_view text, Range range) {
  UErrorCode code = U_ZERO_ERROR;
  std::string_view part = range.in(text);
  std::unique_ptr<UText, Close> bytes(
      utext_openUTF8(nullptr, part.data(), static_cast<std::int64_t>(part.size()), &code));
  check(code);
  ubrk_setUText(&rules, bytes.get(), &code);  // Keeps a shallow copy, which `part` outlives: see below.
  check(code);
  std::vector<Range> pieces;
  std::size_t begin = range.begin;
  (void)ubrk_first(&rules);
  for (std::int32_t at = ubrk_next(&rules); at != UBRK_DONE; at = ubrk_next(&rules)) {
    pieces.push_back({begin, range.begin + static_cast<std::size_t>(at)});
    begin = pieces.back().end;
  }
  ubrk_setText(&rules, u"", 0, &code);
  check(code);
  return pieces;
}

std::vector<Range> Boundaries::cut(std::string_view text, Range range, Level level) {
  switch (level) {
    case Level::paragraph:
      return cut_after(text, range, '\n', 2);
    case Level::line:
      return cut_after(text, range, '\n', 1);
    case Level::sentence:
      return cut_by(*sentences_, text, range);
    case Level::word:
      return cut_after(text, range, ' ', 1);
    case Level::grapheme:
      return cut_by(*graphemes_, text, range);
    case Level::code_point:
      break;
  }
  return cut_code_points(text, range);
}

}  // namespace antiphon::chunk

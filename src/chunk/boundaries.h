#pragma once

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <memory>
#include <vector>

#include "chunk/range.h"

namespace antiphon::chunk {

/// Where a text may be cut, from the best place to the worst.
enum class Level { paragraph, line, sentence, word, grapheme, code_point };
constexpr Level kLast = Level::code_point;

/// Finds places to cut. Holds ICU's rules, which cost more to load than most texts to read, so one
/// serves a whole document. One thread.
class Boundaries {
 public:
  Boundaries();
  /// The range in pieces, in order and without gaps; each ends after what separates it from the next.
  std::vector<Range> cut(std::string_view text, Range range, Level level);

 private:
  struct Close {
    void operator()(UBreakIterator* rules) const { ubrk_close(rules); }
    void operator()(UText* text) const { utext_close(text); }
  };
  using Rules = std::unique_ptr<UBreakIterator, Close>;
  static Rules load(UBreakIteratorType type);
  static std::vector<Range> cut_by(UBreakIterator& rules, std::string_view text, Range range);

  Rules sentences_, graphemes_;
};

}  // namespace antiphon::chunk

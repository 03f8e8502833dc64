#include "chunk/chunk.h"

#include <deque>
#include <stdexcept>
#include <utility>

#include "base/encode.h"
#include "chunk/boundaries.h"
#include "chunk/headings.h"

namespace antiphon::chunk {
namespace {

constexpr std::size_t kLargest = 1 << 30;  // ICU counts in 32 bits.

struct Piece {
  Range range;
  std::size_t length;
};

/// Cuts one stretch of text: at the best places there are, and only what is too long still at the next
/// best.
class Recursive {
 public:
  Recursive(std::string_view text, const Options& options, Boundaries& boundaries)
      : text_(text), options_(options), boundaries_(boundaries) {}

  /// As deep as there are levels.
  void split(Range range, Level level, std::vector<Range>& out) {
    std::vector<Piece> short_enough;
    for (Range part : boundaries_.cut(text_, range, level)) {
      std::size_t own = utf8_length(part.in(text_));
      if (own <= options_.size) {
        short_enough.push_back({part, own});
        continue;
      }
      merge(std::exchange(short_enough, {}), out);
      split(part, static_cast<Level>(static_cast<int>(level) + 1), out);
    }
    merge(short_enough, out);
  }

 private:
  /// Puts neighbours together while they are at most `size` long; the last ones of each, at most
  /// `overlap` long, begin the next.
  void merge(const std::vector<Piece>& pieces, std::vector<Range>& out) const {
    std::deque<Piece> open;
    std::size_t held = 0;
    auto drop_first = [&] {
      held -= open.front().length;
      open.pop_front();
    };
    for (const Piece& piece : pieces) {
      if (held + piece.length > options_.size) {
        out.push_back({open.front().range.begin, open.back().range.end});
        while (held > options_.overlap || held + piece.length > options_.size) drop_first();
      }
      open.push_back(piece);
      held += piece.length;
    }
    if (!open.empty()) out.push_back({open.front().range.begin, open.back().range.end});
  }

  std::string_view text_;
  const Options& options_;
  Boundaries& boundaries_;
};

/// Without ASCII white space at either end; empty when there is nothing else.
Range trimmed(std::string_view text, Range range) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  std::string_view part = range.in(text);
  std::size_t first = part.find_first_not_of(kSpace);
  if (first == part.npos) return {};
  return {range.begin + first, range.begin + part.find_last_not_of(kSpace) + 1};
}

void check(std::span<const Section> sections, const Options& options) {
  if (options.size < 1) throw std::invalid_argument("a chunk's size is at least 1");
  if (options.overlap >= options.size)
    throw std::invalid_argument("chunks overlap by less than their size");
  for (const Section& section : sections) {
    if (section.text.size() > kLargest) throw std::invalid_argument("a section is longer than 1 GiB");
    if (!valid_utf8(section.text)) throw std::invalid_argument("a section is not UTF-8");
  }
}

}  // namespace

std::vector<Chunk> split(std::span<const Section> sections, const Options& options) {
  check(sections, options);
  Boundaries boundaries;
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const Section& section = sections[i];
    std::vector<Part> parts{{{0, section.text.size()}, section.headings}};
    if (options.at_headings) parts = cut_at_headings(section.text, section.headings);
    parts = join_short(section.text, std::move(parts), options.min_size, options.size);
    Recursive recursive(section.text, options, boundaries);
    std::size_t covered = 0;
    for (const Part& part : parts) {
      std::vector<Range> ranges;
      recursive.split(part.range, Level::paragraph, ranges);
      for (Range range : ranges) {
        range = trimmed(section.text, range);
        if (range.end <= covered) continue;  // Only space is new in it.
        chunks.push_back({i, range.begin, range.end, section.page, part.headings});
        covered = range.end;
      }
    }
  }
  return chunks;
}

}  // namespace antiphon::chunk

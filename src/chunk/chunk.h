#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Cuts documents into the pieces that are embedded and found. Pure functions; any thread.
namespace antiphon::chunk {

/// A stretch of a document as extraction gives it: a page, a sheet, a whole text.
struct Section {
  std::string_view text;  ///< UTF-8, at most 1 GiB. Outlives the call.
  std::optional<std::int64_t> page;
  std::vector<std::string> headings;  ///< What it stands under, the outermost first.
};

/// What is embedded: `section.text[begin, end)`, without the white space around it. Never empty, never
/// of two sections, and neither begins nor ends inside a code point.
struct Chunk {
  std::size_t section;  ///< Index into what was split.
  std::size_t begin, end;
  std::optional<std::int64_t> page;
  std::vector<std::string> headings;

  std::string_view text(std::span<const Section> sections) const {
    return sections[section].text.substr(begin, end - begin);
  }
};

/// Lengths are in code points, as Open WebUI's are.
struct Options {
  std::size_t size = 1000;    ///< CHUNK_SIZE: no chunk is longer. At least 1.
  std::size_t overlap = 100;  ///< CHUNK_OVERLAP: up to so much of a chunk begins the next. Below size.
  std::size_t min_size =
      0;  ///< CHUNK_MIN_SIZE_TARGET: a shorter part under a heading takes in the next.
  bool at_headings = true;  ///< ENABLE_MARKDOWN_HEADER_TEXT_SPLITTER: no chunk spans two headings.
};

/// Every character but white space is in a chunk, and chunks are in the order of the document. Two
/// overlap only within what one heading, and one paragraph too long for a chunk, holds.
/// Throws std::invalid_argument for options or text that are none.
std::vector<Chunk> split(std::span<const Section> sections, const Options& options);

}  // namespace antiphon::chunk

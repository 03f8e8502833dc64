#pragma once

#include <optional>
#include <string>

#include "base/encode.h"
#include "chunk/chunk.h"

namespace antiphon::chunk {

/// What holds of every split; the tests and the fuzz target ask. Yields the claim that does not.
inline std::optional<std::string> broken_claim(std::span<const Section> sections,
                                               const Options& options, std::span<const Chunk> chunks) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  auto is_inside = [](std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  std::size_t next = 0;
  for (std::size_t s = 0; s < sections.size(); ++s) {
    std::string_view text = sections[s].text;
    std::size_t covered = 0, begin = 0;
    auto only_space = [&](std::size_t from, std::size_t to) {
      return to <= from || text.substr(from, to - from).find_first_not_of(kSpace) == text.npos;
    };
    for (; next < chunks.size() && chunks[next].section == s; ++next) {
      const Chunk& chunk = chunks[next];
      if (chunk.begin >= chunk.end || chunk.end > text.size())
        return "a chunk is empty or beyond its section";
      if (is_inside(text, chunk.begin) || is_inside(text, chunk.end)) return "a code point is cut";
      if (utf8_length(chunk.text(sections)) > options.size) return "a chunk is too long";
      if (covered > chunk.begin &&
          utf8_length(text.substr(chunk.begin, covered - chunk.begin)) > options.overlap) {
        return "chunks overlap too much";
      }
      if (chunk.begin < begin || chunk.end <= covered) return "chunks are out of order";
      if (!only_space(covered, chunk.begin)) return "something is lost between two chunks";
      if (chunk.page != sections[s].page) return "a page is wrong";
      if (kSpace.contains(text[chunk.begin]) || kSpace.contains(text[chunk.end - 1]))
        return "space is kept";
      covered = chunk.end;
      begin = chunk.begin;
    }
    if (!only_space(covered, text.size())) return "something is lost at the end";
  }
  if (next != chunks.size()) return "a chunk belongs to no section";
  return std::nullopt;
}

}  // namespace antiphon::chunk

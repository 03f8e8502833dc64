#pragma once

#include <string>
#include <vector>

#include "chunk/range.h"

namespace antiphon::chunk {

/// A stretch of text and the headings it stands under, the outermost first.
struct Part {
  Range range;
  std::vector<std::string> headings;
};

/// Cuts Markdown before each of its headings (`# …` to `###### …`, CommonMark's ATX headings, outside
/// fenced code); a heading belongs to the part it begins. Parts follow one another without gaps.
/// `outer`: what the text as a whole stands under. Headings are kept to 256 bytes.
std::vector<Part> cut_at_headings(std::string_view text, const std::vector<std::string>& outer);

/// Lets a part shorter than `min_size` take in the next one, while both are at most `size` long; they
/// then stand under what both stood under.
std::vector<Part> join_short(std::string_view text, std::vector<Part> parts, std::size_t min_size,
                             std::size_t size);

}  // namespace antiphon::chunk

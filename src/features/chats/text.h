#pragma once

#include <string>
#include <string_view>

/// Text as search compares it, the same on both databases whatever their locale. Pure functions; bytes
/// that are no UTF-8 count as blanks.
namespace antiphon::chats {

/// Bytes of a message that search looks at.
inline constexpr std::size_t kSearchedBytes = 200'000;

/// Without case and, for Latin letters, without marks: "Ärger" becomes "arger".
std::string fold(std::string_view text);

/// The folded words of `text` with a blank between. Scripts that do not part words (Chinese, Japanese,
/// Thai …) come letter by letter. At most `most` bytes.
std::string words_of(std::string_view text, std::size_t most = kSearchedBytes);

/// A hundred and sixty bytes or so of `text`, on one line, around the first place where its words begin
/// with `words` (which came from words_of); its start when there is none.
std::string snippet(std::string_view text, std::string_view words);

/// Open WebUI's ids of tags: "My Tag" and "my tag" are "my_tag".
std::string tag_id(std::string_view name);

}  // namespace antiphon::chats

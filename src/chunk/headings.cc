#include "chunk/headings.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encode.h"

namespace antiphon::chunk {
namespace {

constexpr std::size_t kLongestHeading = 256;

/// Without white space at either end.
std::string_view trimmed(std::string_view s) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t begin = s.find_first_not_of(kSpace);
  if (begin == s.npos) return {};
  return s.substr(begin, s.find_last_not_of(kSpace) + 1 - begin);
}

/// Without up to three spaces of indentation; nothing for what is indented further, which is code.
std::optional<std::string_view> unindented(std::string_view line) {
  std::size_t spaces = std::min(line.find_first_not_of(' '), line.size());
  if (spaces > 3) return std::nullopt;
  return line.substr(spaces);
}

std::size_t run_of(char c, std::string_view s) {
  return std::min(s.find_first_not_of(c), s.size());
}

struct Heading {
  std::size_t level;  ///< 1 to 6.
  std::string text;
};

std::optional<Heading> heading_in(std::string_view line) {
  std::size_t level = run_of('#', line);
  if (level < 1 || level > 6) return std::nullopt;
  std::string_view rest = line.substr(level);
  if (!rest.empty() && rest[0] != ' ' && rest[0] != '\t' && rest[0] != '\r') return std::nullopt;
  rest = trimmed(rest);
  // "## Title ##": the closing ones are not part of it.
  std::size_t last = rest.find_last_not_of('#');
  if (last == rest.npos)
    rest = {};
  else if (rest[last] == ' ' || rest[last] == '\t')
    rest = trimmed(rest.substr(0, last));
  return Heading{level, std::string(utf8_prefix(rest, kLongestHeading))};
}

/// Whether lines are inside ``` or ~~~.
class Fence {
 public:
  /// Whether `line` is code, or opens or ends it.
  bool holds(std::string_view line) {
    char mark = line.empty() ? '\0' : line[0];
    std::size_t run = mark == '`' || mark == '~' ? run_of(mark, line) : 0;
    if (length_ == 0) {
      bool opens = run >= 3 && (mark == '~' || line.substr(run).find('`') == line.npos);
      if (opens) mark_ = mark, length_ = run;
      return opens;
    }
    if (mark == mark_ && run >= length_ && trimmed(line.substr(run)).empty()) length_ = 0;
    return true;
  }

 private:
  char mark_ = '\0';
  std::size_t length_ = 0;  ///< 0 outside.
};

}  // namespace

std::vector<Part> cut_at_headings(std::string_view text, const std::vector<std::string>& outer) {
  std::vector<Part> parts;
  std::vector<Heading> open;
  Fence fence;
  Part part{{}, outer};
  for (std::size_t at = 0; at < text.size();) {
    std::size_t next = std::min(text.find('\n', at), text.size() - 1) + 1;
    auto line = unindented(text.substr(at, next - at));
    std::optional<Heading> heading;
    if (line && !fence.holds(*line)) heading = heading_in(*line);
    if (heading) {
      part.range.end = at;
      if (part.range.begin < at) parts.push_back(std::move(part));
      while (!open.empty() && open.back().level >= heading->level) open.pop_back();
      open.push_back(std::move(*heading));
      part = {{at, at}, outer};
      for (const Heading& one : open) part.headings.push_back(one.text);
    }
    at = next;
  }
  part.range.end = text.size();
  if (part.range.begin < part.range.end) parts.push_back(std::move(part));
  return parts;
}

std::vector<Part> join_short(std::string_view text, std::vector<Part> parts, std::size_t min_size,
                             std::size_t size) {
  std::vector<Part> joined;
  std::size_t last = 0;  // Length of joined.back().
  for (Part& part : parts) {
    std::size_t own = utf8_length(part.range.in(text));
    if (!joined.empty() && last < min_size && last + own <= size) {
      auto& kept = joined.back().headings;
      kept.erase(std::ranges::mismatch(kept, part.headings).in1, kept.end());
      joined.back().range.end = part.range.end;
      last += own;
    } else {
      joined.push_back(std::move(part));
      last = own;
    }
  }
  return joined;
}

}  // namespace antiphon::chunk

#include "features/completions/tags.h"

#include <algorithm>

namespace antiphon::completions {
namespace {

const std::vector<std::pair<std::string, std::string>>& default_pairs() {
  static const std::vector<std::pair<std::string, std::string>> pairs{
      {"<think>", "</think>"},
      {"<thinking>", "</thinking>"},
      {"<reason>", "</reason>"},
      {"<reasoning>", "</reasoning>"},
      {"<thought>", "</thought>"},
      {"<Thought>", "</Thought>"},
      {"<|begin_of_thought|>", "<|end_of_thought|>"},
      {"◁think▷", "◁/think▷"},
  };
  return pairs;
}

/// Marks around the answer itself, which nobody should see.
constexpr std::string_view kAnswerMarks[] = {"<|begin_of_solution|>", "<|end_of_solution|>"};

/// How many bytes at the end of `text` could be the beginning of `tag`.
std::size_t partial(std::string_view text, std::string_view tag) {
  for (std::size_t n = std::min(text.size(), tag.size() - 1); n != 0; --n)
    if (text.ends_with(tag.substr(0, n))) return n;
  return 0;
}

/// Where the next line after `at` begins, blanks skipped; npos when there is none.
std::size_t next_line(std::string_view text, std::size_t at) {
  std::size_t end = text.find('\n', at);
  return end == text.npos ? end : end + 1;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}

}  // namespace

TagScanner::TagScanner() : pairs_(default_pairs()), marks_(kAnswerMarks) {}
TagScanner::TagScanner(std::vector<std::pair<std::string, std::string>> pairs)
    : pairs_(std::move(pairs)) {}

std::vector<TagScanner::Piece> TagScanner::feed(std::string_view text) {
  std::vector<Piece> out;
  held_ += text;
  while (step(out)) {
  }
  return out;
}

std::vector<TagScanner::Piece> TagScanner::finish() {
  std::vector<Piece> out;
  if (!held_.empty()) give(out, inside() ? Piece::Kind::reasoning : Piece::Kind::text, held_.size());
  inside_ = -1;
  line_start_ = true;
  return out;
}

void TagScanner::give(std::vector<Piece>& out, Piece::Kind kind, std::size_t bytes) {
  if (bytes == 0) return;
  out.push_back({kind, held_.substr(0, bytes)});
  std::size_t line = out.back().text.rfind('\n') + 1;  // 0 when there is none.
  bool blank = out.back().text.find_first_not_of(" \t", line) == std::string::npos;
  line_start_ = blank && (line != 0 || line_start_);
  held_.erase(0, bytes);
}

/// True when it consumed something and may find more.
bool TagScanner::step(std::vector<Piece>& out) {
  if (held_.empty()) return false;
  if (!inside()) return step_text(out);
  const std::string& end = pairs_[static_cast<std::size_t>(inside_)].second;
  std::size_t at = held_.find(end);
  if (at == held_.npos) {
    give(out, Piece::Kind::reasoning, held_.size() - partial(held_, end));
    return false;
  }
  give(out, Piece::Kind::reasoning, at);
  held_.erase(0, end.size());
  out.push_back({Piece::Kind::close, end});
  inside_ = -1;
  line_start_ = true;  // What follows a closed block begins afresh.
  return true;
}

bool TagScanner::step_text(std::vector<Piece>& out) {
  // What may be the beginning of a tag or a mark stays in hand; of several, from the first on.
  std::size_t keep = held_.size(), mark = held_.npos, mark_size = 0;
  for (std::string_view m : marks_) {
    if (std::size_t at = held_.find(m); at < mark) {
      mark = at;
      mark_size = m.size();
    }
    keep = std::min(keep, held_.size() - partial(held_, m));
  }
  for (std::size_t line = line_start_ ? 0 : next_line(held_, 0); line < std::min(mark, held_.npos);
       line = next_line(held_, line)) {
    std::size_t at = skip_blanks(held_, line);
    std::string_view rest = std::string_view(held_).substr(at);
    for (std::size_t i = 0; i != pairs_.size(); ++i) {
      const std::string& open = pairs_[i].first;
      if (rest.starts_with(open)) {
        give(out, Piece::Kind::text, at);
        held_.erase(0, open.size());
        out.push_back({Piece::Kind::open, open});
        inside_ = static_cast<int>(i);
        return true;
      }
    }
    bool could_be = std::ranges::any_of(pairs_, [&](const auto& pair) {
      return rest.size() < pair.first.size() && pair.first.starts_with(rest);
    });
    if (could_be) keep = std::min(keep, at);  // Also when the line is still empty.
  }
  if (mark != held_.npos) {
    give(out, Piece::Kind::text, mark);
    held_.erase(0, mark_size);
    line_start_ = true;  // What the mark encloses begins afresh.
    return true;
  }
  give(out, Piece::Kind::text, keep);
  return false;
}

}  // namespace antiphon::completions

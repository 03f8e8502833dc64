#include "features/completions/chore_answers.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encode.h"

namespace antiphon::completions {
namespace {

constexpr std::size_t kMaxTitle = 120;
constexpr std::size_t kMaxLine = 80;
constexpr std::size_t kMostTags = 3, kMaxTag = 40;
constexpr std::size_t kMostFollowUps = 5, kMaxFollowUp = 400;
constexpr std::size_t kMostBraces = 256;      ///< Places where an object is looked for,
constexpr std::size_t kMostText = 64 * 1024;  ///< in so much of the end.
constexpr std::string_view kBlank = " \t\r\n";

/// What a model says that fills the example in with its own words.
constexpr std::array<std::string_view, 16> kExamples = {
    "title",    "your title", "your title here", "a title", "tag",      "tags", "tag1",
    "tag2",     "tag3",       "string",          "text",    "question", "none", "null",
    "untitled", "follow_ups",
};

std::string_view trim(std::string_view text, std::string_view of) {
  std::size_t start = text.find_first_not_of(of);
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(of) + 1 - start);
}

/// U+2000 to U+206F and U+3000 to U+303F: dashes, quotation marks, the ellipsis, other blanks.
bool punctuation(std::string_view sequence) {
  if (sequence.size() != 3) return false;
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  return (at(0) == 0xE2 && (at(1) == 0x80 || (at(1) == 0x81 && at(2) < 0xB0))) ||
         (at(0) == 0xE3 && at(1) == 0x80);
}

bool says_something(std::string_view text) {
  while (!text.empty()) {
    std::size_t n = utf8_sequence(text);
    if (n == 0) return false;
    char c = text.front();
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || (n > 1 && !punctuation(text.substr(0, n)))) return true;
    text.remove_prefix(n);
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; });
  return out;
}

std::string shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  return std::string(utf8_prefix(text, bytes - 3)) + "…";
}

/// Without what stands around it: a number in a list, marks of Markdown, quotation marks in pairs.
std::string_view bare(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
      {"\"", "\""}, {"'", "'"}, {"`", "`"}, {"*", "*"}, {"_", "_"}, {"“", "”"}, {"„", "“"}, {"«", "»"}};
  text = trim(text, kBlank);
  std::size_t digits = text.find_first_not_of("0123456789");
  if (digits != 0 && digits != text.npos && digits + 1 < text.size() &&
      (text[digits] == '.' || text[digits] == ')') && text[digits + 1] == ' ')
    text.remove_prefix(digits + 2);
  for (std::string_view before; before != text;) {
    before = text;
    for (std::string_view mark : {"# ", "#", "- ", "* "})
      if (text.starts_with(mark)) text.remove_prefix(mark.size());
    for (auto [open, close] : kPairs)
      if (text.size() > open.size() + close.size() && text.starts_with(open) && text.ends_with(close))
        text = text.substr(open.size(), text.size() - open.size() - close.size());
    text = trim(text, kBlank);
  }
  return text;
}

/// A line with blanks for what has no place in one: tabs, escapes of terminals.
std::string printable(std::string_view line) {
  std::string out(line);
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

/// One line that may be shown; "" when it says nothing or is the example.
std::string line_in(std::string_view text) {
  text = trim(text, kBlank);
  std::string out = printable(bare(text.substr(0, text.find_first_of("\r\n"))));
  if (!says_something(out) || std::ranges::find(kExamples, lower(out)) != kExamples.end()) return {};
  return out;
}

/// The object that begins at `open`; nothing when its brace is not closed or it is no JSON.
std::optional<json::Value> object_at(std::string_view text, std::size_t open) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = open; i < text.size(); ++i) {
    char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && c == '{')
      ++depth;
    else if (!quoted && c == '}' && --depth == 0)
      return json::try_parse(text.substr(open, i + 1 - open));
  }
  return std::nullopt;
}

/// The texts at `key`: a list, or one text with commas.
std::vector<std::string> listed(const json::Value& completion, std::string_view key) {
  std::vector<std::string> out;
  auto object = object_in_answer(completion, key);
  if (!object) return out;
  if (const json::Array* list = json::array_at(*object, key)) {
    for (const json::Value& value : *list)
      if (value.is_string()) out.emplace_back(json::view(value.as_string()));
    return out;
  }
  std::string_view text = json::text_at(*object, key);
  while (!text.empty()) {
    std::size_t comma = std::min(text.find(','), text.size());
    out.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

/// At most `most` different lines.
template <class Fits>
std::vector<std::string> lines_in(const std::vector<std::string>& texts, std::size_t most, Fits fits) {
  std::vector<std::string> out, seen;
  for (const std::string& text : texts) {
    std::string line = line_in(text);
    if (out.size() == most || line.empty() || !fits(line)) continue;
    std::string key = lower(line);
    std::ranges::replace(key, ' ', '_');
    if (std::ranges::find(seen, key) != seen.end()) continue;
    seen.push_back(std::move(key));
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace

std::optional<json::Value> object_in_answer(const json::Value& completion, std::string_view key) {
  const json::Array* choices = json::array_at(completion, "choices");
  const json::Value* message =
      choices && !choices->empty() ? json::find(choices->front(), "message") : nullptr;
  if (!message) return std::nullopt;
  std::string_view text = utf8_suffix(json::text_at(*message, "content"), kMostText);
  std::size_t open = text.rfind('{');
  for (std::size_t tries = 0; open != text.npos && tries != kMostBraces; ++tries) {
    if (auto value = object_at(text, open); value && json::find(*value, key)) return value;
    if (open == 0) break;
    open = text.rfind('{', open - 1);
  }
  return std::nullopt;
}

std::string title_in(const json::Value& completion) {
  auto object = object_in_answer(completion, "title");
  return object ? shortened(line_in(json::text_at(*object, "title")), kMaxTitle) : std::string();
}

std::vector<std::string> tags_in(const json::Value& completion) {
  return lines_in(listed(completion, "tags"), kMostTags,
                  [](const std::string& tag) { return tag.size() <= kMaxTag; });
}

std::vector<std::string> follow_ups_in(const json::Value& completion) {
  auto out = lines_in(listed(completion, "follow_ups"), kMostFollowUps,
                      [](const std::string&) { return true; });
  for (std::string& question : out) question = shortened(question, kMaxFollowUp);
  return out;
}

std::string title_of_question(std::string_view question) {
  while (!question.empty()) {
    std::size_t end = std::min(question.find_first_of("\r\n"), question.size());
    std::string_view line = trim(question.substr(0, end), kBlank);
    if (says_something(line)) return shortened(printable(line), kMaxLine);
    question.remove_prefix(std::min(end + 1, question.size()));
  }
  return {};
}

}  // namespace antiphon::completions

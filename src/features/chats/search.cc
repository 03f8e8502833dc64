#include <algorithm>

#include "base/encode.h"
#include "features/chats/sidebar.h"
#include "features/chats/text.h"

namespace antiphon::chats {
namespace {

constexpr std::size_t kMaxQuery = 1000;
constexpr std::size_t kMaxWords = 16;

bool blank(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

/// At blanks, but for those in quotes after a colon: `folder:"My Stuff"`.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && blank(text[at])) ++at;
    std::size_t end = at;
    for (; end < text.size() && !blank(text[end]); ++end)
      if (text.substr(end, 2) == ":\"")
        if (std::size_t close = text.find('"', end + 2); close != text.npos) end = close;
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// The text without what is no UTF-8: PostgreSQL refuses it.
std::string valid(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = utf8_sequence(text);
    if (length == 0)
      out += ' ';
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::optional<bool> yes(std::string_view value) {
  if (value == "true" || value == "yes" || value == "1") return true;
  if (value == "false" || value == "no" || value == "0") return false;
  return std::nullopt;
}

/// What the index holds for each word of the query: itself nothing but letters, digits and blanks, so
/// it cannot be taken for an operator.
std::vector<std::string> phrases(std::string_view words) {
  std::vector<std::string> out;
  for (const std::string& word : split(words))
    if (std::string phrase = words_of(word, 200); !phrase.empty() && out.size() < kMaxWords)
      out.push_back(std::move(phrase));
  return out;
}

/// True when `word` was an operator.
bool take_operator(SearchQuery& q, std::string_view word) {
  std::size_t colon = word.find(':');
  if (colon == word.npos || colon + 1 == word.size()) return false;
  std::string_view name = word.substr(0, colon);
  std::string_view value = word.substr(colon + 1);
  if (value.size() > 2 && value.starts_with('"') && value.ends_with('"'))
    value = value.substr(1, value.size() - 2);
  if (name == "tag" && value == "none") return q.untagged = true;
  if (name == "tag" && q.tags.size() < kMaxWords) {
    if (std::ranges::find(q.tags, tag_id(value)) == q.tags.end()) q.tags.push_back(tag_id(value));
    return true;
  }
  if (name == "folder" && q.folders.size() < kMaxWords)
    return q.folders.push_back(SearchQuery::folder_word(value)), true;
  auto flag = yes(value);
  if (!flag) return false;
  if (name == "pinned") return q.pinned = flag, true;
  if (name == "archived") return q.archived = flag, true;
  if (name == "shared") return q.shared = flag, true;
  return false;
}

}  // namespace

SearchQuery SearchQuery::parse(std::string_view text) {
  SearchQuery q;
  for (const std::string& word : split(valid(utf8_prefix(text, kMaxQuery)))) {
    if (take_operator(q, word)) continue;
    if (!q.words.empty()) q.words += ' ';
    q.words += word;
  }
  return q;
}

std::string SearchQuery::folder_word(std::string_view name) {
  std::string out = fold(name);
  std::ranges::replace(out, ' ', '_');
  return out;
}

std::string SearchQuery::fts5() const {
  std::string out;
  for (const std::string& phrase : phrases(words)) {
    if (!out.empty()) out += ' ';
    out += '"' + phrase + '"';
  }
  return out.empty() ? out : out + '*';
}

std::string SearchQuery::tsquery() const {
  std::string out;
  for (const std::string& phrase : phrases(words)) {
    if (!out.empty()) out += " & ";
    out += '\'' + phrase + '\'';
  }
  return out.empty() ? out : out + ":*";
}

Order Order::parse(const std::optional<std::string>& by, const std::optional<std::string>& direction) {
  Order order;
  if (by == "created_at") order.by = By::created_at;
  if (by == "title") order.by = By::title;
  if (by == "unread_updated_at") order.by = By::unread;
  order.descending = direction != "asc";
  return order;
}

}  // namespace antiphon::chats

#include <algorithm>

#include "features/chats/sidebar.h"

namespace antiphon::chats {
namespace {

constexpr std::size_t kMaxQuery = 1000;
constexpr std::size_t kMaxWords = 16;

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && blank(text[at])) ++at;
    std::size_t end = at;
    while (end < text.size() && !blank(text[end])) ++end;
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::optional<bool> yes(std::string_view value) {
  if (value == "true" || value == "yes" || value == "1") return true;
  if (value == "false" || value == "no" || value == "0") return false;
  return std::nullopt;
}

std::string lower_snake(std::string_view name) {
  std::string out;
  for (char c : name) out += c == ' ' ? '_' : (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c;
  return out;
}

/// What a tokenizer may see: letters, digits and everything beyond ASCII.
std::string plain(std::string_view word) {
  std::string out;
  for (char c : word) {
    auto u = static_cast<unsigned char>(c);
    bool keep = u >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    out += keep ? c : ' ';
  }
  return out;
}

std::vector<std::string> tokens(std::string_view words) {
  std::vector<std::string> out = split(plain(words));
  if (out.size() > kMaxWords) out.resize(kMaxWords);
  return out;
}

}  // namespace

SearchQuery SearchQuery::parse(std::string_view text) {
  SearchQuery q;
  for (const std::string& word : split(text.substr(0, kMaxQuery))) {
    std::string_view w = word;
    std::size_t colon = w.find(':');
    std::string_view name = w.substr(0, colon);
    std::string_view value = colon == w.npos ? std::string_view() : w.substr(colon + 1);
    if (!value.empty() && name == "tag" && q.tags.size() < kMaxWords) {
      q.tags.push_back(lower_snake(value));
    } else if (!value.empty() && name == "folder" && q.folders.size() < kMaxWords) {
      q.folders.push_back(lower_snake(value));
    } else if (auto flag = yes(value); flag && name == "pinned") {
      q.pinned = flag;
    } else if (flag && name == "archived") {
      q.archived = flag;
    } else if (flag && name == "shared") {
      q.shared = flag;
    } else {
      if (!q.words.empty()) q.words += ' ';
      q.words += word;
    }
  }
  return q;
}

std::string SearchQuery::fts5() const {
  std::string out;
  for (const std::string& token : tokens(words)) {
    if (!out.empty()) out += ' ';
    out += '"' + token + '"';
  }
  return out.empty() ? out : out + '*';
}

std::string SearchQuery::tsquery() const {
  std::string out;
  for (const std::string& token : tokens(words)) {
    if (!out.empty()) out += " & ";
    out += '\'' + token + '\'';
  }
  return out.empty() ? out : out + ":*";
}

Order Order::parse(const std::optional<std::string>& by, const std::optional<std::string>& direction) {
  Order order;
  if (by == "created_at") order.by = By::created_at;
  if (by == "title") order.by = By::title;
  order.descending = direction != "asc";
  return order;
}

}  // namespace antiphon::chats

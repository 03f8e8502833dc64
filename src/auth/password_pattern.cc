#include <regex.h>

#include <optional>
#include <vector>

#include "auth/password.h"

namespace antiphon::auth {
namespace {

constexpr std::size_t kMaxPattern = 1024;
constexpr std::string_view kDefault = R"(^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[^\w\s]).{8,}$)";

/// One condition on the whole password. All of a pattern's must hold.
struct Condition {
  std::string expression;  ///< POSIX extended.
  bool wanted = true;
};

/// \d, \w and \s, which POSIX does not know, inside brackets and outside of them.
std::string to_posix(std::string_view in) {
  std::string out;
  bool bracket = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '\\' && i + 1 < in.size()) {
      char c = in[++i];
      std::string_view set = c == 'd' ? "0-9" : c == 'w' ? "a-zA-Z0-9_" : c == 's' ? "[:space:]" : "";
      if (set.empty())
        bracket ? out.append(1, c) : out.append(1, '\\').append(1, c);
      else
        bracket ? out.append(set) : out.append("[").append(set).append("]");
      continue;
    }
    if (in[i] == '[') bracket = true;
    if (in[i] == ']') bracket = false;
    out.push_back(in[i]);
  }
  return out;
}

/// The end of the group that begins at `at` (an opening parenthesis); npos when it does not end.
std::size_t end_of_group(std::string_view in, std::size_t at) {
  int depth = 0;
  bool bracket = false;
  for (std::size_t i = at; i < in.size(); ++i) {
    if (in[i] == '\\') {
      ++i;
    } else if (bracket) {
      bracket = in[i] != ']';
    } else if (in[i] == '[') {
      bracket = true;
    } else if (in[i] == '(') {
      ++depth;
    } else if (in[i] == ')' && --depth == 0) {
      return i;
    }
  }
  return in.npos;
}

std::optional<std::vector<Condition>> conditions_of(std::string_view pattern) {
  if (pattern.empty()) pattern = kDefault;
  if (pattern.size() > kMaxPattern) return std::nullopt;
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  std::vector<Condition> out;
  while (pattern.starts_with("(?=") || pattern.starts_with("(?!")) {
    std::size_t end = end_of_group(pattern, 0);
    if (end == pattern.npos) return std::nullopt;
    out.push_back({"^(" + to_posix(pattern.substr(3, end - 3)) + ")", pattern[2] == '='});
    pattern.remove_prefix(end + 1);
  }
  if (pattern.find("(?") != pattern.npos) return std::nullopt;
  if (!pattern.empty()) out.push_back({"^" + to_posix(pattern), true});
  return out;
}

/// Nothing when the expression does not compile.
std::optional<bool> found(const std::string& expression, const std::string& text) {
  regex_t compiled;
  if (regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return std::nullopt;
  bool hit = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return hit;
}

}  // namespace

bool valid_pattern(const std::string& pattern) {
  auto conditions = conditions_of(pattern);
  if (!conditions) return false;
  for (const Condition& c : *conditions)
    if (!found(c.expression, "")) return false;
  return true;
}

bool matches_pattern(const std::string& pattern, const std::string& password) {
  auto conditions = conditions_of(pattern);
  if (!conditions) return false;
  for (const Condition& c : *conditions)
    if (found(c.expression, password) != c.wanted) return false;
  return true;
}

}  // namespace antiphon::auth

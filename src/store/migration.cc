#include "store/migration.h"

#include <algorithm>
#include <array>

namespace antiphon::store {
namespace {

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

Header header_of(const Migration& migration) {
  static constexpr std::array<std::string_view, 3> kKinds{"expand", "backfill", "contract"};
  Header out;
  std::string_view line = migration.text.substr(0, migration.text.find_first_of("\r\n"));
  if (next_word(line) != "--") return out;
  std::string_view kind = next_word(line);
  if (std::ranges::find(kKinds, kind) == kKinds.end()) return out;
  out.kind = kind;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    if (word == "concurrently") out.concurrently = true;
    if (word == "from") out.from = next_word(line);
    if (word == "after") out.after = next_word(line);
  }
  return out;
}

std::string sql_for(Dialect dialect, std::string_view text) {
  std::string_view own = dialect == Dialect::sqlite ? "sqlite" : "postgres";
  std::string out;
  bool ours = true;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("--@"))
      ours = line == "--@end" || line.substr(3) == own;
    else if (ours)
      out.append(line).append("\n");
  }
  return out;
}

}  // namespace antiphon::store

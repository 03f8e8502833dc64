#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace antiphon::completions {

/// Finds reasoning that a model writes between tags in its text (`<think>…</think>` and kin). A pure
/// state machine: pieces may be cut anywhere; what could be the beginning of a tag is held back
/// (never more than the longest tag). An opening tag counts at the start of a line only, so that
/// text about tags stays text. The marks some models put around their answer (`<|begin_of_solution|>`)
/// are dropped.
class TagScanner {
 public:
  struct Piece {
    enum class Kind { text, reasoning, open, close };
    Kind kind;
    std::string text;  ///< For open: the tag found. For close: the end tag.
    friend bool operator==(const Piece&, const Piece&) = default;
  };

  /// With `pairs` the default list is replaced, and marks stay; an empty list turns detection off.
  TagScanner();
  explicit TagScanner(std::vector<std::pair<std::string, std::string>> pairs);

  std::vector<Piece> feed(std::string_view text);
  /// The end of the text: gives out what was held back.
  std::vector<Piece> finish();
  bool inside() const { return inside_ >= 0; }

 private:
  bool step(std::vector<Piece>& out);
  bool step_text(std::vector<Piece>& out);
  void give(std::vector<Piece>& out, Piece::Kind kind, std::size_t bytes);

  std::vector<std::pair<std::string, std::string>> pairs_;
  std::span<const std::string_view> marks_;
  std::string held_;
  int inside_ = -1;         ///< Index of the pair whose end is looked for.
  bool line_start_ = true;  ///< Whether held_ begins a line, blanks aside.
};

}  // namespace antiphon::completions

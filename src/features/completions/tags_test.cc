#include "features/completions/tags.h"

#include <gtest/gtest.h>

namespace antiphon::completions {
namespace {

using Kind = TagScanner::Piece::Kind;

/// Text and reasoning of `whole`, fed in two pieces cut at `cut`.
std::pair<std::string, std::string> split(std::string_view whole, std::size_t cut) {
  TagScanner scanner;
  std::pair<std::string, std::string> out;
  auto note = [&](const std::vector<TagScanner::Piece>& pieces) {
    for (const auto& p : pieces) {
      if (p.kind == Kind::text) out.first += p.text;
      if (p.kind == Kind::reasoning) out.second += p.text;
    }
  };
  note(scanner.feed(whole.substr(0, cut)));
  note(scanner.feed(whole.substr(cut)));
  note(scanner.finish());
  return out;
}

TEST(TagScanner, FindsReasoningHoweverThePiecesAreCut) {
  constexpr std::string_view kWhole = "<think>\nfirst 2 < 3\n</think>\n\nThe answer.";
  for (std::size_t cut = 0; cut <= kWhole.size(); ++cut) {
    auto [text, reasoning] = split(kWhole, cut);
    EXPECT_EQ(text, "\n\nThe answer.") << cut;
    EXPECT_EQ(reasoning, "\nfirst 2 < 3\n") << cut;
  }
}

TEST(TagScanner, BlanksBeforeATagAreNoReasonToMissIt) {
  constexpr std::string_view kWhole = "  <think>a</think> \t<thought>b</thought>c\n <reason>d";
  for (std::size_t cut = 0; cut <= kWhole.size(); ++cut) {
    auto [text, reasoning] = split(kWhole, cut);
    EXPECT_EQ(text, "   \tc\n ") << cut;
    EXPECT_EQ(reasoning, "abd") << cut;
  }
}

TEST(TagScanner, ATagInTheMiddleOfALineIsText) {
  constexpr std::string_view kWhole = "Write <think> to begin, a < b, and <thin";
  for (std::size_t cut = 0; cut <= kWhole.size(); ++cut) EXPECT_EQ(split(kWhole, cut).first, kWhole);
}

TEST(TagScanner, ReasoningThatIsNeverClosedIsStillGivenOut) {
  auto [text, reasoning] = split("◁think▷ half a thou", 5);
  EXPECT_EQ(text, "");
  EXPECT_EQ(reasoning, " half a thou");
}

TEST(TagScanner, MarksAroundTheAnswerAreDropped) {
  constexpr std::string_view kWhole =
      "<|begin_of_thought|>why<|end_of_thought|>\n<|begin_of_solution|>So <|b> it "
      "is.<|end_of_solution|>\n";
  for (std::size_t cut = 0; cut <= kWhole.size(); ++cut) {
    auto [text, reasoning] = split(kWhole, cut);
    EXPECT_EQ(text, "\nSo <|b> it is.\n") << cut;
    EXPECT_EQ(reasoning, "why") << cut;
  }
}

TEST(TagScanner, EverySpellingIsKnownAndClosedByItsOwn) {
  for (const auto& [open, close] : std::initializer_list<std::pair<std::string, std::string>>{
           {"<think>", "</think>"},
           {"<thinking>", "</thinking>"},
           {"<reason>", "</reason>"},
           {"<reasoning>", "</reasoning>"},
           {"<thought>", "</thought>"},
           {"<Thought>", "</Thought>"},
           {"<|begin_of_thought|>", "<|end_of_thought|>"},
           {"◁think▷", "◁/think▷"}}) {
    std::string whole = "\n" + open + "a </b> " + close + "c";
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
      auto [text, reasoning] = split(whole, cut);
      EXPECT_EQ(text, "\nc") << open << cut;
      EXPECT_EQ(reasoning, "a </b> ") << open << cut;
    }
  }
}

TEST(TagScanner, TheNextTextBeginsAfresh) {
  TagScanner scanner;
  (void)scanner.feed("<think>never closed");
  (void)scanner.finish();
  EXPECT_FALSE(scanner.inside());
  auto pieces = scanner.feed("text");
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].kind, Kind::text);
}

TEST(TagScanner, WithoutPairsEverythingIsText) {
  TagScanner off(std::vector<std::pair<std::string, std::string>>{});
  auto pieces = off.feed("<think>x</think>");
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].kind, Kind::text);
}

TEST(TagScanner, HoldsBackNoMoreThanATag) {
  TagScanner scanner;
  std::string given;
  for (int i = 0; i != 100; ++i)
    for (const auto& p : scanner.feed("<<<<\n<thi ")) given += p.text;
  EXPECT_GE(given.size() + 24, 1000u);
}

}  // namespace
}  // namespace antiphon::completions

#include "chunk/headings.h"

#include <gtest/gtest.h>

namespace antiphon::chunk {
namespace {

using Headings = std::vector<std::string>;

/// Each part's text, after the headings it stands under: "A/B: text".
std::vector<std::string> said(std::string_view text, const std::vector<Part>& parts) {
  std::vector<std::string> all;
  for (const Part& part : parts) {
    std::string& one = all.emplace_back();
    for (const std::string& heading : part.headings) one += heading + "/";
    one += ": ";
    one += part.range.in(text);
  }
  return all;
}

std::vector<std::string> cut(std::string_view text, const Headings& outer = {}) {
  return said(text, cut_at_headings(text, outer));
}

using Parts = std::vector<std::string>;

TEST(Headings, AreAPathThatEndsWhereAnotherOfTheLevelBegins) {
  EXPECT_EQ(cut("intro\n# A\na\n### B\nb\n## C\nc\n# D\nd"),
            (Parts{": intro\n", "A/: # A\na\n", "A/B/: ### B\nb\n", "A/C/: ## C\nc\n", "D/: # D\nd"}));
}

TEST(Headings, StandUnderThoseOfTheSection) {
  EXPECT_EQ(cut("x\n# A\n", {"Book"}), (Parts{"Book/: x\n", "Book/A/: # A\n"}));
}

TEST(Headings, AreWhatCommonMarkSaysTheyAre) {
  EXPECT_EQ(cut("#no\n"), Parts{": #no\n"});
  EXPECT_EQ(cut("####### no\n"), Parts{": ####### no\n"});
  EXPECT_EQ(cut("    # no\n"), Parts{":     # no\n"});
  EXPECT_EQ(cut("   #\tyes"), Parts{"yes/:    #\tyes"});
  EXPECT_EQ(cut("## yes ##  \r\n"), Parts{"yes/: ## yes ##  \r\n"});
  EXPECT_EQ(cut("# C#"), Parts{"C#/: # C#"});
  EXPECT_EQ(cut("#"), Parts{"/: #"});
  EXPECT_EQ(cut("# ##"), Parts{"/: # ##"});
}

TEST(Headings, AreNotInFencedCode) {
  EXPECT_EQ(cut("```sh\n# no\n~~~\n``\n```\n# A\n"),
            (Parts{": ```sh\n# no\n~~~\n``\n```\n", "A/: # A\n"}));
  EXPECT_EQ(cut("~~~~\n# no\n~~~\n# no\n"), Parts{": ~~~~\n# no\n~~~\n# no\n"});
  EXPECT_EQ(cut("``` a`b\n# A\n"), (Parts{": ``` a`b\n", "A/: # A\n"}));
}

TEST(Headings, AreKeptTo256BytesOfWholeCodePoints) {
  std::string text = "# " + std::string(255, 'x') + "\xc3\xa4";
  auto parts = cut_at_headings(text, {});
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].headings, Headings{std::string(255, 'x')});
}

TEST(Headings, OfNothingAreNone) {
  EXPECT_TRUE(cut("").empty());
}

TEST(ShortParts, TakeInTheNextAndKeepTheHeadingsOfBoth) {
  std::string_view text = "# A\n## B\nb\n## C\nc\n# D\n";
  EXPECT_EQ(said(text, join_short(text, cut_at_headings(text, {}), 10, 100)),
            (Parts{"A/: # A\n## B\nb\n", ": ## C\nc\n# D\n"}));
}

TEST(ShortParts, StayWhereBothWouldBeTooLong) {
  std::string_view text = "# A\nab\n# B\nab\n";
  auto parts = cut_at_headings(text, {});
  EXPECT_EQ(join_short(text, parts, 100, 13).size(), 2u);
  EXPECT_EQ(join_short(text, parts, 100, 14).size(), 1u);
  EXPECT_EQ(join_short(text, parts, 7, 14).size(), 2u) << "seven is not below seven";
  EXPECT_EQ(join_short(text, parts, 0, 14).size(), 2u);
}

TEST(ShortParts, AreMeasuredInCodePoints) {
  std::string_view text = "# \xc3\xa4\xc3\xa4\n# b\n";  // Five and four of them.
  EXPECT_EQ(join_short(text, cut_at_headings(text, {}), 6, 9).size(), 1u);
}

}  // namespace
}  // namespace antiphon::chunk

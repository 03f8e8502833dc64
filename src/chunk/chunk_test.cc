#include "chunk/chunk.h"

#include <gtest/gtest.h>

#include <random>

#include "chunk/claims.h"

namespace antiphon::chunk {
namespace {

using Texts = std::vector<std::string>;

Texts texts(std::span<const Section> sections, const Options& options) {
  std::vector<Chunk> chunks = split(sections, options);
  EXPECT_EQ(broken_claim(sections, options, chunks), std::nullopt);
  Texts all;
  for (const Chunk& chunk : chunks) all.emplace_back(chunk.text(sections));
  return all;
}

Texts texts(std::string_view text, const Options& options) {
  Section section{text, std::nullopt, {}};
  return texts({&section, 1}, options);
}

TEST(Chunk, KeepsParagraphsTogetherWhileTheyFit) {
  EXPECT_EQ(texts("one\n\ntwo\n\nthree", {.size = 10, .overlap = 0}), (Texts{"one\n\ntwo", "three"}));
}

TEST(Chunk, EndsWithASentenceRatherThanAWord) {
  EXPECT_EQ(texts("It is so. Dr Who is not. Is it?", {.size = 16, .overlap = 0}),
            (Texts{"It is so.", "Dr Who is not.", "Is it?"}));
  EXPECT_EQ(texts("彼は来た。私は見た。", {.size = 6, .overlap = 0}),
            (Texts{"彼は来た。", "私は見た。"}));
}

TEST(Chunk, EndsWithAWordRatherThanALetter) {
  EXPECT_EQ(texts("alpha beta gamma", {.size = 11, .overlap = 0}), (Texts{"alpha beta", "gamma"}));
  EXPECT_EQ(texts("abcdefg", {.size = 3, .overlap = 0}), (Texts{"abc", "def", "g"}));
}

TEST(Chunk, RepeatsTheEndOfTheOneBefore) {
  EXPECT_EQ(texts("a b c d e", {.size = 4, .overlap = 2}), (Texts{"a b", "b c", "c d", "d e"}));
}

TEST(Chunk, LeavesWhatIsOneLetterToTheReaderWhole) {
  std::string family = "\U0001F468\u200D\U0001F469\u200D\U0001F467";  // Five code points.
  EXPECT_EQ(texts(family + family, {.size = 6, .overlap = 0}), (Texts{family, family}));
  EXPECT_EQ(texts("xe\u0301", {.size = 2, .overlap = 0}), (Texts{"x", "e\u0301"}));
  EXPECT_EQ(texts(family, {.size = 3, .overlap = 0}).size(), 2u) << "longer than a chunk: code points";
}

TEST(Chunk, CountsCodePointsNotBytes) {
  EXPECT_EQ(texts("ääää", {.size = 4, .overlap = 0}), Texts{"ääää"});
}

TEST(Chunk, IsUnderOneHeading) {
  std::string_view text = "# A\na\n# B\nb";
  EXPECT_EQ(texts(text, {}), (Texts{"# A\na", "# B\nb"}));
  EXPECT_EQ(texts(text, {.at_headings = false}), Texts{std::string(text)});
  EXPECT_EQ(texts(text, {.min_size = 100}), Texts{std::string(text)});
}

TEST(Chunk, KnowsItsPageHeadingsAndBytes) {
  Section sections[] = {{"one", 1, {}}, {" \n ", 2, {}}, {"\n# B\nthree", 3, {"Book"}}};
  auto chunks = split(sections, {});
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].section, 0u);
  EXPECT_EQ(chunks[0].page, 1);
  EXPECT_TRUE(chunks[0].headings.empty());
  EXPECT_EQ(chunks[1].section, 2u);
  EXPECT_EQ(chunks[1].page, 3);
  EXPECT_EQ(chunks[1].headings, (Texts{"Book", "B"}));
  EXPECT_EQ(chunks[1].begin, 1u);
  EXPECT_EQ(chunks[1].end, 10u);
}

TEST(Chunk, OfNothingIsNone) {
  EXPECT_TRUE(split({}, {}).empty());
  EXPECT_TRUE(texts("", {}).empty());
  EXPECT_TRUE(texts(" \n\t\r\n ", {.size = 1, .overlap = 0}).empty());
}

TEST(Chunk, RefusesWhatIsNoTextAndNoSize) {
  EXPECT_THROW(texts("\xff", {}), std::invalid_argument);
  EXPECT_THROW(texts("x", {.size = 0, .overlap = 0}), std::invalid_argument);
  EXPECT_THROW(texts("x", {.size = 5, .overlap = 5}), std::invalid_argument);
}

/// Documents made of what has a meaning to the splitter, ten thousand of them, always the same.
TEST(Chunk, LosesNothingWhateverItIsGiven) {
  constexpr std::string_view kWords[] = {"a",      "word ",  "\n",      "\n\n",
                                         "# ",     "## H\n", "```\n",   ". ",
                                         "\r\n",   "\u00e4", "e\u0301", "\U0001F469\u200D\U0001F467",
                                         "漢字。", "  ",     "\t",      "supercalifragilistic",
                                         "! ",     "\u200b"};
  std::mt19937 random(5);
  auto below = [&](std::size_t n) { return random() % n; };
  for (int round = 0; round < 10000; ++round) {
    std::string text[3];
    for (std::string& one : text) {
      for (std::size_t n = below(40); n > 0; --n) one += kWords[below(std::size(kWords))];
    }
    Section sections[] = {{text[0], 1, {}}, {text[1], std::nullopt, {"X"}}, {text[2], 3, {}}};
    Options options{.size = 1 + below(60), .min_size = below(80), .at_headings = below(2) == 0};
    options.overlap = below(options.size);
    auto broken = broken_claim(sections, options, split(sections, options));
    ASSERT_EQ(broken, std::nullopt)
        << "size " << options.size << " overlap " << options.overlap << " min " << options.min_size
        << "\n[" << text[0] << "][" << text[1] << "][" << text[2] << "]";
  }
}

TEST(Chunk, TakesTimeByTheLengthWhateverTheText) {
  for (std::string_view one : {"a", " ", "\n", "#", "# \n", ". ", "e\u0301\u0301\u0301", "`"}) {
    std::string text;
    while (text.size() < 1 << 18) text += one;
    auto begin = std::chrono::steady_clock::now();
    (void)texts(text, {});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << one;
  }
}

}  // namespace
}  // namespace antiphon::chunk

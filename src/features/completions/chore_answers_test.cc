#include "features/completions/chore_answers.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/encode.h"

namespace antiphon::completions {
namespace {

using Texts = std::vector<std::string>;

json::Value saying(std::string text) {
  return json::Object{
      {"choices", json::Array{json::Object{{"message", json::Object{{"content", text}}}}}}};
}
std::string title(std::string text) {
  return title_in(saying(std::move(text)));
}

TEST(ChoreAnswers, HaveTheirObjectAnywhere) {
  EXPECT_EQ(title("Sure! ```json\n{\"title\": \"Pi\"}\n``` done"), "Pi");
  EXPECT_EQ(title(R"(<think>{"title": "One"} or {x}?</think>{"title": "Two"} {"note": {"a": 1}} })"),
            "Two");
  EXPECT_EQ(title(R"({"title": "Braces { and } \" in text"})"), "Braces { and } \" in text");
  EXPECT_EQ(title("{{{\"title\": \"Deep\"}}}"), "Deep");
  for (std::string text :
       {"no object", "} {", "{\"title\": \"open", "{}", "{", "{\"titles\": \"x\"}", ""})
    EXPECT_EQ(title(text), "") << text;
  EXPECT_EQ(title_in(nullptr), "");
  EXPECT_EQ(title_in(json::Object{{"choices", json::Array()}}), "");
  EXPECT_EQ(title(std::string(1 << 20, '{')), "");
}

TEST(ChoreAnswers, TitlesAreNeverTheExample) {
  for (std::string said : {"…", "...", "", " ", "Title", "your title here", "\\\"…\\\"", "—", "**"})
    EXPECT_EQ(title("{\"title\": \"" + said + "\"}"), "") << said;
  EXPECT_EQ(title(R"({"title": 5})"), "");
  EXPECT_EQ(title(R"({"title": ["x"]})"), "");
}

TEST(ChoreAnswers, TitlesAreOneBareLine) {
  EXPECT_EQ(title(R"({"title": "\"**Sorting in C#**\"\nand more"})"), "Sorting in C#");
  EXPECT_EQ(title(R"({"title": "# „Über uns“"})"), "Über uns");
  EXPECT_EQ(title(R"({"title": "天气"})"), "天气");
  EXPECT_EQ(title(R"({"title": "A\tred\u001b[31m \u007fhat"})"), "A red [31m  hat");
  EXPECT_EQ(title(R"({"title": "🎵 Music"})"), "🎵 Music");
  std::string long_one = title("{\"title\": \"" + std::string(119, 'a') + "ää\"}");
  EXPECT_LE(long_one.size(), 120u);
  EXPECT_TRUE(long_one.ends_with("a…")) << long_one;
  EXPECT_TRUE(valid_utf8(long_one));
}

TEST(ChoreAnswers, TagsAreFewShortAndDifferent) {
  auto tags = [](std::string text) { return tags_in(saying(std::move(text))); };
  EXPECT_EQ(tags(R"({"tags": ["…", "#Music", "music", 7, "Old Songs", "old_songs", "a", "b"]})"),
            (Texts{"Music", "Old Songs", "a"}));
  EXPECT_EQ(tags(R"({"tags": "Music, Art,"})"), (Texts{"Music", "Art"}));
  EXPECT_EQ(tags("{\"tags\": [\"" + std::string(41, 'x') + "\", \"y\"]}"), Texts{"y"});
  EXPECT_EQ(tags(R"({"tags": ["…"]})"), Texts{});
  EXPECT_EQ(tags(R"({"tags": {"a": "b"}})"), Texts{});
}

TEST(ChoreAnswers, FollowUpsAreFewDifferentQuestions) {
  auto questions = [](std::string text) { return follow_ups_in(saying(std::move(text))); };
  EXPECT_EQ(questions(R"({"follow_ups": ["1. Why?", "why?", "- How?", "…", "  \"Who?\" "]})"),
            (Texts{"Why?", "How?", "Who?"}));
  EXPECT_EQ(questions(R"({"follow_ups": ["a","b","c","d","e","f"]})").size(), 5u);
  EXPECT_EQ(questions("{\"follow_ups\": [\"" + std::string(500, 'x') + "\"]}").front().size(), 400u);
}

TEST(ChoreAnswers, AQuestionNamesItsChatByTheFirstLineThatSaysSomething) {
  EXPECT_EQ(title_of_question("\n  \n---\n  What is π? \nMore"), "What is π?");
  EXPECT_EQ(title_of_question("…\n"), "");
  EXPECT_EQ(title_of_question("---\rWhat\tis π?\rMore"), "What is π?");
  EXPECT_EQ(title_of_question(""), "");
  EXPECT_EQ(title_of_question(std::string(200, 'x')).size(), 80u);
}

}  // namespace
}  // namespace antiphon::completions

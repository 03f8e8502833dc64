#include "features/completions/chores.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antiphon::completions {
namespace {

ChoreInput conversation() {
  ChoreInput in;
  in.messages = {{"user", "one"}, {"assistant", "two"}, {"user", "three"}};
  in.prompt = "héllo world";
  in.type = "web_search";
  in.responses = {"A", "B"};
  in.variables = json::Object{{"USER_NAME", "Ada"}};
  return in;
}

std::string fill(std::string_view text) {
  return chore_prompt(Chore::title, text, conversation());
}

TEST(Chores, FillInWhatTemplatesName) {
  EXPECT_EQ(fill("{{MESSAGES}}"), "USER: one\n\nASSISTANT: two\n\nUSER: three");
  EXPECT_EQ(fill("{{MESSAGES:END:2}}"), "ASSISTANT: two\n\nUSER: three");
  EXPECT_EQ(fill("{{MESSAGES:START:1}}"), "USER: one");
  EXPECT_EQ(fill("{{MESSAGES:END:99}}"), fill("{{MESSAGES}}"));
  EXPECT_EQ(fill("{{MESSAGES:END:2|middletruncate:10}}"), fill("{{MESSAGES:END:2}}"));
  EXPECT_EQ(fill("<{{prompt}}> {{prompt:start:2}} {{prompt:end:5}} {{prompt:middletruncate:4}}"),
            "<héllo world> h world h…ld");
  EXPECT_EQ(fill("{{TYPE}} {{USER_NAME}}"), "web_search Ada");
  EXPECT_EQ(fill("{{responses}}"), "Answer 1:\nA\n\nAnswer 2:\nB");
}

TEST(Chores, LeaveUnknownNamesAndLooseBraces) {
  for (std::string text : {"{{UNKNOWN}}", "{{MESSAGES:END:x}}", "{{MESSAGES:ODD:1}}",
                           "{{prompt:start:}}", "a {{ b", "}} {{", "{{}}"})
    EXPECT_EQ(fill(text), text);
}

TEST(Chores, ExpandNothingThatWasFilledIn) {  // row 13
  ChoreInput in = conversation();
  in.messages = {{"user", "{{USER_NAME}} {{prompt}}"}};
  EXPECT_EQ(chore_prompt(Chore::tags, "{{MESSAGES}}", in), "USER: {{USER_NAME}} {{prompt}}");
}

TEST(Chores, HaveAPromptOfTheirOwnWhenNoneIsSet) {
  for (Chore chore : {Chore::title, Chore::tags, Chore::follow_ups, Chore::search_queries,
                      Chore::retrieval_queries, Chore::image_prompt, Chore::autocompletion})
    EXPECT_NE(chore_prompt(chore, " \n", conversation()).find("USER: three"), std::string::npos);
  EXPECT_NE(chore_prompt(Chore::emoji, "", conversation()).find("héllo"), std::string::npos);
  EXPECT_NE(chore_prompt(Chore::merged_answer, "", conversation()).find("Answer 2:\nB"),
            std::string::npos);
}

TEST(Chores, MakeABodyWithTheAdministratorsParameters) {
  auto body =
      chore_body(Chore::title, {.params = {{"temperature", 0.1}, {"stream", true}, {"messages", 5}}},
                 conversation());
  EXPECT_EQ(body.at("temperature"), 0.1);
  EXPECT_EQ(body.at("stream"), false);
  EXPECT_EQ(body.at("messages").as_array().size(), 1u);
  EXPECT_EQ(body.at("max_completion_tokens"), 1000);
  auto limited = chore_body(Chore::title, {.params = {{"max_tokens", 50}}}, conversation());
  EXPECT_FALSE(limited.contains("max_completion_tokens"));
  EXPECT_FALSE(chore_body(Chore::merged_answer, {}, conversation()).contains("max_completion_tokens"));
}

TEST(Chores, KeepLongMessagesShort) {
  ChoreInput in;
  for (int i = 0; i != 1000; ++i) in.messages.push_back({"user", std::string(100'000, 'x')});
  EXPECT_LT(chore_prompt(Chore::title, "{{MESSAGES}}", in).size(), 300u * 1024);
  EXPECT_LT(chore_prompt(Chore::tags, "", in).size(), 20u * 1024);
}

TEST(Chores, KnowTheDate) {
  json::Value v = chore_variables("Ada", 1'700'000'000);
  EXPECT_EQ(json::text_at(v, "CURRENT_DATETIME"), "2023-11-14 22:13:20");
  EXPECT_EQ(json::text_at(v, "CURRENT_WEEKDAY"), "Tuesday");
}

}  // namespace
}  // namespace antiphon::completions

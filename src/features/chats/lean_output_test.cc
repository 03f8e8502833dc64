#include "features/chats/lean_output.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antiphon::chats {
namespace {

Message message(std::string_view content, std::string_view output) {
  Message m;
  m.content = boost::json::parse(content);
  if (!output.empty()) m.output = boost::json::parse(output);
  return m;
}

std::string stored(const Message& m) {
  auto lean = lean_output(m);
  return lean ? boost::json::serialize(*lean) : "";
}

void comes_back(Message m) {
  Message row = m;
  row.output = lean_output(m);
  fill_output(row);
  EXPECT_EQ(row.output, m.output);
}

TEST(LeanOutput, TheTextStandsOnceInARowAndComesBack) {
  Message m = message(R"("Hello there")",
                      R"([{"type":"reasoning","content":[{"type":"output_text","text":"Hello there"}]},
                          {"type":"message","id":"msg_1","content":[{"type":"output_text","text":"Hello there"}]}])");
  EXPECT_EQ(stored(m).find("Hello there"), stored(m).rfind("Hello there")) << "but for the reasoning's";
  EXPECT_LT(stored(m).size(), boost::json::serialize(*m.output).size() + 16);
  comes_back(m);
}

TEST(LeanOutput, WhatSaysSomethingElseStaysAsItIs) {
  for (auto [content, output] :
       {std::pair{R"("a")", R"([{"type":"message","content":[{"type":"output_text","text":"b"}]}])"},
        {R"([{"type":"text","text":"a"}])",
         R"([{"type":"message","content":[{"type":"output_text","text":"a"}]}])"},
        {R"("a")", R"([{"type":"message","content":[{"type":"refusal","text":"a"}]}])"},
        {R"("a")",
         R"([{"type":"message","content":"a"},{"type":"message"},"a",7,{"type":"function_call"}])"},
        {R"("a")", R"({"type":"message"})"},
        {R"("a")", "null"},
        {R"("a")", ""}}) {
    Message m = message(content, output);
    EXPECT_EQ(lean_output(m), m.output) << output;
    comes_back(m);
  }
}

}  // namespace
}  // namespace antiphon::chats

#include "features/completions/documents.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/loops.h"
#include "features/completions/prompt.h"
#include "json/text.h"

namespace antiphon::completions {
namespace {

/// Files "a" and "b" are anybody's; others are nobody's.
std::vector<chats::Message> put(std::vector<chats::Message> branch, std::string text = "words") {
  Documents documents{.read = [text](const User&, std::string id) -> Task<std::optional<std::string>> {
    if (id != "a" && id != "b") co_return std::nullopt;
    co_return text;
  }};
  User me;
  run([&] { return put_documents(documents, me, branch); });
  return branch;
}

chats::Message question(std::string_view content, std::string_view files) {
  chats::Message m{.role = "user"};
  m.content = json::Value(content);
  m.files = json::try_parse(files);
  return m;
}

TEST(Documents, GoAlongWithTheQuestion) {
  auto branch = put({question("What is this?", R"([{"type":"file","id":"a","name":"a\nb.pdf"}])")});
  EXPECT_EQ(chats::plain_text(branch[0].content),
            "What is this?\n\n[Attached file: a b.pdf]\nwords\n[End of the attached file]");
  EXPECT_EQ(branch[0].files->as_array().size(), 0U) << "it is not named a second time";
}

// row 49
TEST(Documents, OfOthersAndPicturesStayAsTheyAreNamed) {
  std::string files =
      R"([{"type":"file","id":"foreign","name":"x"},{"type":"image","id":"a"},{"type":"collection","id":"a"},{"type":"file"}])";
  auto branch = put({question("Hi", files)});
  EXPECT_EQ(chats::plain_text(branch[0].content), "Hi");
  EXPECT_EQ(branch[0].files->as_array().size(), 4U);
}

TEST(Documents, OnlyUsersMessagesHaveThem) {
  auto answer = question("Hi", R"([{"type":"file","id":"a","name":"x"}])");
  answer.role = "assistant";
  EXPECT_EQ(chats::plain_text(put({answer})[0].content), "Hi");
}

TEST(Documents, BeyondWhatFitsAreTheOldest) {
  auto branch = put({question("old", R"([{"type":"file","id":"a","name":"x"}])"),
                     question("new", R"([{"type":"file","id":"b","name":"y"}])")},
                    std::string(kMostDocuments - 10, 'w'));
  std::string last = chats::plain_text(branch[1].content), first = chats::plain_text(branch[0].content);
  EXPECT_TRUE(last.ends_with("w\n[End of the attached file]"));
  EXPECT_TRUE(
      first.ends_with("]\nwwwwwwwwww\n[The rest of this file is not shown to you: it is too "
                      "long.]\n[End of the attached file]"));
}

}  // namespace
}  // namespace antiphon::completions

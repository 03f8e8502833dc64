#include "features/chats/text.h"

#include <gtest/gtest.h>

#include "base/encode.h"
#include "features/chats/sidebar.h"

namespace antiphon::chats {
namespace {

TEST(Text, FoldsCaseAndMarksAwayInManyScripts) {
  EXPECT_EQ(fold("ÄRGER Straße Œuvre Łódź"), "arger strasse oeuvre lodz");
  EXPECT_EQ(fold("e\u0301te\u0301"), "ete");  // Marks that stand by themselves.
  EXPECT_EQ(fold("ΑΘΉΝΑ Σοφός"), fold("αθηνα σοφοσ"));
  EXPECT_EQ(fold("МОСКВА Ёлка Київ"), fold("москва ёлка київ"));
  EXPECT_EQ(fold("ＡＢＣ"), "abc");
  for (std::string_view odd : {"\u03a2", "\u0130", "\u1e9e", "\u2126", "\u212a", "\u01c5"})
    EXPECT_EQ(fold(fold(odd)), fold(odd)) << odd;
}

TEST(Text, PartsWordsAsBothDatabasesDo) {
  EXPECT_EQ(words_of("foo_bar, example.com/a-b (x)!"), "foo bar example com a b x");
  EXPECT_EQ(words_of("  \n\t "), "");
  EXPECT_EQ(words_of("“quoted” — dash…"), "quoted dash");
  EXPECT_EQ(words_of("你好 world"), "你 好 world");
  EXPECT_EQ(words_of("a😀b"), "a b");
  EXPECT_EQ(words_of("one \u0301two 世\u0313h \u0301"), "one two 世 h");  // Marks of no letter.
}

TEST(Text, CountsBytesThatAreNoUtf8AsBlanks) {
  EXPECT_EQ(words_of("a\xff\xfe"
                     "b\xc3"),
            "a b");
  EXPECT_TRUE(valid_utf8(fold("x\xed\xa0\x80y")));
}

TEST(Text, NeverGrowsBeyondItsBound) {
  std::string text;
  for (int i = 0; i != 5000; ++i) text += "好word ";
  EXPECT_LE(words_of(text, 1000).size(), 1000u);
  EXPECT_TRUE(valid_utf8(words_of(text, 1000)));
}

TEST(Text, ShowsTheWordsAroundAHit) {
  std::string text =
      std::string(500, 'x') + " before the Ärgernis comes\nafter " + std::string(500, 'y');
  std::string shown = snippet(text, "arger");
  EXPECT_NE(shown.find("the Ärgernis comes after"), shown.npos);
  EXPECT_LE(shown.size(), 160u);
  EXPECT_EQ(snippet("short", "missing"), "short");
  EXPECT_TRUE(valid_utf8(snippet(std::string(39, 'a') + "ää find me", "find")));
}

TEST(SearchQueries, ReadTheOperatorsAndLeaveTheWords) {
  auto q = SearchQuery::parse(
      "tag:My_Tag folder:Work pinned:true archived:false shared:1 two words tag:none");
  EXPECT_EQ(q.tags, std::vector<std::string>{"my_tag"});
  EXPECT_EQ(q.folders, std::vector<std::string>{"work"});
  EXPECT_EQ(q.pinned, true);
  EXPECT_EQ(q.archived, false);
  EXPECT_EQ(q.shared, true);
  EXPECT_TRUE(q.untagged);
  EXPECT_EQ(q.words, "two words");
  EXPECT_EQ(SearchQuery::parse("pinned:perhaps tag: http://x").words, "pinned:perhaps tag: http://x");
}

TEST(SearchQueries, NeverBecomeOperatorsOfTheDatabase) {
  for (std::string_view text :
       {"\"", "a\" OR b", "NEAR(a b)", "a* ^b", "a AND NOT b", "col:x", "{a b}:c", "'; DROP",
        "a & !b | c", "x:*", "\\'", "(((", "--", "/*", "a <-> b"}) {
    SearchQuery q = SearchQuery::parse(text);
    for (const std::string& expression : {q.fts5(), q.tsquery()})
      for (char c : expression)
        EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) ||
                    std::string_view("\"'*&: ").find(c) != std::string_view::npos)
            << text << " became " << expression;
  }
  EXPECT_EQ(SearchQuery::parse("foo-bar baz").fts5(), "\"foo bar\" \"baz\"*");
  EXPECT_EQ(SearchQuery::parse("foo-bar baz").tsquery(), "'foo bar' & 'baz':*");
  EXPECT_EQ(SearchQuery::parse("!!! ...").fts5(), "");
}

TEST(SearchQueries, AreBoundedAndValid) {
  std::string text;
  for (int i = 0; i != 10'000; ++i)
    text += "ä" + std::to_string(i) + " tag:t" + std::to_string(i) + " ";
  SearchQuery q = SearchQuery::parse(text);
  EXPECT_LE(q.words.size(), 1000u);
  EXPECT_LE(q.tags.size(), 16u);
  EXPECT_TRUE(valid_utf8(SearchQuery::parse("\xff\xc3 ok " + std::string(995, 'x') + "ä").words));
}

TEST(Orders, AreOneOfFourWhateverIsAsked) {  // row 115
  for (const char* bad : {"", "id", "title;--", "updated_at DESC, (SELECT 1)", "password", "1"}) {
    Order order = Order::parse(bad, bad);
    EXPECT_EQ(order.by, Order::By::updated_at);
    EXPECT_TRUE(order.descending);
  }
  EXPECT_EQ(Order::parse("title", "asc").by, Order::By::title);
  EXPECT_FALSE(Order::parse("title", "asc").descending);
}

}  // namespace
}  // namespace antiphon::chats

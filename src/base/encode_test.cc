#include "base/encode.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/ids.h"

namespace antiphon {
namespace {

TEST(Encode, Base64UrlRoundTripsEveryLengthAndRefusesStrays) {
  for (std::size_t n = 0; n != 40; ++n) {
    std::string bytes = random_bytes(n);
    EXPECT_EQ(base64url_decode(base64url(bytes)), bytes);
  }
  EXPECT_EQ(base64url_decode("YQ=="), std::nullopt);
  EXPECT_EQ(base64url_decode("YR"), std::nullopt);  // Left-over bits set.
  EXPECT_EQ(base64url_decode("a b"), std::nullopt);
}

TEST(Encode, JsonQuoteEscapesWhatCouldForgeALogLine) {  // row 119
  EXPECT_EQ(json_quote("\x1b]0;x\x07\r\n"), R"("\u001b]0;x\u0007\r\n")");
  EXPECT_EQ(json_quote("\xC2\x9B"), R"("\u009b")");
  EXPECT_EQ(json_quote("\xFFok"), "\"\xEF\xBF\xBDok\"");
}

TEST(Encode, PercentDecodeDecodesOnceAndRefusesNul) {
  EXPECT_EQ(percent_decode("a%2520b"), "a%20b");
  EXPECT_EQ(percent_decode("%00"), std::nullopt);
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("a+b", true), "a b");
}

TEST(Encode, Utf8RefusesSurrogatesAndOverlongForms) {
  EXPECT_TRUE(valid_utf8("Ä€😀"));
  EXPECT_FALSE(valid_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(valid_utf8("\xC0\x80"));
  EXPECT_FALSE(valid_utf8("\xF4\x90\x80\x80"));
}

TEST(Ids, UuidsHaveTheirFixedBitsAndDiffer) {
  std::string a = uuid4();
  EXPECT_EQ(a.size(), 36u);
  EXPECT_EQ(a[14], '4');
  EXPECT_NE(a, uuid4());

  std::string early = uuid7();
  EXPECT_EQ(early.size(), 36u);
  EXPECT_EQ(early[14], '7');
  EXPECT_NE(std::string("89ab").find(early[19]), std::string::npos) << early;
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_LT(early.substr(0, 13), uuid7().substr(0, 13)) << "they begin with the time";
}

TEST(Ids, BriefOnesSortByTimeAndDiffer) {
  std::string early = brief_id();
  EXPECT_EQ(early.size(), 15u);
  EXPECT_EQ(base64url(*base64url_decode(early + "A")), early + "A") << "any URL may hold it";
  EXPECT_NE(early, brief_id());
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_LT(early, brief_id());
}

TEST(Utf8, IsCutBetweenCharacters) {
  EXPECT_EQ(utf8_prefix("aä", 2), "a");
  EXPECT_EQ(utf8_prefix("aä", 3), "aä");
  EXPECT_EQ(utf8_prefix("", 0), "");
  EXPECT_EQ(utf8_suffix("äa", 2), "a");
  EXPECT_EQ(utf8_suffix("äa", 9), "äa");
}

}  // namespace
}  // namespace antiphon

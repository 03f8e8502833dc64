#include "json/text.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <random>

#include "base/encode.h"
#include "base/problem.h"

namespace antiphon::json {
namespace {

std::string again(std::string_view text) {
  std::optional<Value> value = try_parse(text);
  return value ? serialize(*value) : "refused";
}

TEST(Text, WhatItTakesComesBackUnchanged) {
  for (const char* text :
       {R"({"a":[1,-2,0.5,true,false,null,"x"],"b":{}})", "[]", "\"\"", "18446744073709551615",
        "-9223372036854775808", R"("\"\\\n\r\t\b\f\u0001ä€😀")", R"(["/"])"})
    EXPECT_EQ(again(text), text);
}

TEST(Text, WhatOthersSayIsMended) {
  auto mended = [](std::string_view text) {
    auto value = try_parse_mending(text);
    return value ? serialize(*value) : "refused";
  };
  EXPECT_EQ(mended(R"(["\ud83d\ude00","\ud83d","\ude00x","\ud83d\u0041","\ud83d\ud83d\ude00"])"),
            "[\"😀\",\"\uFFFD\",\"\uFFFDx\",\"\uFFFDA\",\"\uFFFD😀\"]");
  EXPECT_EQ(mended(R"(["\\ud83d","\"NaN","\u0000"])"), "[\"\\\\ud83d\",\"\\\"NaN\",\"\uFFFD\"]");
  EXPECT_EQ(mended("[\"a\xc3\",\"\xe2\x82\",NaN,-Infinity,Infinity,\"Infinity\"]"),
            "[\"a\uFFFD\",\"\uFFFD\uFFFD\",null,null,null,\"Infinity\"]");
  for (std::string_view text : {"", "[", "\"\\u", "\"\\ud83d\\u", "{\"a\":", "[nan]", "\"\\"})
    EXPECT_EQ(mended(text), "refused") << text;
}

TEST(Text, NumbersPrintAsPeopleWriteThem) {
  EXPECT_EQ(again("[0.7,7E-1,1e-999,1e5,100000.0,1e20,1e21,1e-7,-0.25,1.0]"),
            "[0.7,0.7,0,100000,100000,100000000000000000000,1e+21,1e-07,-0.25,1]");
  EXPECT_EQ(again("[-0,-0.0,-0e-320,-1e-999]"), "[0,0,0,0]");  // As JavaScript writes them.
  EXPECT_EQ(serialize(Value(std::nan(""))), "null");
  EXPECT_EQ(serialize(Value(std::numeric_limits<double>::infinity())), "null");
}

TEST(Text, EveryDoubleComesBackBitForBit) {
  std::mt19937_64 random(7);
  for (int i = 0; i != 100'000; ++i) {
    double d = std::bit_cast<double>(random());
    if (!std::isfinite(d)) continue;
    std::string text = serialize(Value(d));
    Value back = *try_parse(text);
    ASSERT_EQ(back.to_number<double>(), d) << text;
  }
}

TEST(Text, RefusesWhatCouldHurtLater) {  // row 125
  std::string deep(100'000, '[');
  std::string deep_object;
  for (int i = 0; i != 100'000; ++i) deep_object += "{\"a\":";
  std::string digits(5'000, '9');
  for (const std::string& text : {deep,
                                  deep + std::string(100'000, ']'),
                                  deep_object,
                                  std::string("NaN"),
                                  std::string("[Infinity]"),
                                  std::string("1e999"),
                                  std::string("-1e999"),
                                  digits,
                                  std::string(R"("\ud800")"),
                                  std::string(R"("\udc00\ud800")"),
                                  std::string(R"("a\u0000b")"),
                                  std::string(R"({"a\u0000":1})"),
                                  std::string("\"a\0b\"", 5),
                                  std::string("\"\xFF\""),
                                  std::string("\"\xED\xA0\x80\""),
                                  std::string("\"\xC0\xAF\""),
                                  std::string("\"\n\""),
                                  std::string(),
                                  std::string(" "),
                                  std::string("1 2"),
                                  std::string("{}x"),
                                  std::string("[1,]"),
                                  std::string("{'a':1}"),
                                  std::string("// c\n1"),
                                  std::string("01"),
                                  std::string("+1"),
                                  std::string(".5"),
                                  std::string("\xEF\xBB\xBF{}"),
                                  std::string("{\"a\":1"),
                                  std::string("tru")})
    EXPECT_FALSE(try_parse(text)) << text.substr(0, 40);
}

TEST(Text, TakesSixtyFourLevelsAndNotOneMore) {
  EXPECT_TRUE(try_parse(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(try_parse(std::string(65, '[') + std::string(65, ']')));
}

TEST(Text, TheLastOfEqualKeysCounts) {
  EXPECT_EQ(again(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
  EXPECT_EQ(again(R"({"role":"user","r\u006fle":"admin"})"), R"({"role":"admin"})");
}

TEST(Text, BoundsTheValuesOfOneText) {
  std::string many = "[0";
  for (std::size_t i = 0; i != kMaxValues; ++i) many += ",0";
  EXPECT_FALSE(try_parse(many + "]"));
}

constexpr std::size_t kAttack = 1 << 14;

/// kAttack keys whose FNV-1a hashes all agree in the low 14 bits when hashing begins at `start`: chains
/// of two blocks that each lead from the start back to it. In an object of 2^14 members that is one
/// bucket.
std::vector<std::string> colliding_keys(std::uint64_t start) {
  std::vector<std::string> loops;
  std::mt19937 random(1);
  while (loops.size() < 2) {
    std::string block;
    std::uint64_t h = start;
    for (int i = 0; i != 8; ++i) {
      block += static_cast<char>('a' + random() % 26);
      h = ((h ^ static_cast<unsigned char>(block.back())) * 0x100000001B3u) % kAttack;
    }
    if (h == start) loops.push_back(block);
  }
  std::vector<std::string> keys(kAttack);
  for (std::size_t i = 0; i != kAttack; ++i)
    for (std::size_t bit = 1; bit != kAttack; bit *= 2) keys[i] += loops[(i & bit) != 0];
  return keys;
}

/// Processor time, since the machine may be busy with other things.
std::chrono::nanoseconds thread_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::chrono::nanoseconds parse_time(const std::vector<std::string>& keys) {
  std::string text = "{";
  for (const std::string& key : keys)
    text.append(text.size() > 1 ? ",\"" : "\"").append(key).append("\":1");
  text += "}";
  auto begin = thread_time();
  std::optional<Value> value = try_parse(text);
  auto took = thread_time() - begin;
  EXPECT_EQ(value->as_object().size(), keys.size());
  return took;
}

TEST(Text, CollidingKeysCostNoMoreThanOthers) {  // row 126
  std::vector<std::string> plain;
  for (std::size_t i = 0; i != kAttack; ++i) plain.push_back(std::string(112, 'x') + std::to_string(i));
  auto usual = parse_time(plain);
  // Boost salts with the table's address: of its low 14 bits the allocator leaves two to chance.
  for (std::uint64_t page = 0; page != 4; ++page) {
    std::uint64_t start = (0xcbf29ce484222325u + 0x10 + page * 0x1000) % kAttack;
    EXPECT_LT(parse_time(colliding_keys(start)), usual * 4 + std::chrono::milliseconds(50)) << page;
  }
}

TEST(Text, TheTimeForKeysGrowsWithTheirNumber) {  // row 126
  std::vector<std::string> keys;
  for (int i = 0; i != 100'000; ++i) keys.push_back("key" + std::to_string(i));
  auto few = parse_time({keys.begin(), keys.begin() + 10'000});
  EXPECT_LT(parse_time(keys), few * 30 + std::chrono::milliseconds(20));
}

TEST(Text, ShortObjectsTakeLinearTimeToo) {
  std::string text = "[";
  for (int i = 0; i != 20'000; ++i) text += R"({"role":"user","content":"hello","timestamp":1},)";
  EXPECT_EQ(try_parse(text + "0]")->as_array().size(), 20'001u);
}

TEST(Text, QuoteRepairsBrokenUtf8AndEscapesWherever) {
  for (std::size_t at = 0; at != 20; ++at) {
    std::string text(20, 'a');
    text[at] = '"';
    std::string out;
    quote(text, out);
    std::string expected = "\"" + text + "\"";
    expected.insert(at + 1, "\\");
    EXPECT_EQ(out, expected);
  }
  std::string out;
  quote("ok\xC3", out);
  EXPECT_EQ(out, "\"ok\xEF\xBF\xBD\"");
  EXPECT_TRUE(valid_utf8(out));
}

TEST(Text, LooksUpWithoutThrowing) {
  Value v =
      *try_parse(R"({"usage":{"total_tokens":7,"cost":0.9},"id":"x","n":1e300,"l":[1],"t":true})");
  EXPECT_EQ(find(v, {"usage", "total_tokens"})->as_int64(), 7);
  EXPECT_EQ(find(v, {"id", "total_tokens"}), nullptr);
  EXPECT_EQ(text_at(v, "id"), "x");
  EXPECT_EQ(text_at(v, "usage"), "");
  EXPECT_EQ(int_at(*find(v, "usage"), "cost", 5), 0);
  EXPECT_EQ(int_at(v, "n", 5), 5);
  EXPECT_EQ(int_at(Object{{"n", std::size_t{3}}}, "n", 5), 3);
  EXPECT_EQ(int_at(Object{{"n", std::uint64_t{1} << 63}}, "n", 5), 5);
  EXPECT_TRUE(bool_at(v, "t"));
  EXPECT_EQ(array_at(v, "l")->size(), 1u);
  EXPECT_EQ(object_at(v, "l"), nullptr);
  EXPECT_EQ(find(Value(3), "x"), nullptr);
}

TEST(Text, ParseValueThrowsFastApisAnswer) {
  try {
    parse_value("{");
    FAIL();
  } catch (const Problem& p) {
    EXPECT_EQ(p.status(), 422);
    EXPECT_EQ(text_at(try_parse(p.detail_json())->as_array().at(0), "type"), "json_invalid");
  }
}

}  // namespace
}  // namespace antiphon::json

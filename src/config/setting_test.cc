#include "config/setting.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "json/text.h"

namespace antiphon::config {
namespace {

struct Choir : Group {
  Choir() : Group("Choir") {}
  Bool loud = env("CHOIR_LOUD", true).key("choir.loud");
  Int voices = env("CHOIR_VOICES", 4).key("choir.voices").between(1, 100);
  Int half = env("CHOIR_HALF", 2);
  Float tempo = env("CHOIR_TEMPO", 1.5);
  Text hall = env("CHOIR_HALL", "nave").one_of({"nave", "apse"});
  SecretText code = env_secret("CHOIR_CODE");
  List parts = env_list("CHOIR_PARTS", {"alto"});
  Json plan = env_json("CHOIR_PLAN", R"({"a":[1]})").at_most(20);
  OptionalInt cap = env_optional_int("CHOIR_CAP").between(0, 9);
  OptionalText motto = env_optional_text("CHOIR_MOTTO");
};

/// What from_env makes of `text`, as JSON; the complaint in <> when it makes nothing.
std::string read(const AnySetting& s, std::string_view text) {
  try {
    return json::serialize(s.to_json(s.from_env(text).get()));
  } catch (const std::invalid_argument& e) {
    return "<" + std::string(e.what()) + ">";
  }
}
std::string read_json(const AnySetting& s, std::string_view text) {
  try {
    return json::serialize(s.to_json(s.from_json(*json::try_parse(text)).get()));
  } catch (const std::invalid_argument& e) {
    return "<" + std::string(e.what()) + ">";
  }
}

TEST(Setting, StartsWithItsDefault) {
  Choir choir;
  EXPECT_TRUE(choir.loud());
  EXPECT_EQ(choir.voices(), 4);
  EXPECT_EQ(choir.tempo(), 1.5);
  EXPECT_EQ(choir.hall(), "nave");
  EXPECT_EQ(choir.parts(), std::vector<std::string>{"alto"});
  EXPECT_EQ(json::serialize(*choir.plan.share()), R"({"a":[1]})");
  EXPECT_FALSE(choir.cap());
  EXPECT_FALSE(choir.motto());
}

TEST(Setting, ReadsEveryTypeFromTheEnvironment) {
  Choir choir;
  for (const char* yes : {"true", "True", "1", " on "}) EXPECT_EQ(read(choir.loud, yes), "true") << yes;
  for (const char* no : {"false", "FALSE", "0", "off"}) EXPECT_EQ(read(choir.loud, no), "false") << no;
  EXPECT_EQ(read(choir.loud, "maybe"), "<expected true or false>");
  EXPECT_EQ(read(choir.voices, "7"), "7");
  EXPECT_EQ(read(choir.voices, "7x"), "<expected a whole number>");
  EXPECT_EQ(read(choir.voices, "101"), "<expected a number from 1 to 100>");
  EXPECT_EQ(read(choir.voices, "99999999999999999999"), "<expected a whole number>");
  EXPECT_EQ(read(choir.tempo, "0.25"), "0.25");
  EXPECT_EQ(read(choir.tempo, "inf"), "<expected a number>");
  EXPECT_EQ(read(choir.hall, "apse"), "\"apse\"");
  EXPECT_EQ(read(choir.hall, "crypt"), "<expected one of: nave, apse>");
  EXPECT_EQ(read(choir.plan, "[1]"), "[1]");
  EXPECT_EQ(read(choir.plan, "[1"), "<expected JSON>");
  EXPECT_EQ(read(choir.plan, "[1,2,3,4,5,6,7,8,9,10]"), "<expected at most 20 bytes>");
  EXPECT_EQ(read(choir.cap, ""), "null");
  EXPECT_EQ(read(choir.cap, "10"), "<expected a number from 0 to 9>");
  EXPECT_EQ(read(choir.motto, ""), "null");
}

TEST(Setting, ListsKeepTheirEmptyPlaces) {
  Choir choir;
  EXPECT_EQ(read(choir.parts, "a,b"), R"(["a","b"])");
  EXPECT_EQ(read(choir.parts, "https://a/?x=1,2;https://b"), R"(["https://a/?x=1,2","https://b"])");
  EXPECT_EQ(read(choir.parts, ";key"), R"(["","key"])");
  EXPECT_EQ(read(choir.parts, ""), "[]");
}

TEST(Setting, ReadsWhatUpstreamsRowsHold) {
  Choir choir;
  EXPECT_EQ(read_json(choir.voices, "\"12\""), "12");
  EXPECT_EQ(read_json(choir.voices, "12.0"), "12");
  EXPECT_EQ(read_json(choir.voices, "12.5"), "<expected a whole number>");
  EXPECT_EQ(read_json(choir.voices, "null"), "<expected a whole number>");
  EXPECT_EQ(read_json(choir.loud, "\"true\""), "true");
  EXPECT_EQ(read_json(choir.parts, R"(["x",""])"), R"(["x",""])");
  EXPECT_EQ(read_json(choir.parts, R"([1])"), "<expected a list of texts>");
  EXPECT_EQ(read_json(choir.cap, "\"\""), "null");
}

TEST(Setting, ComplaintsDoNotRepeatTheValue) {  // row 118
  Choir choir;
  std::string secret = "hunter2\xFF";
  EXPECT_EQ(read(choir.code, secret).find("hunter2"), std::string::npos);
}

TEST(Setting, AMomentStaysAsItWas) {
  Choir choir;
  auto moment = choir.moment();
  choir.voices.set(9);
  EXPECT_EQ(choir.voices(), 9);
  EXPECT_EQ(choir.voices(*moment), 4);
}

TEST(Setting, ReadersSeeWholeValuesWhileTheyChange) {
  Choir choir;
  choir.parts.set({});
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int i = 0; i != 3; ++i)
    readers.emplace_back([&] {
      while (!stop) {
        auto moment = choir.moment();
        EXPECT_EQ(choir.voices(*moment), 2 * choir.half(*moment));
        std::vector<std::string> parts = choir.parts();
        for (const std::string& part : parts) EXPECT_EQ(part.size(), 100u);
      }
    });
  for (int n = 1; n != 2'000; ++n) {
    choir.publish({{&choir.half, std::make_shared<const std::int64_t>(n)},
                   {&choir.voices, std::make_shared<const std::int64_t>(2 * n)}});
    choir.parts.set(std::vector<std::string>(static_cast<std::size_t>(n % 7), std::string(100, 'x')));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace antiphon::config

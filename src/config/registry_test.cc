#include "config/registry.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace antiphon::config {
namespace {

struct Choir : Group {
  Choir() : Group("Choir") {}
  Int voices = env("CHOIR_VOICES", 4).key("choir.voices").between(0, 100).help("How many sing | hum.");
  Int soloists = env("CHOIR_SOLOISTS", 1).also("CHOIR_SOLO");
  SecretText code = env_secret("CHOIR_CODE").help("Opens the door.");

  void check(const Values& v) const override {
    if (soloists(v) > voices(v))
      throw std::invalid_argument("CHOIR_SOLOISTS is more than CHOIR_VOICES");
  }
};

struct Loaded {
  Choir choir;
  Registry registry;
  EnvReport report;
  explicit Loaded(const std::vector<std::pair<std::string, std::string>>& env) {
    registry.add(choir);
    report = registry.load_env(env);
  }
};

TEST(Registry, TheEnvironmentBeatsTheDefault) {
  Loaded l({{"CHOIR_VOICES", "20"}});
  EXPECT_TRUE(l.report.errors.empty());
  EXPECT_EQ(l.choir.voices(), 20);
  EXPECT_TRUE(l.registry.from_environment(l.choir.voices));
  EXPECT_FALSE(l.registry.from_environment(l.choir.soloists));
}

TEST(Registry, NamesEverythingWrongAtOnce) {
  Loaded l({{"CHOIR_VOICES", "many"}, {"CHOIR_SOLOISTS", "-"}, {"CHOIR_VOICE", "20"}, {"HOME", "/"}});
  EXPECT_EQ(l.report.errors, (std::vector<std::string>{"CHOIR_VOICES: expected a whole number",
                                                       "CHOIR_SOLOISTS: expected a whole number"}));
  EXPECT_EQ(l.report.strange, std::vector<std::string>{"CHOIR_VOICE: did you mean CHOIR_VOICES?"});
}

TEST(Registry, NamesOpenWebuisVariablesThatCountForNothing) {
  Loaded l({{"TIKA_SERVER_URL", "http://x"}, {"ENABLE_RAG_HYBRID_SEARCH", "true"}, {"MY_OWN", "1"}});
  EXPECT_EQ(l.report.ignored,
            (std::vector<std::string>{"ENABLE_RAG_HYBRID_SEARCH", "TIKA_SERVER_URL"}));
}

TEST(Registry, AnEmptyVariableIsNoNumber) {
  Loaded l({{"CHOIR_VOICES", ""}});
  EXPECT_TRUE(l.report.errors.empty());
  EXPECT_EQ(l.choir.voices(), 4);
}

TEST(Registry, ASecondNameCountsWhenTheFirstIsNotSet) {
  EXPECT_EQ(Loaded({{"CHOIR_SOLO", "2"}}).choir.soloists(), 2);
  EXPECT_EQ(Loaded({{"CHOIR_SOLO", "2"}, {"CHOIR_SOLOISTS", "3"}}).choir.soloists(), 3);
  EXPECT_EQ(Loaded({{"CHOIR_SOLOISTS", "3"}, {"CHOIR_SOLO", "2"}}).choir.soloists(), 3);
}

TEST(Registry, ChecksValuesThatMustGoTogether) {
  EXPECT_EQ(Loaded({{"CHOIR_SOLOISTS", "5"}}).report.errors,
            std::vector<std::string>{"CHOIR_SOLOISTS is more than CHOIR_VOICES"});
}

TEST(Registry, RefusesASecondDeclaration) {
  Choir one, two;
  Registry registry;
  registry.add(one);
  EXPECT_THROW(registry.add(two), std::logic_error);
}

TEST(Registry, WritesItsOwnManual) {
  Loaded l({{"CHOIR_CODE", "open sesame"}});
  std::string text = l.registry.markdown();
  EXPECT_NE(text.find("| `CHOIR_VOICES` | `choir.voices` | int | `4` | How many sing \\| hum. At least "
                      "0. At most 100. |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("`CHOIR_SOLOISTS` (or `CHOIR_SOLO`)"), std::string::npos);
  EXPECT_EQ(text.find("sesame"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::config

#include "config/seal.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace antiphon::config {
namespace {

Secret key(char c) {
  return Secret(std::string(32, c));
}

TEST(Seal, OpensWhatItSealedAndHidesIt) {
  AesSealer sealer({key('a')});
  std::string sealed = sealer.seal("openai.api_keys", "sk-secret");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(sealer.open("openai.api_keys", sealed), "sk-secret");
  EXPECT_NE(sealer.seal("openai.api_keys", "sk-secret"), sealed);
  EXPECT_EQ(sealer.open("k", sealer.seal("k", "")), "");
}

TEST(Seal, RefusesAnotherPlaceAnotherKeyAndEveryFlippedBit) {
  AesSealer sealer({key('a')});
  std::string sealed = sealer.seal("a", "secret");
  EXPECT_FALSE(sealer.open("b", sealed));
  EXPECT_FALSE(AesSealer({key('b')}).open("a", sealed));
  for (std::size_t i = 0; i != sealed.size(); ++i) {
    std::string bad = sealed;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sealer.open("a", bad)) << i;
  }
  EXPECT_FALSE(sealer.open("a", ""));
  EXPECT_FALSE(sealer.open("a", "v1:AAAA"));
}

TEST(Seal, AnOlderKeyStillOpens) {
  std::string sealed = AesSealer({key('a')}).seal("a", "x");
  AesSealer rotated({key('b'), key('a')});
  EXPECT_EQ(rotated.open("a", sealed), "x");
  EXPECT_FALSE(AesSealer({key('a')}).open("a", rotated.seal("a", "x")));
}

TEST(Seal, TakesKeysOfThirtyTwoBytesOnly) {
  EXPECT_THROW(AesSealer({Secret("short")}), std::logic_error);
  EXPECT_THROW(AesSealer({}), std::logic_error);
}

}  // namespace
}  // namespace antiphon::config

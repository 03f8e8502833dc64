#include "base/version.h"

#include <gtest/gtest.h>

namespace antiphon {
namespace {

TEST(Version, IsComparedByItsNumbers) {
  EXPECT_TRUE(compare_versions("0.9.2", "0.10.0") < 0);
  EXPECT_TRUE(compare_versions("0.12.4", "1.0") < 0);
  EXPECT_TRUE(compare_versions("1.0.0", "1.0.1") < 0);
  EXPECT_TRUE(compare_versions("1.2", "1.2.0") == 0);
  EXPECT_TRUE(compare_versions("1.2.3-rc1", "1.2.3") == 0);
}

TEST(Version, ThatIsNoneIsOlderThanAny) {
  EXPECT_TRUE(compare_versions("", "0.0.1") < 0);
  EXPECT_TRUE(compare_versions("latest", "0.0.1") < 0);
}

TEST(Version, OfThisBuildIsOne) {
  EXPECT_TRUE(compare_versions(kAntiphonVersion, "0.0.0") > 0);
  EXPECT_TRUE(compare_versions(kApiVersion, "0.0.0") > 0);
}

}  // namespace
}  // namespace antiphon

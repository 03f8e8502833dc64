#include "json/json.h"

#include <gtest/gtest.h>

namespace antiphon::json {
namespace {
TEST(Json, Placeholder) { EXPECT_EQ(dump(std::string("a")), "\"a\""); }
}  // namespace
}  // namespace antiphon::json

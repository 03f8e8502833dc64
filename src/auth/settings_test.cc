#include "auth/settings.h"

#include <gtest/gtest.h>

#include "auth/permissions.h"
#include "config/registry.h"
#include "json/text.h"

namespace antiphon::auth {
namespace {

TEST(Durations, AreReadAsOpenWebUiReadsThem) {
  EXPECT_EQ(parse_duration("4w"), 4 * 7 * 86'400);
  EXPECT_EQ(parse_duration("1h30m"), 5'400);
  EXPECT_EQ(parse_duration("1.5h"), 5'400);
  EXPECT_EQ(parse_duration("5000ms"), 5);
  EXPECT_EQ(parse_duration("90"), 90);
  EXPECT_EQ(parse_duration("-1"), 0);
  EXPECT_EQ(parse_duration("0"), 0);
  for (const char* bad : {"", "w", "4x", "-5m", "1e9w", "10ms", "4 w", "nan", "999999999w", "4w,"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(AuthSettings, AnImpossibleCombinationIsNamedAtStart) {
  Settings settings;
  PermissionDefaults defaults;
  config::Registry registry;
  registry.add(settings);
  registry.add(defaults);

  auto report = registry.load_env({{"JWT_EXPIRES_IN", "soon"}});

  ASSERT_EQ(report.errors.size(), 1u);
  EXPECT_NE(report.errors[0].find("JWT_EXPIRES_IN"), std::string::npos);
  EXPECT_TRUE(registry.load_env({{"JWT_EXPIRES_IN", "12h"}}).errors.empty());
  EXPECT_EQ(settings.session_seconds(), 12 * 3'600);
}

TEST(PermissionTree, TheEnvironmentSetsDefaultsAndTheDatabaseWins) {
  PermissionDefaults defaults;
  config::Registry registry;
  registry.add(defaults);
  EXPECT_FALSE(defaults.allows("features.api_keys"));
  EXPECT_TRUE(registry.load_env({{"USER_PERMISSIONS_FEATURES_API_KEYS", "true"}}).errors.empty());

  EXPECT_TRUE(defaults.allows("features.api_keys"));
  EXPECT_TRUE(defaults.allows("chat.delete"));
  EXPECT_FALSE(defaults.allows("chat.nonsense"));
  auto stored =
      json::try_parse(R"({"features":{"api_keys":false,"notes":7},"own":{"thing":true}})").value();
  json::Value tree = complete_permissions(stored, defaults.tree());

  EXPECT_FALSE(json::find(tree, {"features", "api_keys"})->as_bool());
  EXPECT_TRUE(json::find(tree, {"features", "notes"})->as_bool());
  EXPECT_TRUE(json::find(tree, {"own", "thing"})->as_bool());
  EXPECT_EQ(tree.as_object().size(), 7u);
}

TEST(PermissionTree, TheMostPermissiveWins) {
  PermissionDefaults defaults;

  Permissions mine(defaults.tree(), {"features.api_keys", "sharing.public_channels"});

  EXPECT_TRUE(mine.allows("features.api_keys"));
  EXPECT_TRUE(mine.allows("sharing.public_channels"));
  EXPECT_TRUE(mine.allows("chat.delete"));
  EXPECT_FALSE(mine.allows("workspace.models"));
  EXPECT_FALSE(mine.allows("chat"));
  EXPECT_FALSE(mine.allows("chat.delete.more"));
}

}  // namespace
}  // namespace antiphon::auth

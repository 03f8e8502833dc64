#include "features/chats/live.h"

#include <gtest/gtest.h>

#include "features/chats/testing.h"

namespace antiphon::chats {
namespace {

using testing::OnEngines;
using testing::World;

ANTIPHON_ON_ENGINES(LiveRooms);

/// As the hub asks: whoever passed the caller on has returned before the answer is worked out.
Task<bool> asked(World& world, const std::string& name, const std::string& room) {
  Caller caller = World::caller(name);
  caller.email = name + "@an-address-too-long-to-be-kept-inside-a-string.example";
  caller.scopes.assign(3, "a scope that is too long to be kept inside a string");
  return may_join(world.guard, std::move(caller), room);
}

TEST_P(LiveRooms, AreJoinedByThoseWhoMayReadTheChat) {
  World world(GetParam());
  std::string id = world.add("a-user-with-a-name-of-its-own", "Chat");
  auto may = [&](const std::string& name, const std::string& room) {
    return antiphon::run([&] { return asked(world, name, room); });
  };
  EXPECT_TRUE(may("a-user-with-a-name-of-its-own", "chat:" + id));
  EXPECT_FALSE(may("another-user-with-another-name", "chat:" + id));
  EXPECT_FALSE(may("a-user-with-a-name-of-its-own", "chat:none"));
  EXPECT_FALSE(may("a-user-with-a-name-of-its-own", "user:another-user-with-another-name"));
}

}  // namespace
}  // namespace antiphon::chats

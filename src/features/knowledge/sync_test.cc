#include "features/knowledge/sync.h"

#include <gtest/gtest.h>

namespace antiphon::knowledge {
namespace {

using Texts = std::vector<std::string>;

ManifestEntry entry(std::string path, std::string name, std::string checksum) {
  return {
      .filename = std::move(name), .path = std::move(path), .checksum = std::move(checksum), .size = 1};
}

TEST(Sync, PathsHaveParts) {
  EXPECT_EQ(parts_of(""), Texts());
  EXPECT_EQ(parts_of("/a//b/"), (Texts{"a", "b"}));
  EXPECT_EQ(parts_of("a"), Texts{"a"});
}

TEST(Sync, TheSameIsNoDifference) {
  auto d = difference({entry("a/b", "f", "1"), entry("", "g", "2")},
                      {{"F", "f", "a/b", "1"}, {"G", "g", "", "2"}}, {{"a", "A"}, {"a/b", "B"}});
  EXPECT_EQ(d.unmodified_count, 2);
  EXPECT_TRUE(d.added.empty() && d.modified.empty() && d.deleted.empty());
  EXPECT_TRUE(d.mkdir.empty() && d.rmdir.empty());
  EXPECT_EQ(d.directory_map.at("a/b"), "B");
}

TEST(Sync, WhatCameWhatChangedWhatWent) {
  auto d = difference({entry("/new/sub/", "n", "1"), entry("a", "f", "2")},
                      {{"F", "f", "a", "1"}, {"G", "g", "a", "3"}, {"H", "f", "", "2"}},
                      {{"a", "A"}, {"old", "O"}, {"old/in", "I"}});
  ASSERT_EQ(d.added.size(), 1u);
  EXPECT_EQ(d.added[0].filename + "|" + d.added[0].path, "n|new/sub");
  ASSERT_EQ(d.modified.size(), 1u);
  EXPECT_EQ(d.modified[0].stale_file_id, "F");
  ASSERT_EQ(d.deleted.size(), 2u) << "a file of the same name elsewhere is another file";
  EXPECT_EQ(d.mkdir, (Texts{"new", "new/sub"}));
  EXPECT_EQ(d.rmdir, (Texts{"I", "O"})) << "those inside first";
  EXPECT_EQ(d.unmodified_count, 0);
}

TEST(Sync, NothingOnTheDiskLeavesNothing) {
  auto d = difference({}, {{"F", "f", "", "1"}}, {{"a", "A"}});
  EXPECT_EQ(d.deleted.size(), 1u);
  EXPECT_EQ(d.rmdir, Texts{"A"});
}

TEST(Sync, OfTwoOfOneNameTheLastCounts) {
  auto d =
      difference({entry("a", "f", "1"), entry("a/", "f", "2")}, {{"F", "f", "a", "2"}}, {{"a", "A"}});
  EXPECT_EQ(d.unmodified_count, 1);
  EXPECT_TRUE(d.added.empty());
}

}  // namespace
}  // namespace antiphon::knowledge

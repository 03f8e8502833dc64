#include "features/chats/attached.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

namespace antiphon::chats {
namespace {

std::optional<std::string> ids(std::string_view files) {
  return file_ids_of(json::try_parse(files));
}

TEST(Attached, FilesAreNamedByTheirIdsOrWhereTheirBytesAre) {
  EXPECT_EQ(ids(R"([{"type":"file","id":"b-1","url":"b-1"},{"type":"image","url":"a_2"}])"),
            " a_2 b-1 ");
  EXPECT_EQ(ids(R"([{"url":"/api/v1/files/c/content"},{"url":"/api/v1/files/d"}])"), " c d ");
}

TEST(Attached, WhatIsNoFileOfThisServerIsNone) {
  EXPECT_EQ(file_ids_of(std::optional<json::Value>()), std::nullopt);
  for (std::string_view none :
       {"[]", "{}", "7", R"([7,{"id":""},{"url":"data:image/png;base64,AA=="}])",
        R"([{"url":"https://x.example/api/v1/files/a"}])", R"([{"id":"a b"},{"id":"a\u0000"}])"})
    EXPECT_EQ(ids(none), std::nullopt) << none;
  EXPECT_EQ(file_ids_of(json::Value(json::Array{json::Object{{"id", std::string(65, 'a')}}})),
            std::nullopt);
}

TEST(Attached, NamesAreBounded) {
  json::Array many;
  for (int i = 0; i < 2000; ++i) many.emplace_back(json::Object{{"id", std::to_string(i)}});
  std::string all = file_ids_of(json::Value(std::move(many))).value();
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(all, ' ')), kMostFiles + 1);
}

}  // namespace
}  // namespace antiphon::chats

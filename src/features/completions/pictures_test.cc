#include "features/completions/pictures.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/loops.h"
#include "base/problem.h"
#include "features/completions/prompt.h"

namespace antiphon::completions {
namespace {

/// Files "a" and "b" are anybody's; others are nobody's.
struct World {
  Pictures pictures{.check = [this](const User&, std::string id) -> Task<> {
                      if (id != "a" && id != "b") throw not_found("File");
                      checked += id;
                      co_return;
                    },
                    .read = [this](const User&, std::string id,
                                   std::int64_t room) -> Task<std::optional<std::string>> {
                      if ((id != "a" && id != "b") || room < size) co_return std::nullopt;
                      std::string url = "data:image/png;base64," + id;
                      url.resize(static_cast<std::size_t>(size) / 3 * 4, '=');
                      co_return url;
                    }};
  std::int64_t size = 60;
  std::string checked;

  json::Array put(std::string_view text) {
    json::Array messages = json::try_parse(text)->as_array();
    User me;
    run([&] { return put_pictures(pictures, me, messages); });
    return messages;
  }
};

std::string url_at(const json::Array& messages, std::size_t message, std::size_t part) {
  const json::Array& parts = *json::array_at(messages.at(message), "content");
  return std::string(json::text_at(parts.at(part).at("image_url"), "url"));
}

TEST(Pictures, AreNamedByTheirFilesInEveryWay) {
  EXPECT_EQ(file_named("a-1"), "a-1");
  EXPECT_EQ(file_named("/api/v1/files/a-1"), "a-1");
  EXPECT_EQ(file_named("/api/v1/files/a-1/content"), "a-1");
  EXPECT_EQ(file_named("/api/v1/files/a-1/content?x=1"), "a-1");
  EXPECT_EQ(file_named("https://me.example/api/v1/files/a-1/content"), "a-1");
  for (std::string_view other : {"", "data:image/png;base64,AA==", "https://x.example/a.png",
                                 "https://x.example", "file:///etc/passwd"})
    EXPECT_EQ(file_named(other), std::nullopt) << other;
}

// What a model cannot read it is told of, so that it does not make it up.
TEST(Pictures, OtherFilesAreNamed) {
  auto told = [](std::string_view content, std::string_view files) {
    chats::Message m{.role = "user"};
    m.content = json::Value(content);
    m.files = json::try_parse(files);
    return json::serialize(provider_messages({m}).at(0).at("content"));
  };
  EXPECT_EQ(told("Hi", R"([{"type":"file","id":"a","name":"a.pdf"},{"type":"file","id":"b"}])"),
            R"("Hi\n\n[Attached file: a.pdf. Its contents are not shown to you.]\n)"
            R"([Attached file: without a name. Its contents are not shown to you.]")");
  EXPECT_EQ(told("", R"([{"type":"file","id":"a","name":"a.pdf"}])"),
            R"("[Attached file: a.pdf. Its contents are not shown to you.]")");
  EXPECT_EQ(told("", R"([{"type":"image","url":"a"}])"),
            R"([{"type":"image_url","image_url":{"url":"a"}}])");
  EXPECT_EQ(told("Hi", R"([{"type":"collection","id":"k"}])"), R"("Hi")");
}

TEST(Pictures, TakeTheirAddressesPlaceWithTheRightsOfWhoAsks) {
  World w;
  auto messages = w.put(R"([{"role":"user","content":[
      {"type":"text","text":"Look"},
      {"type":"image_url","image_url":{"url":"/api/v1/files/a/content","detail":"low"}},
      {"type":"image_url","image_url":{"url":"foreign"}},
      {"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]},
      {"role":"assistant","content":"b"}])");

  const json::Array& parts = *json::array_at(messages.at(0), "content");
  ASSERT_EQ(parts.size(), 3u) << "the foreign one is left out";
  EXPECT_TRUE(url_at(messages, 0, 1).starts_with("data:image/png;base64,a"));
  EXPECT_EQ(json::text_at(parts.at(1).at("image_url"), "detail"), "low");
  EXPECT_EQ(url_at(messages, 0, 2), "https://x.example/a.png");
  EXPECT_EQ(json::text_at(messages.at(1), "content"), "b");
}

TEST(Pictures, BeyondWhatFitsAreTheOldest) {
  World w;
  w.size = kMostPictures - 30;
  auto messages = w.put(R"([
      {"role":"user","content":[{"type":"image_url","image_url":{"url":"a"}}]},
      {"role":"user","content":[{"type":"image_url","image_url":{"url":"b"}}]}])");

  EXPECT_EQ(json::array_at(messages.at(0), "content")->size(), 0u);
  EXPECT_TRUE(url_at(messages, 1, 0).starts_with("data:image/png;base64,b"));
}

// row 49
TEST(Pictures, OfOthersAreRefusedBeforeAnythingIsAsked) {
  World w;
  auto check = [&](std::string_view url) {
    chats::Message question;
    question.role = "user";
    question.content = "Look";
    question.files = json::Array{json::Object{{"type", "image"}, {"url", url}}};
    User me;
    json::Array messages = provider_messages({question});
    run([&] { return check_pictures(w.pictures, me, messages); });
  };
  check("/api/v1/files/a/content");
  check("b");
  check("data:image/png;base64,AA==");
  EXPECT_EQ(w.checked, "ab");
  for (std::string_view foreign :
       {"fid", "/api/v1/files/fid/content", "http://self/api/v1/files/fid/content"})
    EXPECT_THROW(check(foreign), Problem) << foreign;
}

}  // namespace
}  // namespace antiphon::completions

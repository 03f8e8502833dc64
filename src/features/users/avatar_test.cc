#include "features/users/avatar.h"

#include <gtest/gtest.h>

#include "base/problem.h"
#include "features/users/users.h"

namespace antiphon::users {
namespace {

const std::vector<std::string> kTypes = {"image/png", "image/jpeg", "image/gif", "image/webp"};
const std::string kPng = "data:image/png;base64,iVBORw0KGgo=";

int refusal(const std::string& url) {
  try {
    check_image_url(url, {"u1"}, kTypes);
    return 0;
  } catch (const Problem& problem) {
    return problem.status();
  }
}

// row 37
TEST(Avatars, OnlyRasterImagesAreTaken) {
  for (const char* bad :
       {"data:image/svg+xml;base64,AAAA", "data:image/svg+xml,<svg/>", "javascript:alert(1)",
        "/api/v1/auths/signout", "//evil", "http://a/b.png", "https://user@evil/x",
        "https://evil\\@good/x", "data:text/html;base64,AAAA", "data:image/png;base64,AAAA",
        "data:image/png,iVBORw0KGgo=", "data:image/png;base64,####", "/api/v1/users/u2/profile/image",
        "/static/../x", "https://"})
    EXPECT_EQ(refusal(bad), 422) << bad;
  for (const std::string& good :
       {kPng, std::string("/user.png"), std::string(""), std::string("/api/v1/users/u1/profile/image"),
        std::string("data:image/gif;base64,R0lGODlh"), std::string("data:image/jpeg;base64,/9j/"),
        std::string("https://www.gravatar.com/avatar/abc")})
    EXPECT_EQ(refusal(good), 0) << good;
}

TEST(Avatars, AreOfBoundedSize) {
  EXPECT_EQ(refusal(kPng + std::string(kMaxImageUrl, 'A')), 422);
}

// row 15
TEST(Avatars, NoBrowserIsSentToAnotherServer) {
  EXPECT_EQ(shown_image("u1", "https://evil/x.png"), "/api/v1/users/u1/profile/image");
  EXPECT_EQ(shown_image("u1", "//evil/x.png"), "/api/v1/users/u1/profile/image");
  http::Response shown = picture("u1", "Ann", "https://evil/x.png", kTypes);

  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.type, "image/svg+xml");
  EXPECT_EQ(shown.body.find("evil"), std::string::npos);
}

TEST(Avatars, AStoredImageIsServedAsWhatItIs) {
  http::Response shown = picture("u1", "Ann", kPng, kTypes);

  EXPECT_EQ(shown.type, "image/png");
  EXPECT_EQ(shown.body.substr(1, 3), "PNG");
}

TEST(Avatars, BytesThatAreKeptAreServedAsWhatTheyAre) {
  const std::string png = "\x89PNG\r\n\x1a\n";

  EXPECT_EQ(picture("u1", "Ann", "", kTypes, png).type, "image/png");
  EXPECT_EQ(picture("u1", "Ann", "", kTypes, png).body, png);
  EXPECT_EQ(picture("u1", "Ann", "", {"image/gif"}, png).type, "image/svg+xml");
  EXPECT_EQ(picture("u1", "Ann", "", kTypes, "<html>").type, "image/svg+xml");
}

// Nobody gets a blob because he knows what it is called.
TEST(Avatars, ABlobIsSomebodysUnderHisOwnAddressOnly) {
  const std::string id(64, 'a'), path = "/api/v1/users/u1/profile/image?v=";

  EXPECT_EQ(blob_in(path + id, {"u1"}).value().value, id);
  EXPECT_FALSE(blob_in(path + id, {"u2"}));
  EXPECT_FALSE(blob_in(path + id + "0", {"u1"}));
  EXPECT_EQ(refusal(path + id), 0);
  EXPECT_EQ(refusal(path + "../" + id), 422);
  EXPECT_EQ(refusal("/api/v1/users/u2/profile/image?v=" + id), 422);
  EXPECT_THROW(check_image_url("/api/v1/users//profile/image?v=" + id, {}, kTypes), Problem);
}

TEST(Avatars, ANameCannotBecomeMarkup) {
  for (const char* name : {"<script>", "\"", "&", "", "\xff"}) {
    std::string svg = picture("u1", name, "", kTypes).body;
    EXPECT_NE(svg.find(">?</text>"), std::string::npos) << name;
  }
  EXPECT_NE(picture("u1", "éa", "", kTypes).body.find(">é</text>"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::users

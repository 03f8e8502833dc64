#include "blobs/sigv4.h"

#include <gtest/gtest.h>

namespace antiphon::blobs {
namespace {

// The keys, requests and signatures of Amazon's own documentation of S3.
const Credentials kKey{"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), ""};
constexpr std::int64_t kThen = 1'369'353'600;
constexpr std::string_view kNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string header(const std::vector<std::pair<std::string, std::string>>& headers,
                   std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "";
}

TEST(SigV4, SignsARangeAsAmazonDoes) {
  auto headers = sign({.method = "GET",
                       .host = "examplebucket.s3.amazonaws.com",
                       .path = "/test.txt",
                       .payload_sha256 = kNothing,
                       .headers = {{"range", "bytes=0-9"}}},
                      kKey, "us-east-1", kThen);

  EXPECT_EQ(header(headers, "x-amz-date"), "20130524T000000Z");
  EXPECT_EQ(header(headers, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, SignsABodyAsAmazonDoes) {
  auto headers =
      sign({.method = "PUT",
            .host = "examplebucket.s3.amazonaws.com",
            .path = "/test%24file.text",
            .payload_sha256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
           kKey, "us-east-1", kThen);

  EXPECT_TRUE(header(headers, "authorization")
                  .ends_with("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4, SendsAndSignsTheTokenOfASession) {
  Credentials session = kKey;
  session.token = "a-token";

  auto headers = sign({.method = "GET", .host = "h", .path = "/", .payload_sha256 = kNothing}, session,
                      "us-east-1", kThen);

  EXPECT_EQ(header(headers, "x-amz-security-token"), "a-token");
  EXPECT_NE(header(headers, "authorization").find("x-amz-security-token,"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::blobs

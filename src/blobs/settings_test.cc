#include "blobs/settings.h"

#include <gtest/gtest.h>

#include "config/registry.h"

namespace antiphon::blobs {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The only complaint about an environment; "" when there is none.
std::string complaint(const Environment& environment) {
  Settings settings;
  config::Registry registry;
  registry.add(settings);
  auto errors = registry.load_env(environment).errors;
  return errors.empty() ? "" : errors.front();
}

Environment s3(Environment more) {
  Environment out{{"STORAGE_PROVIDER", "s3"},
                  {"S3_BUCKET_NAME", "files"},
                  {"S3_ACCESS_KEY_ID", "id"},
                  {"S3_SECRET_ACCESS_KEY", "secret"}};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

TEST(BlobSettings, TakeWhatCanBeDone) {
  EXPECT_EQ(complaint({}), "");
  EXPECT_EQ(complaint({{"STORAGE_PROVIDER", "local"}}), "");
  EXPECT_EQ(complaint({{"STORAGE_PROVIDER", "database"}}), "");
  EXPECT_EQ(complaint(s3({{"S3_ENDPOINT_URL", "http://minio:9000"}, {"S3_KEY_PREFIX", "a/b"}})), "");
}

TEST(BlobSettings, SayWhatToDoInsteadOfWhatCannotBeDone) {
  EXPECT_NE(
      complaint({{"STORAGE_PROVIDER", "gcs"}}).find("S3_ENDPOINT_URL=https://storage.googleapis.com"),
      std::string::npos);
  EXPECT_NE(complaint({{"STORAGE_PROVIDER", "azure"}}).find("STORAGE_PROVIDER=database"),
            std::string::npos);
  EXPECT_NE(complaint({{"STORAGE_PROVIDER", "ftp"}}).find("STORAGE_PROVIDER"), std::string::npos);
}

TEST(BlobSettings, NameWhatS3Lacks) {
  EXPECT_NE(complaint({{"STORAGE_PROVIDER", "s3"}}).find("S3_BUCKET_NAME"), std::string::npos);
  EXPECT_NE(
      complaint({{"STORAGE_PROVIDER", "s3"}, {"S3_BUCKET_NAME", "files"}}).find("S3_ACCESS_KEY_ID"),
      std::string::npos);
  EXPECT_NE(complaint(s3({{"S3_ENDPOINT_URL", "minio:9000"}})).find("S3_ENDPOINT_URL"),
            std::string::npos);
  EXPECT_NE(complaint(s3({{"S3_KEY_PREFIX", "a?b"}})).find("S3_KEY_PREFIX"), std::string::npos);
  EXPECT_NE(complaint(s3({{"S3_ADDRESSING_STYLE", "virtual"}, {"S3_BUCKET_NAME", "a.b"}}))
                .find("S3_ADDRESSING_STYLE=path"),
            std::string::npos);
}

TEST(BlobSettings, TakeAmazonsNamesOfKeys) {
  EXPECT_EQ(complaint({{"STORAGE_PROVIDER", "s3"},
                       {"S3_BUCKET_NAME", "files"},
                       {"AWS_ACCESS_KEY_ID", "id"},
                       {"AWS_SECRET_ACCESS_KEY", "secret"},
                       {"AWS_SESSION_TOKEN", "token"}}),
            "");
}

}  // namespace
}  // namespace antiphon::blobs

#include "blobs/settings.h"

#include <gtest/gtest.h>

#include <tuple>

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

TEST(BlobSettings, NameWhatGoogleLacks) {
  EXPECT_NE(complaint({{"STORAGE_PROVIDER", "gcs"}}).find("GCS_BUCKET_NAME"), std::string::npos);
  Environment named{{"STORAGE_PROVIDER", "gcs"}, {"GCS_BUCKET_NAME", "files"}};
  auto with = [&](std::string name, std::string value) {
    Environment out = named;
    out.emplace_back(std::move(name), std::move(value));
    return complaint(out);
  };
  EXPECT_NE(complaint(named).find("GOOGLE_APPLICATION_CREDENTIALS_JSON"), std::string::npos);
  std::string told =
      with("GOOGLE_APPLICATION_CREDENTIALS_JSON",
           R"({"client_email":"a@b","token_uri":"https://t","private_key":"unspeakable"})");
  EXPECT_NE(told.find("GOOGLE_APPLICATION_CREDENTIALS_JSON"), std::string::npos);
  EXPECT_EQ(told.find("unspeakable"), std::string::npos);
  EXPECT_NE(with("STORAGE_EMULATOR_HOST", "localhost:4443").find("STORAGE_EMULATOR_HOST"),
            std::string::npos);
  EXPECT_EQ(with("STORAGE_EMULATOR_HOST", "http://localhost:4443"), "");
}

TEST(BlobSettings, NameWhatAzureLacks) {
  Environment have{{"STORAGE_PROVIDER", "azure"}};
  for (auto [name, good, bad] :
       {std::tuple{"AZURE_STORAGE_ENDPOINT", "https://acc.blob.core.windows.net", "https://10.0.0.1"},
        {"AZURE_STORAGE_CONTAINER_NAME", "files", "a/b"},
        {"AZURE_STORAGE_KEY", "a2V5", "not Base64"}}) {
    EXPECT_NE(complaint(have).find(name), std::string::npos);
    Environment wrong = have;
    wrong.emplace_back(name, bad);
    EXPECT_NE(complaint(wrong).find(name), std::string::npos) << name;
    have.emplace_back(name, good);
  }
  EXPECT_EQ(complaint(have), "");
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

#pragma once

#include "config/setting.h"

namespace antiphon::blobs {

/// Where files and pictures are kept.
struct Settings : config::Group {
  Settings() : Group("Files") {}
  /// What cannot be done is refused here, before anything starts.
  void check(const config::Values& values) const override;

  config::Text storage_provider =
      env("STORAGE_PROVIDER", "")
          .one_of({"", "local", "database", "s3", "gcs", "azure"})
          .on_restart()
          .help(
              "Where files are kept: local (a folder in DATA_DIR, which all replicas must share), "
              "database, s3, gcs (Google) or azure. Empty: a folder with SQLite, the database with "
              "PostgreSQL.");
  config::Text s3_bucket = env("S3_BUCKET_NAME", "").on_restart().help("The bucket files are kept in.");
  config::Text s3_key_prefix =
      env("S3_KEY_PREFIX", "").on_restart().help("Begins the names of all objects in the bucket.");
  config::Text s3_endpoint = env("S3_ENDPOINT_URL", "")
                                 .on_restart()
                                 .help("Address of an S3-compatible server. Empty: Amazon's.");
  config::Text s3_region = env("S3_REGION_NAME", "")
                               .also("AWS_REGION")
                               .on_restart()
                               .help("The bucket's region. Empty: us-east-1.");
  config::SecretText s3_access_key =
      env_secret("S3_ACCESS_KEY_ID")
          .also("AWS_ACCESS_KEY_ID")
          .on_restart()
          .help("Key for the bucket. Roles of machines and profiles in files are not read.");
  config::SecretText s3_secret_key = env_secret("S3_SECRET_ACCESS_KEY")
                                         .also("AWS_SECRET_ACCESS_KEY")
                                         .on_restart()
                                         .help("The secret of that key.");
  config::SecretText s3_session_token =
      env_secret("AWS_SESSION_TOKEN").on_restart().help("The token of a temporary key.");
  config::Bool s3_accelerate = env("S3_USE_ACCELERATE_ENDPOINT", false)
                                   .on_restart()
                                   .help("Uses Amazon's Transfer Acceleration.");
  config::Text s3_addressing =
      env("S3_ADDRESSING_STYLE", "")
          .one_of({"", "auto", "path", "virtual"})
          .on_restart()
          .help(
              "path: the bucket stands in the path; virtual: in the host's name. Empty or auto: path "
              "with S3_ENDPOINT_URL, virtual at Amazon.");
  config::Bool s3_tagging =
      env("S3_ENABLE_TAGGING", false).on_restart().help("Tags objects with application=antiphon.");
  config::Text gcs_bucket =
      env("GCS_BUCKET_NAME", "").on_restart().help("The bucket at Google that files are kept in.");
  config::SecretText gcs_credentials =
      env_secret("GOOGLE_APPLICATION_CREDENTIALS_JSON")
          .on_restart()
          .help("The key of a service account: the text of its file. Roles of machines are not read.");
  config::Text gcs_emulator =
      env("STORAGE_EMULATOR_HOST", "")
          .on_restart()
          .help("Address of an emulator of Google Cloud Storage, for tests; it needs no key.");
  config::Text azure_endpoint =
      env("AZURE_STORAGE_ENDPOINT", "").on_restart().help("https://account.blob.core.windows.net");
  config::Text azure_container = env("AZURE_STORAGE_CONTAINER_NAME", "")
                                     .on_restart()
                                     .help("The container at Azure that files are kept in.");
  config::SecretText azure_key =
      env_secret("AZURE_STORAGE_KEY")
          .on_restart()
          .help("A key of the storage account. Roles of machines are not read.");
  config::Int sweep_minutes =
      env("ANTIPHON_BLOB_SWEEP_MINUTES", 60)
          .between(0, 10'080)
          .on_restart()
          .help(
              "How often files that nothing refers to any more, and that are older than a day, are "
              "removed; 0 is never.");

 private:
  void check_s3(const config::Values& values) const;
  void check_gcs(const config::Values& values) const;
  void check_azure(const config::Values& values) const;
};

}  // namespace antiphon::blobs

#include "blobs/settings.h"

#include <algorithm>
#include <stdexcept>

namespace antiphon::blobs {
namespace {

/// What may stand in a host's name as well as in a path.
bool is_bucket(const std::string& name) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           (c >= 'A' && c <= 'Z');
  };
  return name.size() >= 3 && name.size() <= 255 && std::ranges::all_of(name, fits) &&
         name.find("..") == name.npos && name.front() != '.';
}

bool is_prefix(const std::string& prefix) {
  return prefix.size() <= 512 && std::ranges::all_of(prefix, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '-' || c == '_' || c == '.';
         });
}

[[noreturn]] void refuse(const char* why) {
  throw std::invalid_argument(why);
}

}  // namespace

void Settings::check(const config::Values& v) const {
  std::string provider = storage_provider(v);
  if (provider == "gcs")
    refuse(
        "STORAGE_PROVIDER=gcs is not there: make an HMAC key for the bucket and set "
        "STORAGE_PROVIDER=s3, S3_ENDPOINT_URL=https://storage.googleapis.com and S3_REGION_NAME=auto");
  if (provider == "azure")
    refuse("STORAGE_PROVIDER=azure is not there: set STORAGE_PROVIDER=database, or s3");
  if (provider != "s3") return;
  if (!is_bucket(s3_bucket(v)))
    refuse("S3_BUCKET_NAME: STORAGE_PROVIDER=s3 needs the name of a bucket that is there");
  if (s3_access_key(v).empty() || s3_secret_key(v).empty())
    refuse("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY: STORAGE_PROVIDER=s3 needs both");
  if (!is_prefix(s3_key_prefix(v))) refuse("S3_KEY_PREFIX: expected letters, digits, and / - _ . only");
  bool own = !s3_endpoint(v).empty();
  if (own && !s3_endpoint(v).starts_with("https://") && !s3_endpoint(v).starts_with("http://"))
    refuse("S3_ENDPOINT_URL: expected an address like https://minio.example.org");
  if (own && s3_accelerate(v))
    refuse("S3_USE_ACCELERATE_ENDPOINT: Amazon's only; leave S3_ENDPOINT_URL empty with it");
  bool in_host = s3_accelerate(v) || s3_addressing(v) == "virtual";
  if (in_host && s3_bucket(v).find_first_of("._") != std::string::npos)
    refuse("S3_BUCKET_NAME: one with dots needs S3_ADDRESSING_STYLE=path");
}

}  // namespace antiphon::blobs

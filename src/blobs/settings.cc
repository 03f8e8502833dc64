#include "blobs/settings.h"

#include <algorithm>
#include <stdexcept>

#include "base/encode.h"
#include "blobs/azure.h"
#include "blobs/gcs.h"

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

bool is_address(const std::string& text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

[[noreturn]] void refuse(const char* why) {
  throw std::invalid_argument(why);
}

}  // namespace

void Settings::check(const config::Values& v) const {
  std::string provider = storage_provider(v);
  if (provider == "s3") check_s3(v);
  if (provider == "gcs") check_gcs(v);
  if (provider == "azure") check_azure(v);
}

void Settings::check_gcs(const config::Values& v) const {
  if (!is_bucket(gcs_bucket(v)))
    refuse("GCS_BUCKET_NAME: STORAGE_PROVIDER=gcs needs the name of a bucket that is there");
  std::string key = gcs_credentials(v).reveal(), emulator = gcs_emulator(v);
  if (!emulator.empty() && !is_address(emulator))
    refuse("STORAGE_EMULATOR_HOST: expected an address like http://localhost:4443");
  if (!service_account(key) && (!key.empty() || emulator.empty()))
    refuse(
        "GOOGLE_APPLICATION_CREDENTIALS_JSON: STORAGE_PROVIDER=gcs needs the JSON of a service "
        "account's key, whole");
}

void Settings::check_azure(const config::Values& v) const {
  if (!is_address(azure_endpoint(v)) || azure_account(azure_endpoint(v)).empty())
    refuse("AZURE_STORAGE_ENDPOINT: expected an address like https://account.blob.core.windows.net");
  if (!is_bucket(azure_container(v)))
    refuse(
        "AZURE_STORAGE_CONTAINER_NAME: STORAGE_PROVIDER=azure needs the name of a container that is "
        "there");
  std::string key = azure_key(v).reveal();
  if (key.empty() || !base64_decode(key))
    refuse("AZURE_STORAGE_KEY: STORAGE_PROVIDER=azure needs a key of the storage account, in Base64");
}

void Settings::check_s3(const config::Values& v) const {
  if (!is_bucket(s3_bucket(v)))
    refuse("S3_BUCKET_NAME: STORAGE_PROVIDER=s3 needs the name of a bucket that is there");
  if (s3_access_key(v).empty() || s3_secret_key(v).empty())
    refuse("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY: STORAGE_PROVIDER=s3 needs both");
  if (!is_prefix(s3_key_prefix(v))) refuse("S3_KEY_PREFIX: expected letters, digits, and / - _ . only");
  bool own = !s3_endpoint(v).empty();
  if (own && !is_address(s3_endpoint(v)))
    refuse("S3_ENDPOINT_URL: expected an address like https://minio.example.org");
  if (own && s3_accelerate(v))
    refuse("S3_USE_ACCELERATE_ENDPOINT: Amazon's only; leave S3_ENDPOINT_URL empty with it");
  bool in_host = s3_accelerate(v) || s3_addressing(v) == "virtual";
  if (in_host && s3_bucket(v).find_first_of("._") != std::string::npos)
    refuse("S3_BUCKET_NAME: one with dots needs S3_ADDRESSING_STYLE=path");
}

}  // namespace antiphon::blobs

#include "blobs/s3.h"

#include <utility>

#include "base/time.h"
#include "client/url.h"

namespace antiphon::blobs {
namespace {

std::string endpoint_of(const Settings& s, const std::string& region) {
  if (std::string own = s.s3_endpoint(); !own.empty()) return own;
  return s.s3_accelerate() ? "https://s3-accelerate.amazonaws.com"
                           : "https://s3." + region + ".amazonaws.com";
}

bool bucket_in_host(const Settings& s) {
  if (s.s3_accelerate() || s.s3_addressing() == "virtual") return true;
  bool may = s.s3_bucket().find_first_of("._ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
  return s.s3_addressing() != "path" && s.s3_endpoint().empty() && may;
}

}  // namespace

S3::S3(const Settings& s)
    : credentials_{s.s3_access_key().reveal(), s.s3_secret_key(), s.s3_session_token().reveal()},
      region_(s.s3_region().empty() ? "us-east-1" : s.s3_region()),
      tagging_(s.s3_tagging()) {
  std::string endpoint = endpoint_of(s, region_);
  client::Url url = client::parse_url(endpoint);
  std::string port =
      url.port == (url.scheme == "https" ? 443 : 80) ? "" : ":" + std::to_string(url.port);
  path_ = path_in(endpoint);
  host_ = (bucket_in_host(s) ? s.s3_bucket() + "." : "") + url.host + port;
  if (!bucket_in_host(s)) path_ += "/" + s.s3_bucket();
  if (std::string prefix = without_slashes(s.s3_key_prefix()); !prefix.empty()) path_ += "/" + prefix;
  root_ = url.scheme + "://" + host_ + path_;
}

ObjectServer::Cures S3::cures() const {
  return {
      .key = "S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, what the key may do, and this machine's clock",
      .bucket = "S3_BUCKET_NAME and S3_ENDPOINT_URL",
      .address = "S3_REGION_NAME, S3_ENDPOINT_URL and S3_ADDRESSING_STYLE"};
}

Task<client::Request> S3::request(Wanted wanted) {
  std::string path = path_ + wanted.name;
  Signed what{.method = wanted.method, .host = host_, .path = path, .payload_sha256 = wanted.hash};
  if (wanted.range) what.headers.emplace_back("range", header_value(*wanted.range));
  if (tagging_ && wanted.method == "PUT" && wanted.name.starts_with("/blobs/"))
    what.headers.emplace_back("x-amz-tagging", "application=antiphon");
  co_return client::Request{.method = std::string(wanted.method),
                            .url = root_ + wanted.name,
                            .headers = sign(what, credentials_, region_, unix_seconds())};
}

}  // namespace antiphon::blobs

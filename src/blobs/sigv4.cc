#include "blobs/sigv4.h"

#include <array>
#include <ctime>
#include <map>

#include "base/encode.h"

namespace antiphon::blobs {
namespace {

/// "20130524T000000Z"
std::string stamp_of(std::int64_t unix_seconds) {
  std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> out{};
  std::size_t size = std::strftime(out.data(), out.size(), "%Y%m%dT%H%M%SZ", &parts);
  return {out.data(), size};
}

std::string signature(const Credentials& credentials, std::string_view day, std::string_view region,
                      std::string_view to_sign) {
  std::string key = hmac_sha256("AWS4" + credentials.secret.reveal(), day);
  for (std::string_view step : {region, std::string_view("s3"), std::string_view("aws4_request")})
    key = hmac_sha256(key, step);
  return hex(hmac_sha256(key, to_sign));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sign(const Signed& request,
                                                      const Credentials& credentials,
                                                      std::string_view region,
                                                      std::int64_t unix_seconds) {
  std::string stamp = stamp_of(unix_seconds), day = stamp.substr(0, 8);
  std::map<std::string, std::string> headers(request.headers.begin(), request.headers.end());
  headers["x-amz-date"] = stamp;
  headers["x-amz-content-sha256"] = request.payload_sha256;
  if (!credentials.token.empty()) headers["x-amz-security-token"] = credentials.token;
  std::vector<std::pair<std::string, std::string>> out(headers.begin(), headers.end());

  headers["host"] = request.host;
  std::string lines, names;
  for (const auto& [name, value] : headers) {
    lines.append(name).append(":").append(value).append("\n");
    names.append(names.empty() ? "" : ";").append(name);
  }
  std::string canonical;
  canonical.append(request.method).append("\n").append(request.path).append("\n\n");
  canonical.append(lines).append("\n").append(names).append("\n").append(request.payload_sha256);
  std::string scope = day + "/" + std::string(region) + "/s3/aws4_request";
  std::string to_sign = "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex(sha256(canonical));
  out.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.id + "/" + scope +
                                        ",SignedHeaders=" + names +
                                        ",Signature=" + signature(credentials, day, region, to_sign));
  return out;
}

}  // namespace antiphon::blobs

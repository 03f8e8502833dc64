#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"

/// AWS Signature Version 4, as S3 and servers like it ask for. Pure.
namespace antiphon::blobs {

struct Credentials {
  std::string id;
  Secret secret;
  std::string token;  ///< Of a session; empty when there is none.
};

/// What is signed of a request.
struct Signed {
  std::string_view method;
  std::string_view host;  ///< As the Host header has it, with a port that is not the usual one.
  std::string_view path;  ///< Encoded.
  std::string_view payload_sha256;  ///< In hexadecimal.
  /// Further headers, small letters.
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// All headers to send: `request.headers`, the date, the payload's hash, the session's token and
/// Authorization. Host is the client's own.
std::vector<std::pair<std::string, std::string>> sign(const Signed& request,
                                                      const Credentials& credentials,
                                                      std::string_view region,
                                                      std::int64_t unix_seconds);

}  // namespace antiphon::blobs

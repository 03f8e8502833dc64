#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "blobs/objects.h"
#include "blobs/settings.h"

namespace antiphon::blobs {

/// A key of a Google service account: what its file of JSON says.
struct ServiceAccount {
  std::string client_email;
  std::string private_key_id;
  std::string private_key;  ///< PEM. Not to be shown.
  std::string token_uri;
};

/// Nothing when it is not the key of one, or its private key is none.
std::optional<ServiceAccount> service_account(std::string_view json);

/// What is given to `token_uri` in exchange for a token (RFC 7523, signed with RS256).
std::string assertion(const ServiceAccount& account, std::int64_t unix_seconds);

/// Google Cloud Storage as a service account (OAuth 2.0): uploads by its JSON API, all else by its XML
/// API, whose addresses are short.
class Gcs final : public ObjectServer {
 public:
  /// The settings have been checked.
  Gcs(const Settings& settings, client::Client& client);

  std::string_view called() const override { return "Google Cloud Storage"; }
  std::string place() const override { return "the bucket " + root_; }
  Cures cures() const override;
  std::int64_t most_bytes() const override { return std::int64_t{5} << 40; }
  Task<client::Request> request(Wanted wanted) override;

 private:
  Task<std::string> token();

  client::Client& client_;
  std::string root_;                       ///< "https://storage.googleapis.com/bucket"
  std::string upload_;                     ///< Where a name is appended to.
  std::optional<ServiceAccount> account_;  ///< An emulator needs none.
  std::mutex mutex_;
  Secret token_;
  std::int64_t token_until_ = 0;  ///< Unix seconds; anew a minute before.
};

}  // namespace antiphon::blobs

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "blobs/objects.h"
#include "blobs/settings.h"

namespace antiphon::blobs {

/// The name of the storage account: the first label of "https://name.blob.core.windows.net", or the
/// path's first segment where the host is an address or "localhost". Empty when there is none.
std::string azure_account(std::string_view endpoint);

/// Azure Blob Storage as block blobs, with Shared Key authorization (version 2021-08-06 of its REST
/// API, as Microsoft documents it).
class Azure final : public ObjectServer {
 public:
  static constexpr std::string_view kVersion = "2021-08-06";

  /// The settings have been checked.
  explicit Azure(const Settings& settings);

  std::string_view called() const override { return "Azure Blob Storage"; }
  std::string place() const override { return "the container " + root_; }
  Cures cures() const override;
  std::int64_t most_bytes() const override { return std::int64_t{5'000} << 20; }
  Task<client::Request> request(Wanted wanted) override;

  /// All headers to send, the signature included. `date` as HTTP writes it (RFC 9110 §5.6.7).
  std::vector<client::Header> sign(const Wanted& wanted, const std::string& date) const;

 private:
  std::string account_;
  Secret key_;
  std::string root_;  ///< "https://name.blob.core.windows.net/container".
  std::string path_;  ///< The path in root_.
};

}  // namespace antiphon::blobs

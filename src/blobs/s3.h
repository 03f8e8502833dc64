#pragma once

#include <string>

#include "blobs/objects.h"
#include "blobs/settings.h"
#include "blobs/sigv4.h"

namespace antiphon::blobs {

/// Amazon's S3, or a server that speaks as it does.
class S3 final : public ObjectServer {
 public:
  /// The settings have been checked.
  explicit S3(const Settings& settings);

  std::string_view called() const override { return "S3"; }
  std::string place() const override { return "the bucket " + root_; }
  Cures cures() const override;
  std::int64_t most_bytes() const override { return std::int64_t{5} << 30; }
  Task<client::Request> request(Wanted wanted) override;

 private:
  Credentials credentials_;
  std::string region_;
  bool tagging_;
  std::string root_;  ///< "https://host/bucket", and with the prefix, without a slash at the end.
  std::string host_;  ///< As the Host header has it.
  std::string path_;  ///< The path in root_.
};

}  // namespace antiphon::blobs

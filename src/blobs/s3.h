#pragma once

#include <string>

#include "blobs/backend.h"
#include "blobs/settings.h"
#include "blobs/sigv4.h"
#include "client/client.h"

namespace antiphon::blobs {

/// Bytes as objects of a bucket, at Amazon or a server that speaks as S3 does: one PUT each, so at most
/// 5 GiB. Trouble of the server's is tried again twice.
class S3 final : public Backend {
 public:
  static constexpr std::int64_t kMostBytes = std::int64_t{5} << 30;

  /// The settings have been checked.
  S3(const Settings& settings, client::Client& client, std::string spool_folder);

  std::string place() const override { return "the bucket " + root_; }
  Task<> prepare() override;
  std::string spool_folder() const override { return spool_folder_; }
  Task<bool> has(Blob blob) override;
  Task<> store(SpoolPtr spool) override;
  Task<std::unique_ptr<Pieces>> open(Blob blob, Range range) override;
  Task<> remove(BlobId id) override;

 private:
  using Headers = std::vector<client::Header>;

  /// A signed request for the object `name`; `hash` is its body's.
  client::Request request(std::string method, const std::string& name, std::string_view hash,
                          Headers headers = {}) const;
  std::string name_of(const BlobId& id) const;
  Task<client::Response> ask(client::Request request);
  Task<> try_out();

  client::Client& client_;
  const std::string spool_folder_;
  Credentials credentials_;
  std::string region_;
  bool tagging_;
  std::string root_;  ///< "https://host/bucket", and with the prefix, without a slash at the end.
  std::string host_;  ///< As the Host header has it.
  std::string path_;  ///< The path in root_.
};

}  // namespace antiphon::blobs

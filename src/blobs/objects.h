#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blobs/backend.h"
#include "client/client.h"

namespace antiphon::blobs {

/// What is asked of an object server about one object.
struct Wanted {
  std::string_view method;  ///< PUT, GET, HEAD or DELETE.
  std::string name;         ///< "/blobs/ab/abcd…": no character of it needs encoding.
  std::string hash;         ///< The body's SHA-256, in hexadecimal.
  std::int64_t size = 0;    ///< The body's.
  std::optional<Range> range = {};
};

/// How one kind of object server is asked: its addresses, and how a request proves whose it is. Any
/// thread.
class ObjectServer {
 public:
  /// What to look at, for sentences that begin with "check".
  struct Cures {
    std::string key, bucket, address;
  };

  virtual ~ObjectServer() = default;
  virtual std::string_view called() const = 0;  ///< "S3".
  virtual std::string place() const = 0;        ///< "the bucket https://…". No secrets.
  virtual Cures cures() const = 0;
  virtual std::int64_t most_bytes() const = 0;  ///< That one PUT takes.
  /// With method, URL and headers. Throws Problem(upstream) when whoever proves it cannot be reached.
  virtual Task<client::Request> request(Wanted wanted) = 0;
};

/// Bytes as objects of a bucket: one PUT each. Trouble of the server's is tried again twice.
class Objects final : public Backend {
 public:
  Objects(std::unique_ptr<ObjectServer> server, client::Client& client, std::string spool_folder);

  std::string place() const override { return server_->place(); }
  Task<> prepare() override;
  std::string spool_folder() const override { return spool_folder_; }
  Task<bool> has(Blob blob) override;
  Task<> store(SpoolPtr spool) override;
  Task<std::unique_ptr<Pieces>> open(Blob blob, Range range) override;
  Task<> remove(BlobId id) override;

 private:
  Task<client::Request> request(Wanted wanted);
  Task<client::Response> ask(Wanted wanted, std::string body = {},
                             std::optional<client::FileBody> file = {});
  Task<> try_out();
  [[noreturn]] void refuse(int status, std::string_view answer) const;

  const std::unique_ptr<ObjectServer> server_;
  client::Client& client_;
  const std::string spool_folder_;
  const std::string called_;  ///< "file storage (S3)".
};

/// "bytes=2-4"
std::string header_value(Range range);
/// The path of an address, as "/a/b"; "" when there is none.
std::string path_in(std::string_view address);
/// Without slashes at either end.
std::string without_slashes(std::string text);

}  // namespace antiphon::blobs

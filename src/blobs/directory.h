#pragma once

#include <string>

#include "blobs/backend.h"

namespace antiphon::blobs {

/// Bytes as files of one folder, which all replicas must share: ab/abcdef…, each put there whole by a
/// rename. `.<deployment>/` holds a file for every process that uses it.
class Directory final : public Backend {
 public:
  Directory(std::string folder, std::string deployment);

  std::string place() const override { return "a folder"; }
  Task<> prepare() override;
  std::string spool_folder() const override { return folder_ + "/tmp"; }
  bool moves() const override { return true; }
  Task<bool> has(Blob blob) override;
  Task<> store(SpoolPtr spool) override;
  Task<std::unique_ptr<Pieces>> open(Blob blob, Range range) override;
  Task<> remove(BlobId id) override;
  Task<> mark(std::string node, std::int64_t stale) override;
  Task<> unmark(std::string node) override;
  Task<bool> sees(std::string node) override;

 private:
  std::string path(const BlobId& id) const;
  std::string marks() const { return folder_ + "/." + deployment_; }

  const std::string folder_, deployment_;
};

}  // namespace antiphon::blobs

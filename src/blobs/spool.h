#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "blobs/blob.h"

typedef struct evp_md_ctx_st EVP_MD_CTX;

namespace antiphon::blobs {

/// A file in which a blob lies until all of it is there and its id is known. Blocks: by on_disk() only.
class Spool {
 public:
  /// `named`: keeps its name, so that it can be moved; else it goes with its last holder, be that a
  /// crash. Throws Problem, as append() does: 507 where the disk is full.
  Spool(const std::string& folder, bool named);
  ~Spool();  ///< Removes what still has a name.
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void append(std::string_view bytes);
  void finish();
  /// Up to `size` bytes at `offset`.
  std::string read(std::int64_t offset, std::int64_t size) const;
  /// Makes the bytes durable and gives them the name `path`, in whose folder that is made durable too.
  void move_to(const std::string& path);

  const Blob& blob() const { return blob_; }  ///< After finish().
  int descriptor() const { return file_; }

 private:
  Blob blob_;
  std::string path_;  ///< Empty when it has no name.
  int file_ = -1;
  EVP_MD_CTX* digest_ = nullptr;
};
using SpoolPtr = std::shared_ptr<Spool>;

/// What is wrong with the disk, for the user: 507 when it is full, else 503. `error` is an errno.
[[noreturn]] void throw_disk_error(const std::string& what, int error);
/// Makes it where it is not, and what it lies in.
void make_folder(const std::string& folder);
/// Makes the names in a folder durable.
void sync_folder(const std::string& folder);

}  // namespace antiphon::blobs

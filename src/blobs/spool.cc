#include "blobs/spool.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"

namespace antiphon::blobs {

bool is_id(std::string_view text) {
  if (text.size() != 64) return false;
  for (char c : text)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  return true;
}

void throw_disk_error(const std::string& what, int error) {
  std::string cause = what + ": " + std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT)
    throw Problem(Problem::Kind::unavailable,
                  "The server's disk is full. Free space in its data folder, then try again.")
        .because(std::move(cause))
        .answering(507);
  throw Problem(Problem::Kind::unavailable,
                "The server cannot use the folder in which it keeps files. Check its owner and rights.")
      .because(std::move(cause));
}

void make_folder(const std::string& folder) {
  std::error_code refused;
  std::filesystem::create_directories(folder, refused);
  if (refused) throw_disk_error(folder, refused.value());
}

void sync_folder(const std::string& folder) {
  int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) throw_disk_error(folder, errno);
  int failed = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  // Some file systems know no such thing for a folder, and keep names by themselves.
  if (failed && failed != EINVAL) throw_disk_error(folder, failed);
}

Spool::Spool(const std::string& folder, bool named)
    : path_(folder + "/" + random_hex(16)), digest_(EVP_MD_CTX_new()) {
  auto make = [&] { return ::open(path_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600); };
  file_ = make();
  if (file_ < 0 && errno == ENOENT) {
    std::error_code refused;  // At the start there may have been no room for it.
    std::filesystem::create_directories(folder, refused);
    file_ = refused ? -1 : make();
    if (refused) errno = refused.value();
  }
  if (file_ < 0) {
    int error = errno;
    EVP_MD_CTX_free(digest_);
    throw_disk_error(path_, error);
  }
  EVP_DigestInit_ex(digest_, EVP_sha256(), nullptr);
  if (named) return;
  (void)::unlink(path_.c_str());
  path_.clear();
}

Spool::~Spool() {
  EVP_MD_CTX_free(digest_);
  ::close(file_);
  if (!path_.empty()) (void)::unlink(path_.c_str());
}

void Spool::append(std::string_view bytes) {
  EVP_DigestUpdate(digest_, bytes.data(), bytes.size());
  while (!bytes.empty()) {
    ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_disk_error("writing a file that is sent", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    blob_.size += written;
  }
}

void Spool::finish() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(digest_, digest.data(), nullptr);
  blob_.id = {hex({reinterpret_cast<const char*>(digest.data()), digest.size()})};
}

std::string Spool::read(std::int64_t offset, std::int64_t size) const {
  std::string out(static_cast<std::size_t>(size), '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    ssize_t got =
        ::pread(file_, out.data() + have, out.size() - have, offset + static_cast<std::int64_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_disk_error("reading a file that was sent", errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

void Spool::move_to(const std::string& path) {
  if (::fsync(file_) != 0) throw_disk_error(path, errno);
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!std::filesystem::exists(folder)) {
    make_folder(folder);
    sync_folder(folder.parent_path());
  }
  if (std::rename(path_.c_str(), path.c_str()) != 0) throw_disk_error(path, errno);
  path_.clear();
  sync_folder(folder);
}

}  // namespace antiphon::blobs

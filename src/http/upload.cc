#include "http/upload.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/disk.h"
#include "base/encode.h"
#include "base/log.h"

namespace antiphon::http {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A file that has no name: there is nothing to clear away after a crash.
int nameless(const std::string& folder) {
  int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  std::string name = folder + "/XXXXXX";  // Not all file systems can.
  file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) fail("upload");
  ::unlink(name.c_str());
  return file;
}

}  // namespace

UploadedFile::UploadedFile(const std::string& folder, std::string name, std::string type)
    : name_(std::move(name)),
      type_(std::move(type)),
      file_(nameless(folder)),
      digest_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(digest_, EVP_sha256(), nullptr);
}

UploadedFile::~UploadedFile() {
  EVP_MD_CTX_free(digest_);
  ::close(file_);
}

void UploadedFile::append(std::string_view bytes) {
  EVP_DigestUpdate(digest_, bytes.data(), bytes.size());
  while (!bytes.empty()) {
    ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("upload");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += written;
  }
}

void UploadedFile::close() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(digest_, digest.data(), nullptr);
  sha256_ = hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

FormReader::FormReader(std::string_view boundary, std::string folder, FileLimit limit)
    : parser_(boundary, *this), folder_(std::move(folder)), limit_(std::move(limit)) {}

Task<std::optional<Refusal>> FormReader::take(std::string_view bytes) {
  if (auto refusal = parser_.take(bytes)) co_return refusal;
  co_return co_await write(false);
}

Task<std::optional<Refusal>> FormReader::end() {
  if (!parser_.done()) co_return Refusal{400, "The form ends too early."};
  auto refusal = co_await write(true);
  form_->file = file_;
  co_return refusal;
}

std::optional<Refusal> FormReader::begin(PartHead head) {
  if (!head.filename) {
    text_ = &form_->texts.emplace(std::move(head.name), "")->second;
    return std::nullopt;
  }
  text_ = nullptr;
  auto name = base_name(*head.filename);
  if (!name) return Refusal{400, "The file has no name that may be."};
  if (head.name != "file" || file_) return Refusal{400, "One file is taken, in the part \"file\"."};
  try {
    file_ = std::make_shared<UploadedFile>(folder_, std::move(*name), std::move(head.type));
  } catch (const std::system_error& error) {
    log::error("A file that is sent cannot be stored", {{"folder", folder_}, {"error", error.what()}});
    return Refusal{507, "The server cannot store the file."};
  }
  return std::nullopt;
}

std::optional<Refusal> FormReader::data(std::string_view bytes) {
  if (text_) {
    if ((texts_ += bytes.size()) > kTexts) return Refusal{413, "The form's texts are too long."};
    *text_ += bytes;
    return std::nullopt;
  }
  auto have = static_cast<std::uint64_t>(file_->size()) + pending_.size();
  if (bytes.size() > limit_.bytes - have) return Refusal{413, limit_.beyond};
  pending_ += bytes;
  return std::nullopt;
}

Task<std::optional<Refusal>> FormReader::write(bool last) {
  if (!file_ || (pending_.empty() && !last)) co_return std::nullopt;
  std::string failure;
  try {
    co_await on_disk([file = file_, bytes = std::exchange(pending_, {}), last] {
      file->append(bytes);
      if (last) file->close();
    });
  } catch (const std::system_error& error) {
    failure = error.what();
  }
  if (failure.empty()) co_return std::nullopt;
  log::error("A file that is sent cannot be stored", {{"folder", folder_}, {"error", failure}});
  co_return Refusal{507, "The server cannot store the file."};
}

}  // namespace antiphon::http

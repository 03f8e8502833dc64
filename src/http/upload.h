#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "http/multipart.h"

typedef struct evp_md_ctx_st EVP_MD_CTX;

/// Forms with a file. Its bytes go to disk as they come and are never held in memory; the file has no
/// name there, so it is gone with its last holder, be that a crash.
namespace antiphon::http {

/// A file on disk without a name. Shared by those who read it, at any place and from any thread.
class UploadedFile {
 public:
  /// Throws std::system_error when the folder cannot be written.
  UploadedFile(const std::string& folder, std::string name, std::string type);
  ~UploadedFile();
  UploadedFile(const UploadedFile&) = delete;
  UploadedFile& operator=(const UploadedFile&) = delete;

  const std::string& name() const { return name_; }  ///< As the client calls it, without folders.
  const std::string& type() const { return type_; }  ///< As the client says; "" when it does not.
  std::int64_t size() const { return size_; }
  const std::string& sha256() const { return sha256_; }  ///< Hexadecimal; after close().
  int descriptor() const { return file_; }

  /// Both block, so they run by on_disk(). Throws std::system_error, of a full disk for example.
  void append(std::string_view bytes);
  void close();

 private:
  std::string name_, type_, sha256_;
  std::int64_t size_ = 0;
  int file_ = -1;
  EVP_MD_CTX* digest_ = nullptr;
};
/// How large a file may be.
struct FileLimit {
  std::uint64_t bytes = 0;
  std::string beyond = "The file is too large.";  ///< What whoever sends more is told, with 413.
};
using UploadedFilePtr = std::shared_ptr<const UploadedFile>;

/// What a form held.
struct Form {
  std::multimap<std::string, std::string, std::less<>> texts;
  UploadedFilePtr file;
};

/// Takes a form as it arrives. One coroutine.
class FormReader final : private Multipart::Sink {
 public:
  /// The part called "file" is bounded by `limit`; it lies in `folder`.
  FormReader(std::string_view boundary, std::string folder, FileLimit limit);

  Task<std::optional<Refusal>> take(std::string_view bytes);
  /// After the last byte.
  Task<std::optional<Refusal>> end();
  std::shared_ptr<Form> form() const { return form_; }

 private:
  static constexpr std::size_t kTexts = 256 * 1024;  ///< Bytes of all parts that are no file.

  std::optional<Refusal> begin(PartHead head) override;
  std::optional<Refusal> data(std::string_view bytes) override;
  Task<std::optional<Refusal>> write(bool last);

  Multipart parser_;
  const std::string folder_;
  const FileLimit limit_;
  std::shared_ptr<Form> form_ = std::make_shared<Form>();
  std::shared_ptr<UploadedFile> file_;
  std::string pending_;          ///< Of the file, not yet written.
  std::string* text_ = nullptr;  ///< The part being read, unless it is the file.
  std::size_t texts_ = 0;
};

}  // namespace antiphon::http

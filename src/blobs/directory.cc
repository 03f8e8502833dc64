#include "blobs/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/disk.h"
#include "base/problem.h"

namespace antiphon::blobs {
namespace {

namespace fs = std::filesystem;

class FilePieces final : public Pieces {
 public:
  FilePieces(int file, Range range) : file_(file), at_(range.offset), left_(range.size) {}
  ~FilePieces() override { ::close(file_); }
  FilePieces(const FilePieces&) = delete;

  Task<std::string> read() override {
    std::string out(static_cast<std::size_t>(std::min(kPiece, left_)), '\0');
    if (out.empty()) co_return out;
    co_await on_disk([&] {
      ssize_t got;
      do got = ::pread(file_, out.data(), out.size(), at_);
      while (got < 0 && errno == EINTR);
      if (got < 0) throw_disk_error("reading a file", errno);
      out.resize(static_cast<std::size_t>(got));
    });
    at_ += static_cast<std::int64_t>(out.size());
    left_ -= static_cast<std::int64_t>(out.size());
    co_return out;
  }

 private:
  int file_;
  std::int64_t at_, left_;
};

std::int64_t changed_at(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mtime : -1;
}

/// Files that nobody has changed since `before`, by the clock of the disk itself.
void remove_older(const std::string& folder, std::int64_t before) {
  std::error_code ignored;  // Another process clears up too.
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (std::int64_t at = changed_at(entry.path()); at >= 0 && at < before)
      fs::remove(entry.path(), ignored);
}

}  // namespace

Directory::Directory(std::string folder, std::string deployment)
    : folder_(std::move(folder)), deployment_(std::move(deployment)) {}

std::string Directory::path(const BlobId& id) const {
  return folder_ + "/" + id.value.substr(0, 2) + "/" + id.value;
}

Task<> Directory::prepare() {
  co_await on_disk([this] {
    make_folder(spool_folder());
    make_folder(marks());
    Spool probe(spool_folder(), true);
    probe.append("probe");
  });
}

Task<bool> Directory::has(Blob blob) {
  bool found = false;
  co_await on_disk([&] {
    struct stat is{};
    found = ::stat(path(blob.id).c_str(), &is) == 0 && is.st_size == blob.size;
  });
  co_return found;
}

Task<> Directory::store(SpoolPtr spool) {
  co_await on_disk([&] { spool->move_to(path(spool->blob().id)); });
}

Task<std::unique_ptr<Pieces>> Directory::open(Blob blob, Range range) {
  int file = -1;
  co_await on_disk([&] {
    file = ::open(path(blob.id).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno != ENOENT) throw_disk_error(path(blob.id), errno);
  });
  if (file < 0) co_return nullptr;
  co_return std::make_unique<FilePieces>(file, range);
}

Task<> Directory::remove(BlobId id) {
  co_await on_disk([&] {
    if (::unlink(path(id).c_str()) != 0 && errno != ENOENT) throw_disk_error(path(id), errno);
  });
}

Task<> Directory::mark(std::string node, std::int64_t stale) {
  co_await on_disk([&] {
    make_folder(marks());
    std::string mine = marks() + "/" + node;
    int file = ::open(mine.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) throw_disk_error(mine, errno);
    (void)::futimens(file, nullptr);
    ::close(file);
    std::int64_t now = changed_at(mine);
    remove_older(marks(), now - stale);
    remove_older(spool_folder(), now - stale);
  });
}

Task<> Directory::unmark(std::string node) {
  co_await on_disk([&] { (void)::unlink((marks() + "/" + node).c_str()); });
}

Task<bool> Directory::sees(std::string node) {
  bool seen = false;
  co_await on_disk([&] { seen = changed_at(marks() + "/" + node) >= 0; });
  co_return seen;
}

}  // namespace antiphon::blobs

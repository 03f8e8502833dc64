#include "store/sqlite_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/problem.h"

namespace antiphon::store {
namespace fs = std::filesystem;

namespace {

constexpr const char* kRights = ". Check its owner and rights, and the folder's.";
constexpr const char* kCure =
    " To run several processes on one database, use PostgreSQL: DATABASE_URL=postgresql://…";

Problem refusal(std::string detail) {
  std::string cause = detail;
  return Problem(Problem::Kind::unavailable, std::move(detail)).because(std::move(cause));
}

std::string folder_of(const std::string& path) {
  fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

std::string this_process() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return "process " + std::to_string(getpid()) + " on " + host.data();
}

}  // namespace

std::optional<std::string> network_file_system(const std::string& path) {
  struct Known {
    std::uint32_t magic;
    const char* name;
  };
  static constexpr Known kKnown[] = {
      {0x6969, "NFS"},        {0x517b, "SMB"},        {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"},
      {0x00c36400, "CephFS"}, {0x65735546, "FUSE"},   {0x01021997, "9P"},   {0x5346414f, "AFS"},
      {0x73757245, "Coda"},   {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"}, {0x786f4256, "vboxsf"}};
  struct statfs about{};
  if (::statfs(path.c_str(), &about) != 0) return std::nullopt;
  for (const Known& known : kKnown)
    if (static_cast<std::uint32_t>(about.f_type) == known.magic) return known.name;
  return std::nullopt;
}

SqliteFile::SqliteFile(std::string path, bool allow_network) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(folder_of(path_), error);
  auto network = network_file_system(folder_of(path_));
  if (network && !allow_network)
    throw refusal(
        "AP-011 The database " + path_ + " lies on " + *network +
        ", where its locks cannot be relied on and data may be lost. Move DATA_DIR to a local disk." +
        kCure);
  lock();
  int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (file < 0) {
    std::string why = std::strerror(errno);
    ::close(lock_);
    throw refusal("The file " + path_ + " cannot be written: " + why + kRights);
  }
  ::close(file);
}

SqliteFile::~SqliteFile() {
  // The file stays: taking it away would let two processes lock two files of one name.
  ::close(lock_);
}

void SqliteFile::lock() {
  std::string name = path_ + ".lock";
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0)
    throw refusal("The file " + name + " cannot be written: " + std::strerror(errno) + kRights);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 300> owner{};
    ssize_t got = 0;
    // Who has just taken it writes his name next.
    for (int i = 0; i != 20 && got <= 0; ++i) {
      if (i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      got = ::pread(lock_, owner.data(), owner.size() - 1, 0);
    }
    ::close(lock_);
    throw refusal("AP-010 The database " + path_ + " is in use by " +
                  (got > 0 ? std::string(owner.data()) : "another process") + ". Stop that one first." +
                  kCure);
  }
  std::string me = this_process();
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, me.data(), me.size(), 0) < 0)
    log::warn("The database's lock file cannot be written", {{"file", name}});
}

std::vector<std::string> SqliteFile::backups() const {
  std::string prefix = fs::path(path_).filename().string() + ".backup-";
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder_of(path_)))
    if (entry.path().filename().string().starts_with(prefix)) out.push_back(entry.path().string());
  std::ranges::sort(out);
  return out;
}

std::string SqliteFile::backup_path(std::string_view label, std::size_t keep) const {
  std::vector<std::string> old = backups();
  std::error_code error;
  for (std::size_t i = 0; i + keep <= old.size(); ++i) fs::remove(old[i], error);
  std::array<char, 32> stamp{};
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::strftime(stamp.data(), stamp.size(), "%Y%m%d-%H%M%S", &utc);
  return path_ + ".backup-" + stamp.data() + "-" + std::string(label);
}

void sync_file(const std::string& path) {
  for (const std::string& name : {path, folder_of(path)}) {
    int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    bool synced = file >= 0 && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    if (!synced)
      throw Problem(Problem::Kind::unavailable, "The backup of the database cannot be written.")
          .because(name);
  }
}

}  // namespace antiphon::store

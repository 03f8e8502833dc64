#include "store/sqlite_snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/problem.h"

namespace antiphon::store {
namespace {

namespace fs = std::filesystem;

/// What must stay free for the database itself.
constexpr std::uintmax_t kSpare = 64 << 20;

Problem refused(std::string detail, std::string cause = {}) {
  return Problem(Problem::Kind::unavailable, std::move(detail)).because(std::move(cause));
}

/// Takes the file's name away, however the copy ends.
struct Nameless {
  const std::string& path;
  ~Nameless() { ::unlink(path.c_str()); }
};

void require_room(const std::string& path) {
  std::error_code error;
  std::uintmax_t size = fs::file_size(path, error), log = fs::file_size(path + "-wal", error);
  if (error) log = 0;
  fs::space_info space =
      fs::space(fs::path(path).parent_path().empty() ? "." : fs::path(path).parent_path(), error);
  if (!error && space.available < size + log + kSpare)
    throw refused("There is no room on the server's disk for a copy of the database.");
}

}  // namespace

void SqliteSnapshots::take(Completion<std::ifstream> done) {
  std::scoped_lock lock(mutex_);
  if (closing_ || busy_) {
    done.fail(std::make_exception_ptr(
        refused(closing_ ? "The server is stopping."
                         : "Another copy of the database is being made; try later.")));
    return;
  }
  if (thread_.joinable()) thread_.join();  // It has nothing left to do.
  busy_ = true;
  thread_ = std::thread([this, done = std::move(done)] { work(done); });
}

void SqliteSnapshots::work(const Completion<std::ifstream>& done) {
  std::optional<std::ifstream> file;
  std::exception_ptr failure;
  try {
    file = copy();
  } catch (...) {
    failure = std::current_exception();
  }
  {
    std::scoped_lock lock(mutex_);
    busy_ = false;
  }
  if (file)
    done(std::move(*file));
  else
    done.fail(failure);
}

std::ifstream SqliteSnapshots::copy() {
  require_room(path_);
  std::string scratch = path_ + ".download";
  ::unlink(scratch.c_str());  // Of a process that died in the midst of it.
  // SQLite writes into a file that is there and empty; so nobody else can read it for a moment.
  int file = ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) throw refused("A copy of the database cannot be written.", std::strerror(errno));
  ::close(file);
  Nameless nameless{scratch};
  SqliteHandle handle(path_, SqliteHandle::Mode::read_only, patience_, counters_);
  {
    std::scoped_lock lock(mutex_);
    if (closing_) throw refused("The server is stopping.");
    handle_ = &handle;
  }
  struct Forget {
    SqliteSnapshots& of;
    ~Forget() {
      std::scoped_lock lock(of.mutex_);
      of.handle_ = nullptr;
    }
  } forget{*this};
  handle.copy_into(scratch);
  std::ifstream out(scratch, std::ios::binary);
  if (!out) throw refused("A copy of the database cannot be read.", std::strerror(errno));
  return out;
}

void SqliteSnapshots::close() {
  std::thread last;
  {
    std::scoped_lock lock(mutex_);
    closing_ = true;
    if (handle_) handle_->interrupt();
    last = std::move(thread_);
  }
  if (last.joinable()) last.join();
}

}  // namespace antiphon::store

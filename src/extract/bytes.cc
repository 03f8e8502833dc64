#include "extract/bytes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "extract/refused.h"

namespace antiphon::extract {

FileBytes::FileBytes(int descriptor) : descriptor_(descriptor), size_(0) {
  struct stat about{};
  if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) throw Refused(Refusal::damaged);
  size_ = static_cast<std::uint64_t>(about.st_size);
}

std::size_t FileBytes::read(std::uint64_t offset, std::span<char> to) const {
  std::size_t done = 0;
  while (done < to.size()) {
    ssize_t n =
        pread(descriptor_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Refused(Refusal::damaged);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

std::size_t MemoryBytes::read(std::uint64_t offset, std::span<char> to) const {
  if (offset >= bytes_.size()) return 0;
  return bytes_.copy(to.data(), to.size(), offset);
}

}  // namespace antiphon::extract

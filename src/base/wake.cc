#include "base/wake.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace antiphon {

Wake::Wake() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
Wake::~Wake() {
  ::close(descriptor_);
}

void Wake::wake() const {
  std::uint64_t one = 1;
  (void)!::write(descriptor_, &one, sizeof one);
}

void Wake::drain() const {
  std::uint64_t count = 0;
  (void)!::read(descriptor_, &count, sizeof count);
}

void Wake::wait(std::chrono::milliseconds time) const {
  pollfd waits{.fd = descriptor_, .events = POLLIN, .revents = 0};
  (void)::poll(&waits, 1, static_cast<int>(time.count()));
  drain();
}

}  // namespace antiphon

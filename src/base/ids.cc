#include "base/ids.h"

#include <sys/random.h>

#include <stdexcept>

#include "base/encode.h"

namespace antiphon {

std::string random_bytes(std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t have = 0; have < bytes;) {
    ssize_t n = getrandom(out.data() + have, bytes - have, 0);
    if (n < 0) throw std::runtime_error("the kernel gave no random bytes");
    have += static_cast<std::size_t>(n);
  }
  return out;
}

std::string random_hex(std::size_t bytes) {
  return hex(random_bytes(bytes));
}

std::string uuid4() {
  std::string raw = random_bytes(16);
  raw[6] = static_cast<char>((raw[6] & 0x0F) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3F) | 0x80);
  std::string text = hex(raw);
  for (std::size_t dash : {20, 16, 12, 8}) text.insert(dash, 1, '-');
  return text;
}

}  // namespace antiphon

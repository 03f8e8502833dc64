#include "base/ids.h"

#include <sys/random.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string_view>

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

namespace {

std::string uuid(std::string raw, int version) {
  raw[6] = static_cast<char>((raw[6] & 0x0F) | (version << 4));
  raw[8] = static_cast<char>((raw[8] & 0x3F) | 0x80);
  std::string text = hex(raw);
  for (std::size_t dash : {20, 16, 12, 8}) text.insert(dash, 1, '-');
  return text;
}

std::uint64_t milliseconds_now() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace

std::string uuid4() {
  return uuid(random_bytes(16), 4);
}

std::string uuid7() {
  std::string raw = random_bytes(16);
  auto now = milliseconds_now();
  for (int i = 5; i >= 0; --i, now >>= 8) raw[static_cast<std::size_t>(i)] = static_cast<char>(now);
  return uuid(std::move(raw), 7);
}

std::string brief_id() {
  static constexpr std::string_view kInOrder =
      "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  std::string out(15, '\0');
  std::uint64_t now = milliseconds_now();
  for (std::size_t i = 8; i-- != 0; now >>= 6) out[i] = kInOrder[now & 63];
  std::string random = random_bytes(7);
  for (std::size_t i = 0; i != 7; ++i)
    out[8 + i] = kInOrder[static_cast<unsigned char>(random[i]) & 63];
  return out;
}

}  // namespace antiphon

#include "client/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace antiphon::client {
namespace {

using Bytes6 = std::array<std::uint8_t, 16>;

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}

struct Range4 {
  std::uint32_t base;
  unsigned bits;
  Network network;
};

/// IANA's special-purpose registry. The first that fits counts, so single addresses come first.
constexpr Range4 kRanges4[] = {
    {v4(169, 254, 169, 254), 32, Network::metadata},  // AWS, Azure, Google, OpenStack, DigitalOcean
    {v4(169, 254, 170, 2), 32, Network::metadata},    // AWS ECS task credentials
    {v4(169, 254, 170, 23), 32, Network::metadata},   // AWS EKS pod identity
    {v4(168, 63, 129, 16), 32, Network::metadata},    // Azure's host (row 7)
    {v4(100, 100, 100, 200), 32, Network::metadata},  // Alibaba
    {v4(192, 0, 0, 192), 32, Network::metadata},      // Oracle
    {v4(0, 0, 0, 0), 8, Network::loopback},
    {v4(10, 0, 0, 0), 8, Network::private_use},
    {v4(100, 64, 0, 0), 10, Network::private_use},
    {v4(127, 0, 0, 0), 8, Network::loopback},
    {v4(169, 254, 0, 0), 16, Network::link_local},
    {v4(172, 16, 0, 0), 12, Network::private_use},
    {v4(192, 0, 0, 0), 24, Network::reserved},
    {v4(192, 0, 2, 0), 24, Network::reserved},
    {v4(192, 88, 99, 0), 24, Network::reserved},
    {v4(192, 168, 0, 0), 16, Network::private_use},
    {v4(198, 18, 0, 0), 15, Network::reserved},
    {v4(198, 51, 100, 0), 24, Network::reserved},
    {v4(203, 0, 113, 0), 24, Network::reserved},
    {v4(224, 0, 0, 0), 3, Network::reserved},  // Multicast, class E, broadcast.
};

Network classify4(std::uint32_t address) {
  for (const Range4& r : kRanges4)
    if ((address ^ r.base) >> (32 - r.bits) == 0) return r.network;
  return Network::global;
}

std::uint32_t v4_at(const Bytes6& b, std::size_t i) {
  return v4(b[i], b[i + 1], b[i + 2], b[i + 3]);
}

bool starts(const Bytes6& b, std::initializer_list<unsigned> prefix) {
  return std::equal(prefix.begin(), prefix.end(), b.begin());
}

bool is_metadata6(const Bytes6& b) {
  static constexpr Bytes6 kAws{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
  static constexpr Bytes6 kGoogle{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
  static constexpr Bytes6 kEks{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23};
  return b == kAws || b == kGoogle || b == kEks;
}

/// The IPv4 address that an IPv6 one stands for, where the network between would unwrap it.
std::optional<std::uint32_t> embedded4(const Bytes6& b) {
  bool zero8 = std::all_of(b.begin(), b.begin() + 8, [](auto x) { return x == 0; });
  if (zero8 && b[8] == 0 && b[9] == 0 && b[10] == 0xff && b[11] == 0xff)
    return v4_at(b, 12);  // Mapped.
  if (zero8 && b[8] == 0xff && b[9] == 0xff && b[10] == 0 && b[11] == 0)
    return v4_at(b, 12);                                                                 // Translated.
  if (zero8 && b[8] == 0 && b[9] == 0 && b[10] == 0 && b[11] == 0) return v4_at(b, 12);  // Compatible.
  if (starts(b, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return v4_at(b, 12);  // NAT64.
  if (starts(b, {0x20, 0x02})) return v4_at(b, 2);                                       // 6to4.
  if ((b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe)
    return v4_at(b, 12);  // ISATAP.
  return std::nullopt;
}

/// Teredo names two IPv4 addresses: its server's, and the client's with every bit turned.
Network classify_teredo(const Bytes6& b) {
  Network client = classify4(~v4_at(b, 12));
  return client == Network::global ? classify4(v4_at(b, 4)) : client;
}

/// NAT64 with a prefix of the local network's own choice: never public, whatever it wraps; but what
/// it wraps may be worse.
Network classify_local_nat64(const Bytes6& b) {
  std::uint32_t by48 = v4(b[6], b[7], b[9], b[10]);
  for (std::uint32_t wrapped : {by48, v4(b[7], b[9], b[10], b[11]), v4_at(b, 9), v4_at(b, 12)})
    if (classify4(wrapped) == Network::metadata) return Network::metadata;
  return Network::private_use;
}

Network classify6(const Bytes6& b) {
  if (is_metadata6(b)) return Network::metadata;
  static constexpr Bytes6 kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (b == kLoopback || b == Bytes6{}) return Network::loopback;
  if (starts(b, {0x20, 0x01, 0, 0})) return classify_teredo(b);
  if (starts(b, {0x00, 0x64, 0xff, 0x9b, 0, 1})) return classify_local_nat64(b);
  if ((b[0] & 0xfe) == 0xfc) return Network::private_use;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return Network::link_local;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) return Network::private_use;
  if (auto inner = embedded4(b)) return classify4(*inner);
  if ((b[0] & 0xe0) != 0x20) return Network::reserved;                // Global unicast is 2000::/3.
  if (starts(b, {0x20, 0x01}) && b[2] < 2) return Network::reserved;  // 2001::/23, protocols.
  if (starts(b, {0x20, 0x01, 0x0d, 0xb8})) return Network::reserved;  // Documentation.
  if (b[0] == 0x3f && b[1] == 0xff && b[2] < 0x10) return Network::reserved;
  return Network::global;
}

std::string bytes_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    return {reinterpret_cast<const char*>(&in.sin_addr), 4};
  }
  if (address.sa_family != AF_INET6) return {};
  sockaddr_in6 in;
  std::memcpy(&in, &address, sizeof in);
  return {reinterpret_cast<const char*>(&in.sin6_addr), 16};
}

}  // namespace

Network classify(const sockaddr& address) {
  std::string bytes = bytes_of(address);
  if (bytes.empty()) return Network::not_ip;
  Bytes6 b{};
  std::copy(bytes.begin(), bytes.end(), b.begin());
  return bytes.size() == 4 ? classify4(v4_at(b, 0)) : classify6(b);
}

bool metadata_name(std::string_view host) {
  static constexpr std::string_view kNames[] = {
      "metadata",
      "metadata.google.internal",
      "metadata.goog",
      "metadata.azure.internal",
      "instance-data",
      "instance-data.ec2.internal",
      "metadata.packet.net",
      "metadata.platformequinix.com",
      "metadata.tencentyun.com",
      "rancher-metadata",
  };
  std::string name(host);
  while (!name.empty() && name.back() == '.') name.pop_back();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; });
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  std::string host(text.substr(0, text.find('/')));
  Cidr out;
  char buffer[16];
  if (inet_pton(AF_INET, host.c_str(), buffer) == 1)
    out.bytes_.assign(buffer, 4);
  else if (inet_pton(AF_INET6, host.c_str(), buffer) == 1)
    out.bytes_.assign(buffer, 16);
  else
    return std::nullopt;
  out.bits_ = static_cast<unsigned>(out.bytes_.size()) * 8;
  if (text.size() == host.size()) return out;
  std::string_view digits = text.substr(host.size() + 1);
  unsigned bits = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits > out.bits_)
    return std::nullopt;
  out.bits_ = bits;
  return out;
}

bool Cidr::contains(const sockaddr& address) const {
  std::string bytes = bytes_of(address);
  static constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  if (bytes.size() == 16 && bytes_.size() == 4 && bytes.starts_with(kMapped)) bytes.erase(0, 12);
  if (bytes.size() != bytes_.size()) return false;
  for (unsigned bit = 0; bit != bits_; ++bit) {
    unsigned mask = 0x80U >> (bit % 8);
    if ((static_cast<unsigned char>(bytes[bit / 8] ^ bytes_[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

}  // namespace antiphon::client

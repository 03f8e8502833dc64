#include "http/peers.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "base/problem.h"
#include "http/head.h"
#include "http/text.h"

namespace antiphon::http {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const Address& address) {
  return std::memcmp(address.bytes.data(), kMapped.data(), kMapped.size()) == 0;
}

bool same_bits(const Address& a, const Address& b, int bits) {
  auto whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  auto mask = static_cast<std::uint8_t>(0xff << (8 - bits % 8));
  return ((a.bytes[whole] ^ b.bytes[whole]) & mask) == 0;
}

/// An entry of X-Forwarded-For: an address, with or without brackets and port.
std::optional<Address> forwarded_address(std::string_view text) {
  text = trim(text);
  if (text.starts_with('[')) return address_of(text.substr(1, text.find(']') - 1));
  if (auto address = address_of(text)) return address;
  return address_of(text.substr(0, text.find(':')));
}

std::string text_of(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (is_v4(address))
    inet_ntop(AF_INET, address.bytes.data() + 12, out.data(), out.size());
  else
    inet_ntop(AF_INET6, address.bytes.data(), out.data(), out.size());
  return out.data();
}

constexpr std::array<std::string_view, 7> kForwarded = {
    "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
    "x-real-ip",       "forwarded",         "x-request-id"};

/// The headers without those only a proxy may set.
Headers without_forwarded(const Headers& headers) {
  Headers out;
  for (const auto& [name, value] : headers.all()) {
    bool drop = false;
    for (std::string_view one : kForwarded) drop |= equal_ignoring_case(name, one);
    if (!drop) out.add(name, value);
  }
  return out;
}

/// Every field of that name, as one list: a proxy may have added a line instead of an entry.
std::string joined(const Headers& headers, std::string_view name) {
  std::string out;
  for (const auto& [field, value] : headers.all())
    if (equal_ignoring_case(field, name)) out.append(out.empty() ? "" : ",").append(value);
  return out;
}

bool mentions_forwarding(const Headers& headers) {
  for (std::string_view one : kForwarded)
    if (!headers.get(one).empty()) return true;
  return false;
}

}  // namespace

bool Address::is_loopback() const {
  if (is_v4(*this)) return bytes[12] == 127;
  Address one;
  one.bytes[15] = 1;
  return *this == one;
}

Address Address::neighbourhood() const {
  Address out = *this;
  if (!is_v4(*this)) std::memset(out.bytes.data() + 8, 0, 8);
  return out;
}

std::optional<Address> address_of(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> zero_ended{};
  std::memcpy(zero_ended.data(), text.data(), text.size());
  Address out;
  if (inet_pton(AF_INET6, zero_ended.data(), out.bytes.data()) == 1) return out;
  std::memcpy(out.bytes.data(), kMapped.data(), kMapped.size());
  if (inet_pton(AF_INET, zero_ended.data(), out.bytes.data() + 12) == 1) return out;
  return std::nullopt;
}

TrustedPeers::TrustedPeers(const std::vector<std::string>& list) {
  for (const std::string& entry : list) {
    std::string_view bits_text = trim(entry);
    if (bits_text.empty()) continue;
    if (bits_text == "*") {
      blocks_.push_back({Address{}, 0});
      continue;
    }
    std::string_view address_text = take_part(bits_text, '/');
    auto address = address_of(address_text);
    int most = address && is_v4(*address) ? 32 : 128, bits = most;
    bool sound = address.has_value();
    if (entry.find('/') != entry.npos) {
      auto [end, error] = std::from_chars(bits_text.data(), bits_text.data() + bits_text.size(), bits);
      sound &= error == std::errc() && end == bits_text.data() + bits_text.size() && bits >= 0 &&
               bits <= most;
    }
    if (!sound)
      throw Problem(Problem::Kind::invalid,
                    "FORWARDED_ALLOW_IPS: \"" + entry +
                        "\" is neither an address nor a block such as 10.0.0.0/8.");
    blocks_.push_back({*address, most == 32 ? bits + 96 : bits});
  }
}

bool TrustedPeers::trusts(const Address& peer) const {
  for (const Block& block : blocks_)
    if (same_bits(block.address, peer, block.bits)) return true;
  return false;
}

void TrustedPeers::settle(Request& request, const Address& peer, std::string_view peer_text,
                          bool tls) const {
  request.remote = peer_text;
  request.scheme = tls ? "https" : "http";
  request.host = request.headers.get("host");
  request.from_proxy = !blocks_.empty() && trusts(peer);
  if (!request.from_proxy) {
    if (mentions_forwarding(request.headers)) request.headers = without_forwarded(request.headers);
    return;
  }
  // From the right, because whatever stands further left anyone may have written.
  std::string all = joined(request.headers, "x-forwarded-for");
  std::string_view chain = all;
  while (!chain.empty()) {
    std::size_t comma = chain.rfind(',');
    auto hop = forwarded_address(comma == chain.npos ? chain : chain.substr(comma + 1));
    if (!hop) break;
    request.remote = text_of(*hop);
    if (comma == chain.npos || !trusts(*hop)) break;
    chain = chain.substr(0, comma);
  }
  std::string_view scheme = request.headers.get("x-forwarded-proto");
  scheme = trim(scheme.substr(0, scheme.find(',')));
  if (scheme == "https" || scheme == "http") request.scheme = scheme;
  std::string_view host = request.headers.get("x-forwarded-host");
  host = trim(host.substr(0, host.find(',')));
  if (is_host(host)) request.host = host;
}

}  // namespace antiphon::http

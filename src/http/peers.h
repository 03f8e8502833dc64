#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/call.h"

namespace antiphon::http {

/// An IPv4 or IPv6 address, in IPv6's form (IPv4 mapped), so that both spellings are one.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Address&, const Address&) = default;

  bool is_loopback() const;
  /// What one household or machine holds: the address, or for IPv6 its /64.
  Address neighbourhood() const;
};
/// Nothing when `text` is no address. Brackets and a port after them are not part of one.
std::optional<Address> address_of(std::string_view text);

/// The peers whose X-Forwarded-For, -Proto and -Host count.
class TrustedPeers {
 public:
  /// Addresses and CIDR blocks; "*" is everybody. Throws a Problem that names what is no such.
  explicit TrustedPeers(const std::vector<std::string>& list);

  bool trusts(const Address& peer) const;

  /// Fills in remote, scheme and host of a request that came from `peer`: from its forwarded headers
  /// when the peer is trusted, else from the connection; those headers are then taken away, so that
  /// nobody behind believes them (row 89).
  void settle(Request& request, const Address& peer, std::string_view peer_text, bool tls) const;

 private:
  struct Block {
    Address address;
    int bits;
  };
  std::vector<Block> blocks_;
};

}  // namespace antiphon::http

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

/// Which networks an outbound connection may reach (rows 1, 5–7). Pure functions over the address the
/// socket is about to be connected to, so that no name, redirect or spelling comes in between.
namespace antiphon::client {

enum class Network {
  global,       ///< A public address.
  loopback,     ///< This machine, `0.0.0.0` and `::` included: Linux connects them to loopback.
  private_use,  ///< RFC 1918, unique local, shared (carrier-grade NAT), site-local.
  link_local,
  metadata,  ///< A cloud provider's credential or host service: no one may.
  reserved,  ///< Multicast, documentation, benchmarks, and whatever IANA has not given out.
  not_ip,
};

/// The network of an address, with mapped, compatible, translated, 6to4, Teredo, ISATAP and NAT64 forms
/// unwrapped. Reads as many bytes as the family needs.
Network classify(const sockaddr& address);

/// Names that cloud providers give their metadata services. `host` in any case, a dot at its end or
/// not.
bool metadata_name(std::string_view host);

/// A range of addresses: "10.0.0.0/8", "fd00::/8", or a single address.
class Cidr {
 public:
  /// Nothing when it is not one.
  static std::optional<Cidr> parse(std::string_view text);
  /// Compares within the family; a mapped address counts as IPv4.
  bool contains(const sockaddr& address) const;

 private:
  std::string bytes_;  ///< 4 or 16, in network order.
  unsigned bits_ = 0;
};

}  // namespace antiphon::client

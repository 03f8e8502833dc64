#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace antiphon::bus {

struct HostPort {
  std::string host;
  std::string port;
  std::string text() const { return host + ":" + port; }
};

/// Which Redis, and how it is spoken to.
struct RedisAddress {
  HostPort server;     ///< With Sentinels its `host` is the name they know the master by.
  std::string socket;  ///< A unix socket's path, instead of `server`.
  std::string user, password;
  bool tls = false;
  bool verify = true;       ///< Whether TLS looks at the certificate.
  std::string authorities;  ///< PEM file for TLS; "": the system's.
  std::vector<HostPort> sentinels;
  bool cluster = false;
  std::string prefix = "open-webui";  ///< Of the channel and the key; no braces.

  bool wanted() const { return !socket.empty() || !server.host.empty(); }
  /// For people; without user and password.
  std::string text() const;
};

/// Takes redis://, rediss:// and unix:// as Python's client does: user:password@host:port/db, and of
/// the parameters ssl_cert_reqs and ssl_ca_certs. The database is not looked at: messages belong to
/// none.
/// "" is none. Throws a Problem that names the cure and never repeats the password. `variable`: what
/// the text is called.
RedisAddress parse_redis_url(std::string_view text, std::string_view variable);

/// "a,b:26380": each with its port, or `port`.
std::vector<HostPort> parse_sentinels(std::string_view text, std::string_view port);

}  // namespace antiphon::bus

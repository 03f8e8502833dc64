#include "bus/redis_address.h"

#include <algorithm>

#include "base/encode.h"
#include "base/problem.h"

namespace antiphon::bus {
namespace {

Problem malformed(std::string_view variable, std::string_view what) {
  return Problem(Problem::Kind::unavailable,
                 std::string(variable) + " is no address of a Redis server: " + std::string(what) +
                     ". Write redis://[user:password@]host[:port], rediss://… for TLS or "
                     "unix:///path/to/socket, with % escapes in user and password.");
}

std::string decoded(std::string_view text, std::string_view variable) {
  if (auto out = percent_decode(text)) return *out;
  throw malformed(variable, "it has a % that is no escape");
}

HostPort host_and_port(std::string_view text, std::string_view port) {
  std::size_t bracket = text.starts_with('[') ? text.find(']') : text.npos;
  std::size_t colon = text.find(':', bracket == text.npos ? 0 : bracket);
  std::string_view host = bracket == text.npos ? text.substr(0, colon) : text.substr(1, bracket - 1);
  if (colon != text.npos) port = text.substr(colon + 1);
  return {std::string(host), std::string(port)};
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void take_parameters(RedisAddress& out, std::string_view query, std::string_view variable) {
  while (!query.empty()) {
    std::size_t end = query.find('&');
    std::string_view one = query.substr(0, end);
    query.remove_prefix(end == query.npos ? query.size() : end + 1);
    std::size_t equals = one.find('=');
    std::string_view name = one.substr(0, equals);
    std::string value = equals == one.npos ? "" : decoded(one.substr(equals + 1), variable);
    if (name == "ssl_cert_reqs") out.verify = value != "none";
    if (name == "ssl_ca_certs") out.authorities = value;
  }
}

}  // namespace

std::string RedisAddress::text() const {
  std::string out = !socket.empty() ? "unix:" + socket
                    : sentinels.empty()
                        ? server.text()
                        : server.host + " of the Sentinels at " + sentinels.front().host;
  return out + (tls ? " (TLS)" : "") + (cluster ? " (cluster)" : "");
}

RedisAddress parse_redis_url(std::string_view text, std::string_view variable) {
  RedisAddress out;
  if (text.empty()) return out;
  std::size_t scheme_end = text.find("://");
  std::string_view scheme = text.substr(0, scheme_end);
  if (scheme_end == text.npos || (scheme != "redis" && scheme != "rediss" && scheme != "unix"))
    throw malformed(variable, "it does not begin with redis://, rediss:// or unix://");
  out.tls = scheme == "rediss";
  text.remove_prefix(scheme_end + 3);
  if (std::size_t query = text.find('?'); query != text.npos) {
    take_parameters(out, text.substr(query + 1), variable);
    text = text.substr(0, query);
  }
  std::size_t path = text.find('/');
  std::size_t at = text.substr(0, path).rfind('@');
  if (at != text.npos) {
    std::string_view who = text.substr(0, at);
    std::size_t colon = who.find(':');
    out.user = decoded(who.substr(0, colon), variable);
    if (colon != who.npos) out.password = decoded(who.substr(colon + 1), variable);
    text.remove_prefix(at + 1);
  }
  if (scheme == "unix") {
    out.socket = decoded(text, variable);
    if (!out.socket.starts_with('/')) throw malformed(variable, "the path of the socket is missing");
    return out;
  }
  out.server = host_and_port(text.substr(0, text.find('/')), "6379");
  if (out.server.host.empty()) throw malformed(variable, "the host is missing");
  if (!is_port(out.server.port)) throw malformed(variable, "the port is no number");
  return out;
}

std::vector<HostPort> parse_sentinels(std::string_view text, std::string_view port) {
  std::vector<HostPort> out;
  while (!text.empty()) {
    std::size_t end = text.find(',');
    std::string_view one = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty()) continue;
    out.push_back(host_and_port(one, port));
    if (!is_port(out.back().port))
      throw Problem(Problem::Kind::unavailable,
                    "The port of a Sentinel is no number. Write "
                    "REDIS_SENTINEL_HOSTS=a,b and REDIS_SENTINEL_PORT.");
  }
  return out;
}

}  // namespace antiphon::bus

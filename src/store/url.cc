#include "store/url.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/problem.h"

namespace antiphon::store {
namespace {

Problem refusal(std::string detail) {
  std::string cause = detail;
  return Problem(Problem::Kind::invalid, std::move(detail)).because(std::move(cause));
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool coded =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    out.push_back(coded ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i]);
    if (coded) i += 2;
  }
  return out;
}

/// Cuts off and yields what stands before the first `mark`; all of it when there is none.
std::string_view cut(std::string_view& text, std::string_view mark) {
  std::size_t at = text.find(mark);
  std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + mark.size());
  return head;
}

Url sqlite_url(std::string_view rest) {
  Url url;
  std::string_view path = cut(rest, "?");
  if (path.empty() || path == "/" || path == ":memory:" || path == "/:memory:") {
    url.path = ":memory:";
    return url;
  }
  // sqlite:///a is relative and sqlite:////a absolute: the third slash ends an empty host.
  if (!path.starts_with('/'))
    throw refusal(
        "DATABASE_URL names a host for SQLite. Write sqlite:///path or sqlite:////absolute/path.");
  url.path = path.substr(1);
  return url;
}

bool known_to_libpq(std::string_view name) {
  static constexpr std::array<std::string_view, 27> kKnown{"application_name",
                                                           "channel_binding",
                                                           "client_encoding",
                                                           "connect_timeout",
                                                           "dbname",
                                                           "fallback_application_name",
                                                           "gssencmode",
                                                           "host",
                                                           "hostaddr",
                                                           "keepalives",
                                                           "keepalives_count",
                                                           "keepalives_idle",
                                                           "keepalives_interval",
                                                           "krbsrvname",
                                                           "options",
                                                           "passfile",
                                                           "password",
                                                           "port",
                                                           "service",
                                                           "sslcert",
                                                           "sslcrl",
                                                           "sslkey",
                                                           "sslmode",
                                                           "sslpassword",
                                                           "sslrootcert",
                                                           "target_session_attrs",
                                                           "user"};
  return std::ranges::find(kKnown, name) != kKnown.end();
}

bool turns_off_preparing(std::string_view name, std::string_view value) {
  if (name == "prepared_statement_cache_size" || name == "statement_cache_size") return value == "0";
  return name == "prepare_threshold" && (value == "none" || value == "None" || value.empty());
}

void take_parameter(Url& url, const std::string& name, std::string value) {
  if (name == "ssl") {  // asyncpg's spelling.
    bool on = value == "true" || value == "True" || value == "1";
    url.keywords.emplace_back("sslmode", on ? "require" : value);
  } else if (turns_off_preparing(name, value)) {
    url.prepared_statements = false;
  } else if (known_to_libpq(name)) {
    url.keywords.emplace_back(name, std::move(value));
  } else {
    log::warn("DATABASE_URL has a parameter that means nothing here", {{"parameter", name}});
  }
}

void take_hosts(Url& url, std::string_view hosts) {
  std::string names, ports;
  bool first = true, any_port = false;
  while (first || !hosts.empty()) {
    std::string_view host = cut(hosts, ","), port;
    if (host.starts_with('[')) {
      host.remove_prefix(1);
      std::string_view inner = cut(host, "]");
      port = host.starts_with(':') ? host.substr(1) : "";
      host = inner;
    } else if (std::size_t colon = host.rfind(':'); colon != std::string_view::npos) {
      port = host.substr(colon + 1);
      host = host.substr(0, colon);
    }
    names.append(first ? "" : ",").append(decoded(host));
    ports.append(first ? "" : ",").append(port);
    any_port = any_port || !port.empty();
    first = false;
  }
  if (!names.empty()) url.keywords.emplace_back("host", names);
  if (any_port) url.keywords.emplace_back("port", ports);
}

Url postgres_url(std::string_view rest) {
  Url url;
  url.dialect = Dialect::postgres;
  std::string_view where = cut(rest, "?");
  // The last @ ends the password, so that one with an @ in it works, as it does upstream.
  if (std::size_t at = where.rfind('@'); at != std::string_view::npos) {
    std::string_view secret = where.substr(0, at);
    where.remove_prefix(at + 1);
    std::string_view user = cut(secret, ":");
    if (!user.empty()) url.keywords.emplace_back("user", decoded(user));
    if (!secret.empty()) url.keywords.emplace_back("password", decoded(secret));
  }
  take_hosts(url, cut(where, "/"));
  if (!where.empty()) url.keywords.emplace_back("dbname", decoded(where));
  while (!rest.empty()) {
    std::string_view pair = cut(rest, "&");
    std::string name = decoded(cut(pair, "="));
    if (!name.empty()) take_parameter(url, name, decoded(pair));
  }
  return url;
}

}  // namespace

std::string_view Url::keyword(std::string_view name) const {
  for (const auto& [key, value] : keywords)
    if (key == name) return value;
  return {};
}

Url parse_url(std::string_view text) {
  std::string_view rest = text;
  std::string_view scheme = cut(rest, "://");
  std::string_view engine = scheme.substr(0, scheme.find('+'));
  if (scheme == text || text.empty())
    throw refusal(
        "DATABASE_URL is no URL. Write sqlite:////data/webui.db or "
        "postgresql://user:password@host/name.");
  if (scheme == "sqlite+sqlcipher")
    throw refusal(
        "DATABASE_URL asks for SQLCipher, which is not supported. Use an encrypted disk and "
        "sqlite:///.");
  if (engine == "sqlite") return sqlite_url(rest);
  if (engine == "postgres" || engine == "postgresql") return postgres_url(rest);
  throw refusal("DATABASE_URL names a database that is not supported: " + std::string(engine) +
                ". Use sqlite:/// or postgresql://.");
}

}  // namespace antiphon::store

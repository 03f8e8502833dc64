#include "http/wire.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "http/text.h"

namespace antiphon::http {
namespace {

/// A field of the policy, for which the handler may have another value.
struct Default {
  std::string_view name;
  std::string_view line;
};
constexpr std::array<Default, 6> kPolicy = {{
    {"cache-control", "Cache-Control: no-store\r\n"},
    {"content-security-policy",
     "Content-Security-Policy: default-src 'none'; frame-ancestors 'self'\r\n"},
    {"x-content-type-options", "X-Content-Type-Options: nosniff\r\n"},
    {"referrer-policy", "Referrer-Policy: no-referrer\r\n"},
    {"cross-origin-opener-policy", "Cross-Origin-Opener-Policy: same-origin\r\n"},
    {"cross-origin-resource-policy", "Cross-Origin-Resource-Policy: same-origin\r\n"},
}};
constexpr std::string_view kHsts = "Strict-Transport-Security: max-age=31536000\r\n";

/// Fields that frame the message belong to the connection, not to handlers.
constexpr std::array<std::string_view, 4> kOurs = {"content-length", "transfer-encoding", "connection",
                                                   "date"};

bool is_line_safe(std::string_view text) {
  for (unsigned char c : text)
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  return true;
}

bool is_name(std::string_view name) {
  return !name.empty() && is_line_safe(name) && name.find_first_of(": \t") == name.npos;
}

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  std::array<char, 24> text;
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number, base);
  (void)error;  // 24 characters hold any 64-bit number.
  out.append(text.data(), end);
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_seconds(std::string& out, std::chrono::nanoseconds took) {
  auto micros = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  if (micros < 0) micros = 0;
  append_number(out, static_cast<std::uint64_t>(micros / 1'000'000));
  std::array<char, 8> fraction{".000000"};
  for (std::size_t i = 6, rest = static_cast<std::size_t>(micros % 1'000'000); i != 0; --i, rest /= 10)
    fraction[i] = static_cast<char>('0' + rest % 10);
  out.append(fraction.data(), 7);
}

void append_framing(std::string& out, const Response& response, const Framing& framing) {
  bool bodyless = response.status == 204 || response.status == 304 || response.status < 200;
  if (!bodyless) {
    bool counted = !framing.streams || response.length;
    if (counted) {
      out += "Content-Length: ";
      append_number(out, framing.streams ? *response.length : body_of(response).size());
      out += "\r\n";
    } else if (framing.minor == 1) {
      out += "Transfer-Encoding: chunked\r\n";
    }
    append_line(out, "Content-Type", is_line_safe(response.type) ? response.type : "text/plain");
  }
  if (!framing.keep_alive)
    out += "Connection: close\r\n";
  else if (framing.minor == 0)
    out += "Connection: keep-alive\r\n";
}

/// Appends the handler's fields; marks the defaults they replace.
void append_own(std::string& out, const Response& response, std::array<bool, kPolicy.size()>& said) {
  for (const auto& [name, value] : response.headers) {
    if (!is_name(name) || !is_line_safe(value)) continue;
    bool ours = false;
    for (std::string_view field : kOurs) ours |= equal_ignoring_case(field, name);
    if (ours) continue;
    for (std::size_t i = 0; i != kPolicy.size(); ++i)
      said[i] |= equal_ignoring_case(kPolicy[i].name, name);
    append_line(out, name, value);
  }
}

bool allows(const Request& request, const std::vector<std::string>& allowed, bool& anyone) {
  anyone = false;
  for (const std::string& one : allowed) anyone |= one == "*";
  return anyone || request.origin == Origin::allowed;
}

}  // namespace

std::string_view body_of(const Response& response) {
  return response.fixed_body.empty() ? std::string_view(response.body) : response.fixed_body;
}

bool carries_body(const Response& response, const Framing& framing) {
  return !framing.head_only && response.status >= 200 && response.status != 204 &&
         response.status != 304;
}

void write_head(std::string& out, const Response& response, const Framing& framing) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(reason_of(response.status)).append("\r\n");
  if (!framing.date.empty()) append_line(out, "Date", framing.date);
  append_framing(out, response, framing);
  std::array<bool, kPolicy.size()> said{};
  append_own(out, response, said);
  if (!framing.cors.empty()) said[5] = true;
  if (!said[1] && response.type.starts_with("text/html")) {
    append_line(out, "Content-Security-Policy", page_policy());
    said[1] = true;
  }
  for (std::size_t i = 0; i != kPolicy.size(); ++i)
    if (!said[i]) out += kPolicy[i].line;
  if (framing.tls) out += kHsts;
  out += framing.cors;
  if (!framing.request_id.empty()) append_line(out, "X-Request-Id", framing.request_id);
  out += "X-Process-Time: ";
  append_seconds(out, framing.took);
  out += "\r\n\r\n";
}

std::string cors_lines(const Request& request, const std::vector<std::string>& allowed) {
  std::string_view origin = request.headers.get("origin");
  bool anyone = false;
  if (origin.empty() || request.origin == Origin::same || !allows(request, allowed, anyone)) return {};
  std::string out;
  if (request.origin == Origin::allowed) {
    append_line(out, "Access-Control-Allow-Origin", origin);
    out += "Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n";
  } else {
    out += "Access-Control-Allow-Origin: *\r\n";
  }
  out +=
      "Access-Control-Expose-Headers: X-Request-Id, X-Process-Time, Retry-After, "
      "Content-Disposition\r\n"
      "Cross-Origin-Resource-Policy: cross-origin\r\n";
  return out;
}

std::optional<Response> answer_preflight(const Request& request,
                                         const std::vector<std::string>& allowed) {
  bool anyone = false;
  if (request.method != "OPTIONS" || request.headers.get("access-control-request-method").empty() ||
      request.headers.get("origin").empty())
    return std::nullopt;
  if (!allows(request, allowed, anyone))
    return detail_response(403, "This origin is not listed in CORS_ALLOW_ORIGIN.");
  Response out{.status = 204};
  out.header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  std::string_view wanted = request.headers.get("access-control-request-headers");
  if (!wanted.empty() && wanted.size() <= 1024)
    out.header("Access-Control-Allow-Headers", std::string(wanted));
  out.header("Access-Control-Max-Age", "600");
  return out;
}

std::string_view reason_of(int status) {
  struct Reason {
    int status;
    std::string_view text;
  };
  static constexpr Reason kReasons[] = {{100, "Continue"},
                                        {101, "Switching Protocols"},
                                        {200, "OK"},
                                        {201, "Created"},
                                        {202, "Accepted"},
                                        {204, "No Content"},
                                        {206, "Partial Content"},
                                        {301, "Moved Permanently"},
                                        {302, "Found"},
                                        {303, "See Other"},
                                        {304, "Not Modified"},
                                        {307, "Temporary Redirect"},
                                        {308, "Permanent Redirect"},
                                        {400, "Bad Request"},
                                        {401, "Unauthorized"},
                                        {403, "Forbidden"},
                                        {404, "Not Found"},
                                        {405, "Method Not Allowed"},
                                        {406, "Not Acceptable"},
                                        {408, "Request Timeout"},
                                        {409, "Conflict"},
                                        {410, "Gone"},
                                        {411, "Length Required"},
                                        {412, "Precondition Failed"},
                                        {413, "Content Too Large"},
                                        {414, "URI Too Long"},
                                        {415, "Unsupported Media Type"},
                                        {416, "Range Not Satisfiable"},
                                        {417, "Expectation Failed"},
                                        {422, "Unprocessable Content"},
                                        {423, "Locked"},
                                        {424, "Failed Dependency"},
                                        {426, "Upgrade Required"},
                                        {429, "Too Many Requests"},
                                        {431, "Request Header Fields Too Large"},
                                        {500, "Internal Server Error"},
                                        {501, "Not Implemented"},
                                        {502, "Bad Gateway"},
                                        {503, "Service Unavailable"},
                                        {504, "Gateway Timeout"}};
  for (const Reason& reason : kReasons)
    if (reason.status == status) return reason.text;
  return "Status";
}

bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (char c : text) {
    bool alphanumeric = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
    if (!alphanumeric && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

std::string chunk_head(std::size_t size) {
  std::string out;
  append_number(out, size, 16);
  return out += "\r\n";
}

std::string page_policy(std::string_view script_hashes) {
  std::string out = "default-src 'self'; script-src 'self'";
  if (!script_hashes.empty()) out.append(" ").append(script_hashes);
  return out +=
         "; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
         "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-src 'self' blob:; "
         "object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'";
}

}  // namespace antiphon::http

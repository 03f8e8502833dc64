#include "http/head.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>

#include "base/encode.h"
#include "http/text.h"

namespace antiphon::http {
namespace {

namespace bh = boost::beast::http;
using boost::beast::error_code;
using View = boost::beast::string_view;

std::string_view std_view(View v) {
  return {v.data(), v.size()};
}

/// Collects what Beast finds. Only header fields get here: the parser is never given a body.
class HeadParser final : public bh::basic_parser<true> {
 public:
  explicit HeadParser(Head& out) : out_(out) {
    header_limit(UINT32_MAX);  // HeadScanner has counted.
    body_limit(boost::none);   // Of routes, and not known yet.
  }

 private:
  void on_request_impl(bh::verb, View method, View target, int version, error_code&) override {
    out_.method.assign(method.data(), method.size());
    out_.target.assign(target.data(), target.size());
    version_ = version;
    out_.minor = version - 10;
  }
  void on_field_impl(bh::field, View name, View value, error_code&) override {
    out_.fields.add(std_view(name), std_view(value));
  }
  void on_response_impl(int, View, int, error_code&) override {}
  void on_header_impl(error_code& error) override {
    if (version_ != 10 && version_ != 11) error = bh::error::bad_version;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(View, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  Head& out_;
  int version_ = 0;
};

std::unexpected<Refusal> refuse(int status, std::string_view detail) {
  return std::unexpected(Refusal{status, detail});
}

bool known_method(std::string_view method) {
  std::string_view rest = kMethods;
  while (!rest.empty())
    if (trim(take_part(rest, ',')) == method) return true;
  return false;
}

bool is_sound_target(std::string_view target) {
  for (unsigned char c : target)
    if (c <= ' ' || c >= 0x7f || c == '#') return false;
  return target.starts_with('/');
}

/// Fields that mean something else to the next reader when they come twice.
constexpr std::array<std::string_view, 8> kOnlyOnce = {
    "host",         "content-length", "transfer-encoding", "authorization",
    "content-type", "origin",         "content-encoding",  "expect"};

struct Seen {
  std::array<int, kOnlyOnce.size()> times{};
  std::size_t cookie_bytes = 0;

  explicit Seen(const Headers& fields) {
    for (const auto& [name, value] : fields.all()) {
      if (equal_ignoring_case(name, "cookie")) cookie_bytes += value.size();
      for (std::size_t i = 0; i != kOnlyOnce.size(); ++i)
        if (equal_ignoring_case(name, kOnlyOnce[i])) ++times[i];
    }
  }
};

std::expected<void, Refusal> vet_length(Head& head, bool has_length, bool has_encoding) {
  if (has_encoding) {
    if (head.minor == 0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding.");
    if (has_length) return refuse(400, "Content-Length and Transfer-Encoding exclude each other.");
    if (!equal_ignoring_case(head.fields.get("transfer-encoding"), "chunked"))
      return refuse(501, "The only transfer coding here is chunked.");
    head.chunked = true;
    return {};
  }
  if (!has_length) return {};
  std::string_view text = head.fields.get("content-length");
  std::uint64_t length = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || text.size() > 18 || error != std::errc() || end != text.data() + text.size())
    return refuse(400, "Content-Length is not a length.");
  head.content_length = length;
  return {};
}

std::expected<void, Refusal> vet_body(Head& head) {
  std::string_view coding = head.fields.get("content-encoding");
  if (head.has_body() && !coding.empty() && !equal_ignoring_case(coding, "identity"))
    return refuse(415, "Compressed request bodies are not accepted.");
  std::string_view expect = head.fields.get("expect");
  if (expect.empty()) return {};
  if (!equal_ignoring_case(expect, "100-continue")) return refuse(417, "Only 100-continue can be met.");
  head.expects_continue = head.minor == 1;
  return {};
}

std::expected<void, Refusal> vet(Head& head, const HeadLimits& limits) {
  if (!known_method(head.method)) return refuse(405, "Method Not Allowed");
  if (head.target.size() > limits.target) return refuse(414, "The address is too long.");
  if (!is_sound_target(head.target)) return refuse(400, "The address is not a path on this server.");
  if (head.fields.all().size() > limits.fields) return refuse(431, "There are too many header fields.");
  Seen seen(head.fields);
  for (int times : seen.times)
    if (times > 1) return refuse(400, "A header field that may come once came twice.");
  if (seen.cookie_bytes > limits.cookie) return refuse(431, "The cookies are too large.");
  bool has_host = seen.times[0] == 1;
  if (head.minor == 1 && !has_host) return refuse(400, "HTTP/1.1 needs one Host.");
  if (has_host && !is_host(head.fields.get("host"))) return refuse(400, "Host is not a host.");
  if (auto ok = vet_length(head, seen.times[1] == 1, seen.times[2] == 1); !ok) return ok;
  return vet_body(head);
}

void read_connection(Head& head) {
  std::string_view connection = head.fields.get("connection");
  if (head.minor == 1)
    head.keep_alive = !lists(connection, "close");
  else
    head.keep_alive = lists(connection, "keep-alive");
  head.wants_websocket = head.minor == 1 && head.method == "GET" && lists(connection, "upgrade") &&
                         lists(head.fields.get("upgrade"), "websocket") && !head.has_body();
}

/// HTAB and what prints; in the request line only what prints as ASCII.
bool allowed_byte(unsigned char c, bool first_line) {
  if (c == '\t') return !first_line;
  return c >= 0x20 && c != 0x7f && (c < 0x80 || !first_line);
}

bool is_query_sound(std::string_view decoded) {
  return valid_utf8(decoded);
}

bool is_path_sound(std::string_view path) {
  for (unsigned char c : path)
    if (c < 0x20 || c == 0x7f || c == '%' || c == '\\') return false;
  for (std::string_view rest = path; !rest.empty();)
    if (std::string_view part = take_part(rest, '/'); part == "." || part == "..") return false;
  return valid_utf8(path);
}

}  // namespace

std::expected<void, Refusal> HeadScanner::line_ended(std::string_view line) {
  ++lines_;
  if (lines_ == 1 && line.size() > limits_.target + 32) return refuse(414, "The address is too long.");
  if (lines_ > limits_.fields + 2) return refuse(431, "There are too many header fields.");
  return {};
}

std::expected<std::optional<std::size_t>, Refusal> HeadScanner::scan(std::string_view bytes) {
  std::size_t end = std::min(bytes.size(), limits_.block);
  for (; seen_ < end; ++seen_) {
    auto c = static_cast<unsigned char>(bytes[seen_]);
    if (allowed_byte(c, lines_ == 0)) {
      if (seen_ == line_ && (c == ' ' || c == '\t'))
        return refuse(400, "Folded lines are not accepted.");
      continue;
    }
    if (c != '\r') return refuse(400, "The header holds a character that has no place there.");
    if (seen_ + 1 == bytes.size()) return std::nullopt;
    if (bytes[seen_ + 1] != '\n') return refuse(400, "A line of the header ends wrongly.");
    if (seen_ == line_ && lines_ > 0) return seen_ + 2;
    if (auto ok = line_ended(bytes.substr(line_, seen_ - line_)); !ok)
      return std::unexpected(ok.error());
    ++seen_;
    line_ = seen_ + 1;
  }
  if (bytes.size() < limits_.block) return std::nullopt;
  if (lines_ == 0) return refuse(414, "The address is too long.");
  return refuse(431, "The header is too large.");
}

std::expected<Head, Refusal> read_head(std::string_view block, const HeadLimits& limits) {
  Head head;
  HeadParser parser(head);
  error_code error;
  parser.put(boost::asio::const_buffer(block.data(), block.size()), error);
  // Beast looks at lengths itself, and stops where we want to say why.
  bool parsed = !error && parser.is_header_done();
  if (!parsed && head.method.empty()) return refuse(400, "This is no HTTP request.");
  if (!parsed && !known_method(head.method)) return refuse(405, "Method Not Allowed");
  if (!parsed) return refuse(400, "The header cannot be understood.");
  if (auto ok = vet(head, limits); !ok) return std::unexpected(ok.error());
  read_connection(head);
  return head;
}

bool is_host(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  for (unsigned char c : text) {
    bool letter = (c >= '0' && c <= '9') ||
                  (lower(static_cast<char>(c)) >= 'a' && lower(static_cast<char>(c)) <= 'z');
    if (!letter && std::string_view("-._:[]").find(static_cast<char>(c)) == std::string_view::npos)
      return false;
  }
  return true;
}

std::optional<Refusal> read_target(std::string_view target, Request& out) {
  std::string_view query = target;
  out.raw_path = take_part(query, '?');
  auto path = out.raw_path.find('%') == std::string::npos ? out.raw_path : percent_decode(out.raw_path);
  if (!path || !is_path_sound(*path)) return Refusal{400, "The path cannot be understood."};
  out.path = std::move(*path);
  while (!query.empty()) {
    std::string_view value = take_part(query, '&');
    if (value.empty()) continue;
    auto name = percent_decode(take_part(value, '='), true);
    auto text = percent_decode(value, true);
    if (!name || !text || !is_query_sound(*name) || !is_query_sound(*text))
      return Refusal{400, "The query cannot be understood."};
    out.query.emplace(std::move(*name), std::move(*text));
  }
  return std::nullopt;
}

}  // namespace antiphon::http

#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "http/call.h"

/// The first thing that happens to a request: its header block is scanned as raw bytes, parsed, and
/// vetted (rows 101–106). Pure functions over text, so tests and the fuzzer need no socket.
namespace antiphon::http {

/// Why a request is not taken. The connection closes after it, because nobody can tell where the
/// next request would begin.
struct Refusal {
  int status = 400;
  std::string_view detail;
};

struct HeadLimits {
  std::size_t block = 16 * 1024;
  std::size_t target = 8 * 1024;
  std::size_t cookie = 4 * 1024;
  std::size_t fields = 100;
};

/// A header block that was found sound.
struct Head {
  std::string method;
  std::string target;  ///< Origin form, printable ASCII.
  int minor = 1;       ///< HTTP/1.0 or HTTP/1.1.
  Headers fields;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool wants_websocket = false;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

/// Looks for the end of a header block in bytes that arrive piece by piece, and refuses what a parser
/// would paper over: bare CR or LF, folded lines, control characters, 8-bit targets (row 103).
class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits = {}) : limits_(limits) {}

  /// `bytes` begins where the request begins and holds at least what it held last time. Yields the
  /// length of the block with its empty line; nothing when more is needed.
  std::expected<std::optional<std::size_t>, Refusal> scan(std::string_view bytes);
  /// For the next request.
  void restart() { seen_ = 0, line_ = 0, lines_ = 0; }

 private:
  std::expected<void, Refusal> line_ended(std::string_view line);

  HeadLimits limits_;
  std::size_t seen_ = 0;   ///< Bytes known to be sound.
  std::size_t line_ = 0;   ///< Where the current line begins.
  std::size_t lines_ = 0;  ///< Lines that have ended.
};

/// Parses and vets a block that HeadScanner found whole.
std::expected<Head, Refusal> read_head(std::string_view block, const HeadLimits& limits = {});

/// Splits and decodes head.target into path, raw_path and query. Refuses a path that holds "%", "\",
/// a control character or a "." or ".." segment after it was decoded once (row 21).
std::optional<Refusal> read_target(std::string_view target, Request& out);

/// "example.org:8080", "[::1]"; no user, no path, no list.
bool is_host(std::string_view text);

/// What Allow says where the method itself is refused.
inline constexpr std::string_view kMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

}  // namespace antiphon::http

// What passes the vetting is what its checks promise, wherever the bytes were cut; and a chunked body
// gives the same data and the same verdict in one piece as byte by byte.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "http/chunked.h"
#include "http/head.h"
#include "http/meter.h"
#include "http/text.h"

namespace {

using namespace antiphon::http;

void require(bool claim) {
  if (!claim) std::abort();
}

/// The end of the block; nothing when it is refused or unfinished.
std::optional<std::size_t> scan(std::string_view bytes, std::size_t step) {
  HeadScanner scanner;
  for (std::size_t size = 0; size != bytes.size();) {
    size = std::min(bytes.size(), size + step);
    auto end = scanner.scan(bytes.substr(0, size));
    if (!end) return std::nullopt;
    if (*end) return **end;
  }
  return std::nullopt;
}

struct Body {
  std::string data;
  bool refused = false, done = false;
  std::size_t used = 0;
};

Body read_body(std::string_view bytes, std::size_t step) {
  Body out;
  ChunkedBody chunks(out.data, 10'000);
  while (out.used != bytes.size() && !chunks.done()) {
    auto taken = chunks.take(bytes.substr(out.used, step));
    if (!taken) {
      out.refused = true;
      return out;
    }
    out.used += *taken;
  }
  out.done = chunks.done();
  return out;
}

void check_head(const Head& head) {
  require(head.fields.all().size() <= 100);
  require(!head.method.empty() && head.target.starts_with('/') && head.target.size() <= 8192);
  require(!(head.chunked && head.content_length));
  int hosts = 0, lengths = 0, codings = 0;
  for (const auto& [name, value] : head.fields.all()) {
    hosts += equal_ignoring_case(name, "host");
    lengths += equal_ignoring_case(name, "content-length");
    codings += equal_ignoring_case(name, "transfer-encoding");
    for (unsigned char c : value) require((c >= 0x20 || c == '\t') && c != 0x7f);
    for (unsigned char c : name) require(c > 0x20 && c < 0x7f && c != ':');
  }
  require(hosts + (head.minor == 0) >= 1 && hosts <= 1 && lengths <= 1 && codings <= 1);
  require(codings == head.chunked && lengths == head.content_length.has_value());
  Request request;
  if (read_target(head.target, request)) return;
  for (std::string_view rest = request.path; !rest.empty();) {
    std::string_view part = take_part(rest, '/');
    require(part != ".." && part != "." && part.find_first_of("%\\") == part.npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto end = scan(bytes, size);
  if (size <= 4096) require(end == scan(bytes, 1) && end == scan(bytes, 7));
  if (end) {
    require(bytes.substr(0, *end).ends_with("\r\n\r\n"));
    if (auto head = read_head(bytes.substr(0, *end))) check_head(*head);
  }
  std::string_view rest = bytes.substr(end.value_or(0));
  Body whole = read_body(rest, rest.size() + 1), bit_by_bit = read_body(rest, 1);
  require(whole.data.size() <= 10'000 && whole.refused == bit_by_bit.refused);
  if (!whole.refused)
    require(whole.data == bit_by_bit.data && whole.done == bit_by_bit.done &&
            whole.used == bit_by_bit.used);
  auto now = FrameMeter::Clock::now();
  FrameMeter once, often;
  once.take(rest, now);
  for (char c : rest) often.take({&c, 1}, now);
  require(once.tripped() == often.tripped());
  return 0;
}

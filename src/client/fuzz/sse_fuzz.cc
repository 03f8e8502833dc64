// However a stream is cut, the events are the same; and whatever is in it, only Problem comes out.
#include <cstdint>
#include <cstdlib>

#include "base/problem.h"
#include "client/sse.h"

namespace {

using antiphon::Problem;

template <class Reader, class Take>
std::string read_in_pieces(std::string_view bytes, std::size_t piece, Take text) {
  Reader reader(256);
  std::string out;
  try {
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      reader.feed(bytes.substr(i, piece));
      while (auto event = reader.next()) out += text(*event) + '\0';
    }
    while (auto event = reader.finish()) out += text(*event) + '\0';
  } catch (const Problem&) {
    out += "too long";
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon::client;
  if (size == 0) return 0;
  std::size_t piece = 1 + data[0] % 17;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto event = [](const SseReader::Event& e) { return e.event + '\1' + e.data; };
  auto line = [](const std::string& l) { return l; };
  if (read_in_pieces<SseReader>(bytes, piece, event) != read_in_pieces<SseReader>(bytes, 1, event))
    std::abort();
  if (read_in_pieces<LineReader>(bytes, piece, line) != read_in_pieces<LineReader>(bytes, 1, line))
    std::abort();
  return 0;
}

#include "base/encode.h"
#include "base/fuzzing.h"
#include "chunk/chunk.h"
#include "chunk/claims.h"

/// The first three bytes are the options, the rest is a document of two sections.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  if (size < 3) return 0;
  chunk::Options options{
      .size = 1 + data[0] % 64u, .min_size = data[2] % 32u, .at_headings = data[2] >= 128};
  options.overlap = data[1] % options.size;
  std::string_view text = fuzzing::text_of(data + 3, size - 3);
  std::size_t half = text.size() / 2;
  while (half < text.size() && (static_cast<unsigned char>(text[half]) & 0xc0) == 0x80) ++half;
  if (!valid_utf8(text)) return 0;
  chunk::Section sections[] = {{text.substr(0, half), 1, {}}, {text.substr(half), 2, {"Above"}}};
  auto broken = chunk::broken_claim(sections, options, chunk::split(sections, options));
  fuzzing::must(!broken, broken ? broken->c_str() : "");
  return 0;
}

// Bytes of any encoding, as text and as Markdown.
#include "extract/fuzz/read.h"
#include "extract/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  std::string_view bytes = fuzzing::text_of(data, size);
  extract::fuzz_reader([&](extract::Sink& out) { extract::read_text(bytes, "text", out); });
  extract::fuzz_reader([&](extract::Sink& out) { extract::read_markdown(bytes, out); });
  return 0;
}

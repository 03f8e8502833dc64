// What a document is by its first bytes, a picture's size, and what pdfinfo and pdftotext print.
#include "extract/format.h"
#include "extract/fuzz/read.h"
#include "extract/pages.h"
#include "extract/tool.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  std::string_view bytes = fuzzing::text_of(data, size);
  (void)extract::format_of(bytes, bytes.substr(0, 40), bytes.substr(0, 60));
  (void)extract::pixels_of(bytes);
  fuzzing::must(extract::pdf_info(bytes).pages >= 0, "fewer than no pages");
  extract::fuzz_reader([&](extract::Sink& out) {
    extract::PageCutter cutter(out);
    for (std::string_view rest = bytes; !rest.empty();) {
      std::string_view piece = rest.substr(0, 1 + rest.size() / 3);
      cutter.feed(piece);
      rest.remove_prefix(piece.size());
    }
    cutter.finish();
  });
  return 0;
}

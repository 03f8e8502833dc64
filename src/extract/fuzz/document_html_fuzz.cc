// Pages, and the HTML of mails.
#include "extract/fuzz/read.h"
#include "extract/html.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  std::string_view bytes = fuzzing::text_of(data, size);
  extract::fuzz_reader([&](extract::Sink& out) { extract::read_html(bytes, out); });
  (void)extract::text_of_html(std::string(bytes));
  return 0;
}

#include "extract/fuzz/read.h"
#include "extract/mail.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  extract::fuzz_reader(
      [&](extract::Sink& out) { extract::read_mail(fuzzing::text_of(data, size), out); });
  return 0;
}

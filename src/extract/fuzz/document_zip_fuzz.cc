// The container itself: whatever it claims, what is read is within the bounds.
#include "extract/fuzz/read.h"
#include "extract/office.h"
#include "extract/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  extract::MemoryBytes bytes(fuzzing::text_of(data, size));
  extract::fuzz_reader([&](extract::Sink& out) { extract::read_container(bytes, out); });
  try {
    extract::Package package(bytes);
    for (const std::string& name : package.names()) try {
        fuzzing::must(package.read(name).size() <= extract::Package::kMostPart, "a part is too large");
      } catch (const extract::Refused&) {
      }
  } catch (const extract::Refused&) {
  }
  return 0;
}

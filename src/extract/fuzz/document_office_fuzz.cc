// The parts of each kind of container: the first byte says which kind, 0x1e ends a part.
#include <array>

#include "extract/fuzz/read.h"
#include "extract/office.h"
#include "extract/test_documents.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  if (size == 0) return 0;
  constexpr const char *kText = "application/vnd.oasis.opendocument.text",
                       *kSheets = "application/vnd.oasis.opendocument.spreadsheet",
                       *kSlides = "application/vnd.oasis.opendocument.presentation";
  using Names = std::vector<const char*>;
  const std::array<std::pair<const char*, Names>, 7> kinds = {{
      {"", {"word/document.xml", "word/styles.xml", "word/footnotes.xml", "docProps/core.xml"}},
      {"",
       {"xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/s1.xml", "xl/sharedStrings.xml",
        "xl/styles.xml"}},
      {"",
       {"ppt/presentation.xml", "ppt/_rels/presentation.xml.rels", "ppt/slides/slide1.xml",
        "ppt/slides/_rels/slide1.xml.rels"}},
      {"", {"META-INF/container.xml", "a/b.opf", "a/c.xhtml"}},
      {kText, {"content.xml", "meta.xml", "META-INF/manifest.xml"}},
      {kSheets, {"content.xml", "meta.xml"}},
      {kSlides, {"content.xml", "meta.xml"}},
  }};
  const auto& [type, names] = kinds[data[0] % kinds.size()];
  std::string_view rest = fuzzing::text_of(data + 1, size - 1);
  extract::testing::Parts parts;
  if (*type != '\0') parts.emplace_back("mimetype", type);
  for (const char* name : names) {
    std::size_t end = std::min(rest.find('\x1e'), rest.size());
    parts.emplace_back(name, std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::string zip = extract::testing::zip(parts);
  extract::MemoryBytes bytes(zip);
  extract::fuzz_reader([&](extract::Sink& out) { extract::read_container(bytes, out); });
  return 0;
}

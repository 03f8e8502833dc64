#include "extract/extract.h"

#include <cstdio>

#include "app/application.h"

namespace antiphon::app {

int extract(const Environment& environment, const std::string& path) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  return perform([&] {
    extract::Extractor extractor(declared.documents);
    extract::Document document = extractor.extract_now(extract::Source::file(path), path, "");
    for (const auto& [what, value] :
         {std::pair("Title", document.title), std::pair("Author", document.author),
          std::pair("Encoding", document.encoding)})
      if (!value.empty()) std::printf("%s: %s\n", what, value.c_str());
    if (document.pages > 0) std::printf("Pages: %d\n", document.pages);
    for (const extract::Section& section : document.sections) {
      std::string mark = section.page > 0 ? "page " + std::to_string(section.page) : "";
      if (!section.place.empty()) mark += (mark.empty() ? "" : ", ") + section.place;
      std::printf("--- %s\n%s", mark.c_str(), section.text.c_str());
      if (!section.text.ends_with('\n')) std::puts("");
    }
    if (document.cut) std::puts("--- there is more than the limits let through");
    return 0;
  });
}

}  // namespace antiphon::app

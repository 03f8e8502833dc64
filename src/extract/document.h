#pragma once

#include <string>
#include <vector>

namespace antiphon::extract {

/// A piece of a document that can be pointed at: a page, a chapter, a sheet, a slide.
struct Section {
  std::string text;  ///< UTF-8 without U+0000 and control characters but tab and new line; never empty.
  int page = 0;      ///< Counted from 1: of a PDF's pages and of slides. 0: there are none.
  std::string
      place;  ///< "Chapter > Part" of headings, a sheet's or a slide's name; "" where there is none.
};

struct Document {
  std::string format;         ///< "pdf", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "html",
                              ///< "markdown", "csv", "mail", "text", "picture".
  std::string title, author;  ///< As the document says; "" when it does not.
  std::string encoding;       ///< Of what was bytes of text: "UTF-8", "windows-1252"; "" of the others.
  int pages = 0;              ///< Of all there are, read or not; 0 when it has none.
  bool cut = false;           ///< There was more than the limits let through.
  std::vector<Section> sections;  ///< In the document's order.
};

}  // namespace antiphon::extract

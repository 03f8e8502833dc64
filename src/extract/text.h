#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "extract/reply.h"

/// Bytes of text, of any encoding.
namespace antiphon::extract {

/// As UTF-8. By its byte order mark; else `hint` (a name an encoding goes by) where there is one; else
/// as UTF-8 when it is that, and as what ICU takes it for otherwise. `encoding` gets the name. Throws
/// Refused (unsupported) when it is no text.
std::string decoded(std::string_view bytes, std::string_view hint, std::string& encoding);

/// Where in headings the text is: "Chapter > Part".
class Headings {
 public:
  /// `level` counts from 1, and is 9 at most.
  void enter(int level, std::string_view title);
  std::string path() const;

 private:
  struct Heading {
    int level;
    std::string title;
  };
  std::vector<Heading> above_;
};

/// Without spaces at both ends, and one where there were several.
std::string squeezed(std::string_view text);

void read_text(std::string_view bytes, std::string_view format, Sink& out);
/// Headings begin sections; else as it stands.
void read_markdown(std::string_view bytes, Sink& out);

}  // namespace antiphon::extract

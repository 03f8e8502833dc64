#include "extract/container.h"
#include "extract/html.h"
#include "extract/xml.h"

namespace antiphon::extract {
namespace {

/// The first element of that name below, in the document's order.
pugi::xml_node anywhere(pugi::xml_node in, std::string_view name) {
  return in.find_node([&](pugi::xml_node node) { return is(node, name); });
}

/// "%20" and the like, as in links.
std::string unescaped(std::string_view link) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < link.size(); ++i) {
    bool escape =
        link[i] == '%' && i + 2 < link.size() && digit(link[i + 1]) >= 0 && digit(link[i + 2]) >= 0;
    out += escape ? static_cast<char>(digit(link[i + 1]) * 16 + digit(link[i + 2])) : link[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace

void read_epub(Package& package, Sink& out) {
  out.format("epub");
  Xml container(package.read("META-INF/container.xml"));
  std::string book(value(anywhere(container.root(), "rootfile"), "full-path"));
  Xml description(package.read(book));
  pugi::xml_node metadata = child(description.root(), "metadata");
  out.title(squeezed(all_text(child(metadata, "title"))));
  out.author(squeezed(all_text(child(metadata, "creator"))));
  std::size_t slash = book.rfind('/');
  std::string folder = slash == std::string::npos ? "" : book.substr(0, slash);
  std::map<std::string, std::string> parts;
  for (pugi::xml_node item : child(description.root(), "manifest").children())
    parts[std::string(value(item, "id"))] = part_name(folder, unescaped(value(item, "href")));
  // A book may be of chapters of equal headings: each begins anew.
  std::int64_t chapters = 0;
  for (pugi::xml_node item : child(description.root(), "spine").children()) {
    std::string part = parts[std::string(value(item, "idref"))];
    if (!package.has(part)) continue;
    std::string encoding;
    std::string html = decoded(package.read(part), "", encoding);
    Headings headings;
    out.section(0, "");
    read_html_text(html, headings, false, out);
    ++chapters;
  }
  if (chapters == 0) throw Refused(Refusal::damaged);
}

}  // namespace antiphon::extract

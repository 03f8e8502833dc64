#include <algorithm>

#include "extract/container.h"
#include "extract/text.h"
#include "extract/xml.h"

namespace antiphon::extract {
namespace {

std::int64_t number_in(std::string_view digits, std::int64_t fallback, std::int64_t most) {
  std::int64_t n = 0;
  if (digits.empty()) return fallback;
  for (char c : digits) {
    if (c < '0' || c > '9') return fallback;
    n = std::min(n * 10 + (c - '0'), most);
  }
  return n;
}

/// Text of a paragraph. Recursion: kMostDepth.
void add_text(pugi::xml_node in, std::string& out) {
  constexpr std::int64_t kMostSpaces = 1000;
  for (pugi::xml_node node : in.children()) {
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata)
      out += node.value();
    else if (is(node, "s"))
      out.append(static_cast<std::size_t>(number_in(value(node, "c"), 1, kMostSpaces)), ' ');
    else if (is(node, "tab"))
      out += '\t';
    else if (is(node, "line-break"))
      out += '\n';
    else if (!is(node, "annotation") && !is(node, "tracked-changes"))
      add_text(node, out);
  }
}

class Reader {
 public:
  explicit Reader(Sink& out) : out_(out) {}

  /// Recursion: kMostDepth.
  void blocks(pugi::xml_node in) {
    for (pugi::xml_node node : in.children()) {
      std::string_view name = local_name(node.name());
      if (name == "h")
        heading(node);
      else if (name == "p")
        paragraph(node);
      else if (name == "table")
        table(node);
      else if (name == "page")
        page(node);
      else if (name != "tracked-changes" && name != "forms")
        blocks(node);
    }
  }

  std::int64_t pages = 0;
  bool sheets = false;  ///< Tables are sheets.

 private:
  void heading(pugi::xml_node node) {
    std::string text;
    add_text(node, text);
    headings_.enter(static_cast<int>(number_in(value(node, "outline-level"), 1, 9)), text);
    out_.section(0, headings_.path());
    out_.text(text + "\n");
  }

  void paragraph(pugi::xml_node node) {
    std::string text;
    add_text(node, text);
    if (!text.empty()) out_.text(text + "\n");
  }

  void page(pugi::xml_node node) {
    out_.section(++pages, value(node, "name"));
    blocks(node);
  }

  /// Sheets are tables that are called something; a cell or a row may say how often it is repeated,
  /// which for the empty ones at the end is a million times.
  void table(pugi::xml_node node) {
    if (sheets) out_.section(0, value(node, "name"));
    rows(node);
  }

  void rows(pugi::xml_node in) {
    constexpr std::int64_t kMostRepeats = 64;
    for (pugi::xml_node row : in.children()) {
      if (!is(row, "table-row")) {
        rows(row);  // In groups and headers.
        continue;
      }
      std::string line, gap;
      for (pugi::xml_node cell : row.children()) {
        std::string text;
        for (pugi::xml_node p : cell.children())
          if (is(p, "p") || is(p, "h") || is(p, "list")) {
            if (!text.empty()) text += ' ';
            add_text(p, text);
          }
        text = squeezed(text);
        auto times = number_in(value(cell, "number-columns-repeated"), 1, kMostRepeats);
        for (std::int64_t i = 0; i < times; ++i) {
          if (!text.empty()) {
            line += gap + text;
            gap.clear();
          }
          gap += '\t';
        }
      }
      auto times = line.empty() ? 0 : number_in(value(row, "number-rows-repeated"), 1, kMostRepeats);
      for (std::int64_t i = 0; i < times; ++i) out_.text(line + "\n");
    }
  }

  Headings headings_;
  Sink& out_;
};

}  // namespace

void read_open_document(Package& package, std::string_view format, Sink& out) {
  out.format(format);
  if (std::string meta = package.read_if_there("meta.xml"); !meta.empty()) {
    Xml xml(std::move(meta));
    pugi::xml_node about = child(xml.root(), "meta");
    out.title(squeezed(all_text(child(about, "title"))));
    out.author(squeezed(
        all_text(child(about, child(about, "initial-creator") ? "initial-creator" : "creator"))));
  }
  // Who protects a document with a password encrypts each part and says so here.
  if (package.read_if_there("META-INF/manifest.xml").find("encryption-data") != std::string::npos)
    throw Refused(Refusal::password);
  Xml content(package.read("content.xml"));
  Reader reader(out);
  reader.sheets = format == "ods";
  reader.blocks(child(content.root(), "body"));
  if (reader.pages > 0) out.pages(reader.pages);
}

}  // namespace antiphon::extract

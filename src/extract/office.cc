#include "extract/office.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "extract/container.h"
#include "extract/text.h"
#include "extract/xml.h"

namespace antiphon::extract {
namespace {

int whole(std::string_view digits, int fallback) {
  if (digits.empty() || digits.size() > 8) return fallback;
  int n = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return fallback;
    n = n * 10 + (c - '0');
  }
  return n;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// --- DOCX

/// Levels of headings by the id of their style, from 1.
std::map<std::string, int> heading_styles(const std::string& styles) {
  std::map<std::string, int> out;
  if (styles.empty()) return out;
  Xml xml(styles);
  for (pugi::xml_node style : xml.root().children()) {
    if (!is(style, "style")) continue;
    std::string name = lower_ascii(value(child(style, "name"), "val"));
    int level = name == "title" ? 1 : name.starts_with("heading ") ? whole(name.substr(8), 0) : 0;
    pugi::xml_node outline = child(child(style, "pPr"), "outlineLvl");
    if (level == 0 && outline) level = whole(value(outline, "val"), 9) + 1;
    if (level >= 1 && level <= 9) out[std::string(value(style, "styleId"))] = level;
  }
  return out;
}

/// Text of runs; not how it is to be pronounced (rPh), nor twice what is there for two readers
/// (Fallback). Recursion: kMostDepth.
void add_runs(pugi::xml_node in, std::string& out) {
  for (pugi::xml_node node : in.children()) {
    std::string_view name = local_name(node.name());
    if (name == "t")
      out += all_text(node);
    else if (name == "tab")
      out += '\t';
    else if (name == "br" || name == "cr")
      out += '\n';
    else if (name == "noBreakHyphen")
      out += '-';
    else if (name != "Fallback" && name != "pPr" && name != "rPr" && name != "rPh")
      add_runs(node, out);
  }
}

class DocxText {
 public:
  DocxText(std::map<std::string, int> headings, Sink& out) : styles_(std::move(headings)), out_(out) {}

  /// Recursion: kMostDepth.
  void blocks(pugi::xml_node in) {
    for (pugi::xml_node node : in.children()) {
      std::string_view name = local_name(node.name());
      if (name == "p")
        paragraph(node);
      else if (name == "tbl")
        table(node);
      else if (name != "sectPr" && name != "Fallback")
        blocks(node);
    }
  }

 private:
  void paragraph(pugi::xml_node node) {
    pugi::xml_node properties = child(node, "pPr");
    std::string text;
    add_runs(node, text);
    if (text.empty()) return;
    auto style = styles_.find(std::string(value(child(properties, "pStyle"), "val")));
    if (style != styles_.end()) {
      headings_.enter(style->second, text);
      out_.section(0, headings_.path());
    }
    if (child(properties, "numPr")) out_.text("- ");
    out_.text(text + "\n");
  }

  void table(pugi::xml_node node) {
    for (pugi::xml_node row : node.children()) {
      if (!is(row, "tr")) continue;
      std::string line;
      for (pugi::xml_node cell : row.children()) {
        if (!is(cell, "tc")) continue;
        std::string text;
        for (pugi::xml_node p : cell.children()) {
          add_runs(p, text);
          text += ' ';
        }
        if (!line.empty()) line += '\t';
        line += squeezed(text);
      }
      out_.text(line + "\n");
    }
  }

  std::map<std::string, int> styles_;
  Headings headings_;
  Sink& out_;
};

// --- XLSX

/// Which cell formats show days. The numbers below 164 are fixed by ECMA-376 §18.8.30.
std::vector<bool> date_formats(const std::string& styles) {
  std::vector<bool> out;
  if (styles.empty()) return out;
  Xml xml(styles);
  std::map<int, bool> own;
  for (pugi::xml_node format : child(xml.root(), "numFmts").children()) {
    std::string code = lower_ascii(value(format, "formatCode"));
    bool day = code.find("yy") != std::string::npos || code.find("d/m") != std::string::npos ||
               code.find("m/d") != std::string::npos || code.find("dd") != std::string::npos;
    own[whole(value(format, "numFmtId"), 0)] = day;
  }
  for (pugi::xml_node format : child(xml.root(), "cellXfs").children()) {
    int id = whole(value(format, "numFmtId"), 0);
    auto found = own.find(id);
    out.push_back(found != own.end() ? found->second : (id >= 14 && id <= 17) || id == 22);
  }
  return out;
}

/// A day counted as Excel does, since the end of 1899; with the time where there is one.
std::string date_of(const std::string& serial, bool since_1904) {
  char* end = nullptr;
  double days = std::strtod(serial.c_str(), &end);
  constexpr double kMostDays = 2'958'465;  // The end of 9999.
  if (end == serial.c_str() || !(days >= 1 && days <= kMostDays)) return serial;
  constexpr std::int64_t kTo1970 = 25'569, kTo1904 = 1462, kDay = 86'400;
  std::int64_t seconds = std::llround(days * kDay) - (kTo1970 - (since_1904 ? kTo1904 : 0)) * kDay;
  std::time_t time = seconds;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return serial;
  char text[32];
  bool midnight = parts.tm_hour == 0 && parts.tm_min == 0 && parts.tm_sec == 0;
  std::size_t n = std::strftime(text, sizeof text, midnight ? "%Y-%m-%d" : "%Y-%m-%d %H:%M", &parts);
  return {text, n};
}

/// The column of "BC12", from 0; -1 for what is none.
int column_of(std::string_view reference) {
  constexpr int kMost = 16'384;
  int n = 0;
  for (char c : reference) {
    if (c < 'A' || c > 'Z') break;
    n = n * 26 + (c - 'A' + 1);
    if (n > kMost) return -1;
  }
  return n - 1;
}

struct Workbook {
  std::vector<std::string> shared;
  std::vector<bool> dates;
  bool since_1904 = false;
};

std::string cell_text(pugi::xml_node cell, const Workbook& book) {
  std::string_view type = value(cell, "t");
  if (type == "inlineStr") return squeezed(all_text(child(cell, "is")));
  std::string stored = all_text(child(cell, "v"));
  if (type == "s") {
    auto at = static_cast<std::size_t>(whole(stored, -1));
    return at < book.shared.size() ? squeezed(book.shared[at]) : "";
  }
  if (type == "b") return stored == "1" ? "TRUE" : "FALSE";
  if (type == "str" || type == "e") return squeezed(stored);
  auto style = static_cast<std::size_t>(whole(value(cell, "s"), 0));
  bool date = style < book.dates.size() && book.dates[style];
  return date ? date_of(stored, book.since_1904) : stored;
}

void read_sheet(const std::string& part, const Workbook& book, Sink& out) {
  Xml xml(part);
  for (pugi::xml_node row : child(xml.root(), "sheetData").children()) {
    std::string line;
    int column = 0;
    // Empty cells keep the others below one another; not for ever, where a cell stands far away.
    constexpr int kMostGap = 64;
    for (pugi::xml_node cell : row.children()) {
      std::string text = cell_text(cell, book);
      if (text.empty()) continue;
      int at = column_of(value(cell, "r"));
      if (at > column) line.append(static_cast<std::size_t>(std::min(at - column, kMostGap)), '\t');
      column = std::max(column, at);
      if (at < 0 && !line.empty()) line += '\t';
      line += text;
    }
    if (!line.empty()) out.text(line + "\n");
  }
}

// --- PPTX

/// A line a paragraph. Recursion: kMostDepth.
void add_paragraphs(pugi::xml_node in, std::string& out) {
  for (pugi::xml_node node : in.children()) {
    if (is(node, "Fallback")) continue;
    if (!is(node, "p")) {
      add_paragraphs(node, out);
      continue;
    }
    std::string text;
    add_runs(node, text);
    if (!text.empty()) out += text + "\n";
  }
}

/// What a slide is called: the text of its title.
std::string slide_title(pugi::xml_node tree) {
  for (pugi::xml_node shape : tree.children()) {
    std::string_view type = value(child(child(child(shape, "nvSpPr"), "nvPr"), "ph"), "type");
    if (type != "title" && type != "ctrTitle") continue;
    std::string text;
    add_paragraphs(shape, text);
    return squeezed(text);
  }
  return "";
}

std::string folder_of(std::string_view part) {
  std::size_t slash = part.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(part.substr(0, slash));
}

}  // namespace

std::string part_name(std::string_view folder, std::string_view target) {
  std::string path(target.starts_with('/') ? target.substr(1) : target);
  if (!target.starts_with('/') && !folder.empty()) path = std::string(folder) + "/" + path;
  std::vector<std::string_view> out;
  std::string_view rest = path;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('/'), rest.size());
    std::string_view step = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (step == "..") {
      if (out.empty()) return "";
      out.pop_back();
    } else if (!step.empty() && step != ".") {
      out.push_back(step);
    }
  }
  std::string name;
  for (std::string_view step : out) name += (name.empty() ? "" : "/") + std::string(step);
  return name;
}

std::map<std::string, std::string> relations(Package& package, std::string_view part) {
  std::map<std::string, std::string> out;
  std::string folder = folder_of(part);
  std::string_view name = part.substr(folder.empty() ? 0 : folder.size() + 1);
  std::string text = package.read_if_there(part_name(folder, "_rels/" + std::string(name) + ".rels"));
  if (text.empty()) return out;
  Xml xml(std::move(text));
  for (pugi::xml_node relation : xml.root().children())
    if (value(relation, "TargetMode") != "External")
      out[std::string(value(relation, "Id"))] = part_name(folder, value(relation, "Target"));
  return out;
}

void read_core_properties(Package& package, Sink& out) {
  std::string text = package.read_if_there("docProps/core.xml");
  if (text.empty()) return;
  Xml xml(std::move(text));
  out.title(squeezed(all_text(child(xml.root(), "title"))));
  out.author(squeezed(all_text(child(xml.root(), "creator"))));
}

void read_docx(Package& package, Sink& out) {
  out.format("docx");
  read_core_properties(package, out);
  DocxText text(heading_styles(package.read_if_there("word/styles.xml")), out);
  Xml body(package.read("word/document.xml"));
  text.blocks(child(body.root(), "body"));
  for (const char* part : {"word/footnotes.xml", "word/endnotes.xml"}) {
    std::string notes = package.read_if_there(part);
    if (notes.empty()) continue;
    Xml xml(std::move(notes));
    text.blocks(xml.root());
  }
}

void read_xlsx(Package& package, Sink& out) {
  out.format("xlsx");
  read_core_properties(package, out);
  Workbook book;
  if (std::string shared = package.read_if_there("xl/sharedStrings.xml"); !shared.empty()) {
    Xml xml(std::move(shared));
    for (pugi::xml_node item : xml.root().children()) {
      std::string text;
      add_runs(item, text);
      if (is(item, "si")) book.shared.push_back(std::move(text));
    }
  }
  book.dates = date_formats(package.read_if_there("xl/styles.xml"));
  auto parts = relations(package, "xl/workbook.xml");
  Xml workbook(package.read("xl/workbook.xml"));
  std::string_view since = value(child(workbook.root(), "workbookPr"), "date1904");
  book.since_1904 = since == "1" || since == "true";
  for (pugi::xml_node sheet : child(workbook.root(), "sheets").children()) {
    std::string part = parts[std::string(value(sheet, "id"))];
    if (!package.has(part)) continue;
    out.section(0, value(sheet, "name"));
    read_sheet(package.read(part), book, out);
  }
}

void read_pptx(Package& package, Sink& out) {
  out.format("pptx");
  read_core_properties(package, out);
  auto parts = relations(package, "ppt/presentation.xml");
  Xml presentation(package.read("ppt/presentation.xml"));
  std::vector<std::string> slides;
  for (pugi::xml_node id : child(presentation.root(), "sldIdLst").children())
    for (pugi::xml_attribute a : id.attributes())
      // Both are called id; that of the relation has a prefix.
      if (std::string_view(a.name()).find(':') != std::string_view::npos &&
          local_name(a.name()) == "id")
        slides.push_back(parts[a.value()]);
  out.pages(static_cast<std::int64_t>(slides.size()));
  for (std::size_t i = 0; i < slides.size(); ++i) {
    if (!package.has(slides[i])) continue;
    Xml slide(package.read(slides[i]));
    pugi::xml_node tree = child(child(slide.root(), "cSld"), "spTree");
    out.section(static_cast<std::int64_t>(i) + 1, slide_title(tree));
    std::string text;
    add_paragraphs(tree, text);
    for (const auto& [id, part] : relations(package, slides[i])) {
      if (!part.starts_with("ppt/notesSlides/") || !package.has(part)) continue;
      Xml notes(package.read(part));
      add_paragraphs(child(child(notes.root(), "cSld"), "spTree"), text);
    }
    out.text(text);
  }
}

void read_container(const Bytes& bytes, Sink& out) {
  Package package(bytes);
  if (package.has("word/document.xml")) return read_docx(package, out);
  if (package.has("xl/workbook.xml")) return read_xlsx(package, out);
  if (package.has("ppt/presentation.xml")) return read_pptx(package, out);
  if (package.has("META-INF/container.xml")) return read_epub(package, out);
  std::string type = package.read_if_there("mimetype");
  constexpr std::string_view kOpenDocument = "application/vnd.oasis.opendocument.";
  if (type.starts_with(kOpenDocument)) {
    std::string_view kind = std::string_view(type).substr(kOpenDocument.size());
    if (kind.starts_with("text")) return read_open_document(package, "odt", out);
    if (kind.starts_with("spreadsheet")) return read_open_document(package, "ods", out);
    if (kind.starts_with("presentation")) return read_open_document(package, "odp", out);
  }
  throw Refused(Refusal::unsupported);
}

}  // namespace antiphon::extract

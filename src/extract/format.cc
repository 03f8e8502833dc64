#include "extract/format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace antiphon::extract {
namespace {

using std::string_view_literals::operator""sv;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string ending_of(std::string_view name) {
  std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : lower(name.substr(dot + 1, 16));
}

bool is_picture(std::string_view b) {
  constexpr std::array kBegins = {
      "\x89PNG\r\n\x1a\n"sv, "\xff\xd8\xff"sv, "GIF87a"sv, "GIF89a"sv, "II*\0"sv, "MM\0*"sv};
  if (std::ranges::any_of(kBegins, [&](std::string_view k) { return b.starts_with(k); })) return true;
  if (b.starts_with("RIFF") && b.size() > 12 && b.substr(8, 4) == "WEBP") return true;
  return b.starts_with("BM") && b.size() > 26 && b.substr(6, 4) == "\0\0\0\0"sv;
}

struct Numbers {
  std::string_view b;
  bool big = true;
  std::uint64_t at(std::size_t offset, int size) const {
    if (offset + static_cast<std::size_t>(size) > b.size()) return 0;
    std::uint64_t n = 0;
    for (int i = 0; i < size; ++i) {
      auto u = static_cast<unsigned char>(b[offset + static_cast<std::size_t>(big ? i : size - 1 - i)]);
      n = n << 8 | u;
    }
    return n;
  }
};

std::uint64_t jpeg_pixels(std::string_view b) {
  Numbers n{b};
  std::size_t at = 2;
  while (at + 9 < b.size()) {
    if (n.at(at, 1) != 0xff) return 0;
    std::uint64_t marker = n.at(at + 1, 1);
    if (marker == 0xff) {
      ++at;
      continue;
    }
    bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) return n.at(at + 5, 2) * n.at(at + 7, 2);
    at += 2 + n.at(at + 2, 2);
  }
  return 0;
}

std::uint64_t webp_pixels(std::string_view b) {
  Numbers n{b, false};
  std::string_view kind = b.substr(12, 4);
  if (kind == "VP8X") return (n.at(24, 3) + 1) * (n.at(27, 3) + 1);
  if (kind == "VP8L") {
    std::uint64_t bits = n.at(21, 4);
    return ((bits & 0x3fff) + 1) * ((bits >> 14 & 0x3fff) + 1);
  }
  return (n.at(26, 2) & 0x3fff) * (n.at(28, 2) & 0x3fff);
}

std::uint64_t tiff_pixels(std::string_view b) {
  Numbers n{b, b.front() == 'M'};
  std::uint64_t directory = n.at(4, 4), width = 0, height = 0;
  if (directory >= b.size()) return 0;
  std::uint64_t fields = n.at(directory, 2);
  for (std::uint64_t i = 0; i < fields && directory + 14 + 12 * i <= b.size(); ++i) {
    std::size_t at = directory + 2 + 12 * i;
    std::uint64_t tag = n.at(at, 2), value = n.at(at + 2, 2) == 3 ? n.at(at + 8, 2) : n.at(at + 8, 4);
    if (tag == 256) width = value;
    if (tag == 257) height = value;
  }
  return width * height;
}

}  // namespace

std::uint64_t pixels_of(std::string_view b) {
  if (b.starts_with("\x89PNG")) return Numbers{b}.at(16, 4) * Numbers{b}.at(20, 4);
  if (b.starts_with("\xff\xd8")) return jpeg_pixels(b);
  if (b.starts_with("GIF")) return Numbers{b, false}.at(6, 2) * Numbers{b, false}.at(8, 2);
  if (b.starts_with("RIFF") && b.size() >= 30) return webp_pixels(b);
  if (b.starts_with("BM")) {
    // Heights below 0 are of pictures that begin at the top.
    std::uint64_t height = Numbers{b, false}.at(22, 4);
    if (height > 0x7fffffff) height = 0x100000000 - height;
    return Numbers{b, false}.at(18, 4) * height;
  }
  if (b.starts_with("II*") || b.starts_with("MM")) return tiff_pixels(b);
  return 0;
}

Format format_of(std::string_view begin, std::string_view name, std::string_view content_type) {
  // Readers of PDF take what is before its mark for rubbish; so do we, as far as they look.
  if (begin.substr(0, 1024).contains("%PDF-")) return Format::pdf;
  if (begin.starts_with("PK\x03\x04") || begin.starts_with("PK\x05\x06")) return Format::zip;
  if (begin.starts_with("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) return Format::old_office;
  if (is_picture(begin)) return Format::picture;
  if (begin.starts_with("{\\rtf")) return Format::unknown;
  std::string type = lower(content_type.substr(0, content_type.find(';'))), ending = ending_of(name);
  if (ending == "html" || ending == "htm" || ending == "xhtml" || type == "text/html")
    return Format::html;
  if (ending == "md" || ending == "markdown" || type == "text/markdown") return Format::markdown;
  if (ending == "csv" || ending == "tsv" || type == "text/csv") return Format::csv;
  if (ending == "eml" || type == "message/rfc822") return Format::mail;
  if (ending.empty()) {
    std::string start = lower(begin.substr(0, 256));
    start.erase(0, start.find_first_not_of("\xef\xbb\xbf \t\r\n"));
    if (start.starts_with("<!doctype html") || start.starts_with("<html")) return Format::html;
  }
  return Format::text;
}

}  // namespace antiphon::extract

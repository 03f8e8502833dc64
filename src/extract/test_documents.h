#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "extract/extract.h"
#include "extract/reply.h"
#include "extract/worker.h"

/// Documents made for tests, and the ways tests have them read.
namespace antiphon::extract::testing {

inline std::string little(std::uint64_t n, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(i < 8 ? n >> (8 * i) : 0);
  return out;
}

inline std::string deflated(std::string_view text) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

using Parts = std::vector<std::pair<std::string, std::string>>;

/// A zip of these; `claimed` bytes unpacked each says it has, when not what it has.
inline std::string zip(const Parts& parts, std::int64_t claimed = -1) {
  std::string out, directory, packed;
  std::string_view last;
  for (const auto& [name, text] : parts) {
    if (packed.empty() || text != last) packed = deflated(text);
    last = text;
    std::string about =
        little(20, 2) + little(0, 2) + little(8, 2) + little(0, 4) +
        little(crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())),
               4) +
        little(packed.size(), 4) +
        little(claimed < 0 ? text.size() : static_cast<std::uint64_t>(claimed), 4) +
        little(name.size(), 2) + little(0, 2);
    directory += "PK\x01\x02" + little(20, 2) + about + little(0, 10) + little(out.size(), 4) + name;
    out += "PK\x03\x04" + about + name + packed;
  }
  std::size_t at = out.size();
  return out + directory + "PK\x05\x06" + little(0, 4) + little(parts.size(), 2) +
         little(parts.size(), 2) + little(directory.size(), 4) + little(at, 4) + little(0, 2);
}

/// A PDF with a line of text on each page; `extra` goes into its trailer.
inline std::string pdf(const std::vector<std::string>& pages, const std::string& extra = "") {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", "",
                                      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
                                      "<< /Title (A title) /Author (An author) >>"};
  std::string kids;
  for (const std::string& text : pages) {
    std::string number = std::to_string(objects.size() + 1);
    kids += number + " 0 R ";
    objects.push_back(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Resources << /Font << /F1 3 0 R >> >> "
        "/Contents " +
        std::to_string(objects.size() + 2) + " 0 R >>");
    std::string stream = text.empty() ? "" : "BT /F1 18 Tf 20 100 Td (" + text + ") Tj ET";
    objects.push_back("<< /Length " + std::to_string(stream.size()) + " >>\nstream\n" + stream +
                      "\nendstream");
  }
  objects[1] = "<< /Type /Pages /Kids [" + kids + "] /Count " + std::to_string(pages.size()) + " >>";
  std::string out = "%PDF-1.4\n", table;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::string place = std::to_string(out.size());
    table += std::string(10 - place.size(), '0') + place + " 00000 n \n";
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  std::string at = std::to_string(out.size()), count = std::to_string(objects.size() + 1);
  return out + "xref\n0 " + count + "\n0000000000 65535 f \n" + table + "trailer << /Size " + count +
         " /Root 1 0 R /Info 4 0 R " + extra + " >>\nstartxref\n" + at + "\n%%EOF\n";
}

/// A file of these bytes that is gone when it is closed.
Source source_of(std::string_view bytes);

/// What a worker makes of it: walls, process and all. Throws Problem.
Document read(const Extractor& extractor, std::string_view bytes, const std::string& name,
              const std::string& type = "");

/// What the readers make of it, in this process. Throws Refused.
Document read_in_process(std::string_view bytes, const std::string& name,
                         std::int64_t most_text = 16 << 20);

/// All text of a document.
inline std::string text_of(const Document& document) {
  std::string out;
  for (const Section& s : document.sections) out += s.text;
  return out;
}

}  // namespace antiphon::extract::testing

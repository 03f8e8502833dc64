#include "extract/text.h"

#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include <algorithm>
#include <memory>

#include "base/encode.h"

namespace antiphon::extract {
namespace {

using std::string_view_literals::operator""sv;

struct Mark {
  std::string_view bytes;
  const char* encoding;
};
/// The longer before those they begin with.
constexpr Mark kMarks[] = {{"\xff\xfe\0\0"sv, "UTF-32LE"},
                           {"\0\0\xfe\xff"sv, "UTF-32BE"},
                           {"\xef\xbb\xbf"sv, "UTF-8"},
                           {"\xff\xfe"sv, "UTF-16LE"},
                           {"\xfe\xff"sv, "UTF-16BE"}};

std::string detected(std::string_view bytes) {
  // More does not make it surer.
  constexpr std::size_t kEnough = 64 << 10;
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<UCharsetDetector, decltype(&ucsdet_close)> detector(ucsdet_open(&error),
                                                                      &ucsdet_close);
  if (U_FAILURE(error)) return "windows-1252";
  std::string_view some = bytes.substr(0, kEnough);
  ucsdet_setText(detector.get(), some.data(), static_cast<std::int32_t>(some.size()), &error);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &error);
  const char* name = match ? ucsdet_getName(match, &error) : nullptr;
  return U_SUCCESS(error) && name ? name : "windows-1252";
}

std::string converted(std::string_view bytes, const std::string& from) {
  UErrorCode error = U_ZERO_ERROR;
  const char* begin = bytes.data();
  auto length = static_cast<std::int32_t>(bytes.size());
  std::int32_t size = ucnv_convert("UTF-8", from.c_str(), nullptr, 0, begin, length, &error);
  if (error != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(error)) throw Refused(Refusal::unsupported);
  std::string out(static_cast<std::size_t>(size), '\0');
  error = U_ZERO_ERROR;
  ucnv_convert("UTF-8", from.c_str(), out.data(), size, begin, length, &error);
  if (U_FAILURE(error)) throw Refused(Refusal::unsupported);
  return out;
}

/// Programs and pictures have them everywhere, texts hardly ever.
bool is_binary(std::string_view text) {
  auto strange = std::ranges::count_if(text, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != '\x1b';
  });
  return strange * 100 > static_cast<std::ptrdiff_t>(text.size());
}

bool known(const std::string& encoding) {
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<UConverter, decltype(&ucnv_close)> converter(ucnv_open(encoding.c_str(), &error),
                                                               &ucnv_close);
  return U_SUCCESS(error);
}

}  // namespace

std::string decoded(std::string_view bytes, std::string_view hint, std::string& encoding) {
  encoding.clear();
  for (const Mark& mark : kMarks)
    if (bytes.starts_with(mark.bytes)) {
      bytes.remove_prefix(mark.bytes.size());
      encoding = mark.encoding;
      break;
    }
  std::string named(hint.substr(0, 40));
  if (encoding.empty() && !named.empty() && named.find('\0') == std::string::npos && known(named))
    encoding = named;
  if (encoding.empty()) encoding = valid_utf8(bytes) ? "UTF-8" : detected(bytes);
  std::string out = encoding == "UTF-8" ? std::string(bytes) : converted(bytes, encoding);
  if (is_binary(out)) throw Refused(Refusal::unsupported);
  return out;
}

void Headings::enter(int level, std::string_view title) {
  constexpr std::size_t kMostTitle = 200;
  while (!above_.empty() && above_.back().level >= level) above_.pop_back();
  std::string good = squeezed(cleaned(title));
  above_.push_back({level, std::string(utf8_prefix(good, kMostTitle))});
}

std::string Headings::path() const {
  std::string out;
  for (const Heading& h : above_) {
    if (h.title.empty()) continue;
    if (!out.empty()) out += " > ";
    out += h.title;
  }
  return out;
}

std::string squeezed(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

void read_text(std::string_view bytes, std::string_view format, Sink& out) {
  std::string encoding, text = decoded(bytes, "", encoding);
  out.format(format);
  out.encoding(encoding);
  out.text(text);
}

void read_markdown(std::string_view bytes, Sink& out) {
  std::string encoding, text = decoded(bytes, "", encoding);
  out.format("markdown");
  out.encoding(encoding);
  Headings headings;
  std::string section;
  bool code = false;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    if (line.starts_with("```") || line.starts_with("~~~")) code = !code;
    std::size_t level = code ? 0 : std::min(line.find_first_not_of('#'), line.size());
    if (level >= 1 && level <= 6 && level < line.size() && line[level] == ' ') {
      out.text(section);
      section.clear();
      headings.enter(static_cast<int>(level), line.substr(level));
      out.section(0, headings.path());
    }
    section += line;
  }
  out.text(section);
}

}  // namespace antiphon::extract

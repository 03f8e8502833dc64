#include "extract/pages.h"

#include <algorithm>
#include <utility>

#include "extract/format.h"
#include "extract/tool.h"

namespace antiphon::extract {
namespace {

constexpr std::uint64_t kMostPixels = 25'000'000;

/// Programs read all of their input into memory.
void check_fits(const Order& order, std::uint64_t size) {
  if (size > static_cast<std::uint64_t>(order.memory) / 2) throw Refused(Refusal::too_large);
}

std::string tool(std::string_view name, Refusal without) {
  std::string path = find_tool(name);
  if (path.empty()) throw Refused(without);
  return path;
}

/// What a limit ended: of memory (abort, or a fault where it was not looked after) as much as of time.
bool was_killed(int status) {
  constexpr int kSignal = 128;
  return status > kSignal;
}

}  // namespace

void PageCutter::feed(std::string_view printed) {
  while (!printed.empty()) {
    std::size_t end = printed.find('\f');
    pending_ += printed.substr(0, end);
    if (static_cast<std::int64_t>(pending_.size()) > out_.room()) {
      page();
      throw Sink::Enough{};
    }
    if (end == std::string_view::npos) return;
    page();
    printed.remove_prefix(end + 1);
  }
}

void PageCutter::finish() {
  if (!pending_.empty()) page();
}

void PageCutter::page() {
  std::string text = std::exchange(pending_, {});
  ++number_;
  std::size_t last = text.find_last_not_of(" \n\t\r");
  if (last == std::string::npos) return;
  words_ = true;
  text.resize(last + 1);
  out_.section(number_, "");
  out_.text(text + "\n");
}

void read_pdf(const Order& order, std::uint64_t size, Sink& out) {
  out.format("pdf");
  std::string info_tool = tool("pdfinfo", Refusal::lacks_poppler);
  std::string text_tool = tool("pdftotext", Refusal::lacks_poppler);
  check_fits(order, size);
  std::string printed;
  constexpr std::size_t kMostInfo = 256 << 10;
  int status = run_tool({info_tool, "-enc", "UTF-8", "-"}, true, [&](std::string_view piece) {
    printed += piece;
    return printed.size() < kMostInfo;
  });
  PdfInfo info = pdf_info(printed);
  if (info.password) throw Refused(Refusal::password);
  if (was_killed(status)) throw Refused(Refusal::bomb);
  if (info.pages == 0) throw Refused(Refusal::damaged);
  out.title(info.title);
  out.author(info.author);
  out.pages(info.pages);
  PageCutter cutter(out);
  bool enough = false;
  status = run_tool({text_tool, "-enc", "UTF-8", "-q", "-l", std::to_string(order.pages), "-", "-"},
                    false, [&](std::string_view piece) {
                      try {
                        cutter.feed(piece);
                      } catch (const Sink::Enough&) {
                        enough = true;
                      }
                      return !enough;
                    });
  if (enough) throw Sink::Enough{};
  if (was_killed(status)) throw Refused(Refusal::bomb);
  cutter.finish();
  if (!cutter.words()) throw Refused(status == 0 ? Refusal::no_text : Refusal::damaged);
  if (info.pages > order.pages) throw Sink::Enough{};
}

void read_picture(const Order& order, std::string_view begin, Sink& out) {
  out.format("picture");
  std::uint64_t pixels = pixels_of(begin);
  if (pixels == 0) throw Refused(Refusal::damaged);
  if (pixels > kMostPixels) throw Refused(Refusal::too_many_pixels);
  std::string program = tool("tesseract", Refusal::lacks_tesseract);
  std::string text;
  bool enough = false;
  int status = run_tool({program, "-", "-", "-l", order.languages}, false, [&](std::string_view piece) {
    text += piece;
    enough = static_cast<std::int64_t>(text.size()) > out.room();
    return !enough;
  });
  if (was_killed(status) && !enough) throw Refused(Refusal::bomb);
  if (status != 0 && !enough) throw Refused(Refusal::damaged);
  std::erase(text, '\f');
  if (text.find_first_not_of(" \n\t") == std::string::npos) throw Refused(Refusal::no_text);
  out.text(text);
}

}  // namespace antiphon::extract

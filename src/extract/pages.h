#pragma once

#include <string>
#include <string_view>

#include "extract/order.h"
#include "extract/reply.h"

/// What other programs read for us. They throw Refused.
namespace antiphon::extract {

/// A PDF, by poppler's pdfinfo and pdftotext; a section a page.
void read_pdf(const Order& order, std::uint64_t size, Sink& out);
/// A picture's words, by tesseract. `begin`: its first bytes, of which its size is read before anything
/// unpacks it.
void read_picture(const Order& order, std::string_view begin, Sink& out);

/// Cuts what pdftotext prints into pages, however it comes.
class PageCutter {
 public:
  explicit PageCutter(Sink& out) : out_(out) {}
  void feed(std::string_view printed);
  /// The last one, when nothing ended it.
  void finish();
  /// Whether any page had a word.
  bool words() const { return words_; }

 private:
  void page();

  Sink& out_;
  std::string pending_;  ///< A page, at most as much as there is room for text.
  std::int64_t number_ = 0;
  bool words_ = false;
};

}  // namespace antiphon::extract

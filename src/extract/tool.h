#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace antiphon::extract {

/// Where the program lies in the folders programs of the system lie in; "" when it is not there.
std::string find_tool(std::string_view name);

/// Runs a program on the document (descriptor 0, from its beginning) in this process's walls, where it
/// can make no process of its own, with nothing in its environment but LC_ALL=C.UTF-8 and
/// OMP_THREAD_LIMIT=1. Gives what it prints to `take`, errors with it when `errors`, until that yields
/// false; then it is killed. Yields its exit status; 128 and the signal's number when it died of one.
int run_tool(const std::vector<std::string>& command, bool errors,
             const std::function<bool(std::string_view)>& take);

/// What a PDF says of itself, from what pdfinfo prints. Pure.
struct PdfInfo {
  std::string title, author;
  std::int64_t pages = 0;
  bool password = false;  ///< It cannot be opened without one.
};
PdfInfo pdf_info(std::string_view printed);

}  // namespace antiphon::extract

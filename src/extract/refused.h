#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace antiphon::extract {

/// Why a document has no text for us. Goes over the pipe as a number; the server has the words.
enum class Refusal : std::uint8_t {
  damaged = 1,
  password,
  unsupported,
  old_office,
  too_large,  ///< More bytes than its kind may have.
  bomb,       ///< Expands to too much, or nests too deeply.
  too_many_pixels,
  no_text,  ///< Of a PDF of pictures.
  lacks_poppler,
  lacks_tesseract,
  unconfined,  ///< The machine cannot confine the reader.
  memory,
  last = memory
};

/// What readers of documents throw, inside the worker.
class Refused final : public std::exception {
 public:
  explicit Refused(Refusal why) : why_(why) {}
  Refusal why() const { return why_; }
  const char* what() const noexcept override { return "the document is refused"; }

 private:
  Refusal why_;
};

}  // namespace antiphon::extract

// A worker that was taken over writes what it likes. However it is cut, the server makes the same of
// it, and what it takes is within the bounds.
#include "base/encode.h"
#include "base/fuzzing.h"
#include "extract/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  constexpr std::int64_t kMostText = 1000;
  std::string_view bytes = fuzzing::text_of(data, size);
  extract::ReplyReader whole(kMostText), pieces(kMostText);
  bool taken = whole.feed(bytes);
  bool same = true;
  for (std::size_t i = 0; same && i < bytes.size(); ++i) same = pieces.feed(bytes.substr(i, 1));
  fuzzing::must(taken == same, "it depends on how it is cut");
  std::size_t text = 0;
  for (const extract::Section& s : whole.document().sections) {
    text += s.text.size();
    fuzzing::must(valid_utf8(s.text) && valid_utf8(s.place), "no UTF-8");
  }
  fuzzing::must(text <= kMostText, "too much text");
  return 0;
}

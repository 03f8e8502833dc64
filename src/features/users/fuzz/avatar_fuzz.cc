// A picture is one of the types that were allowed and nothing a browser would run.
#include "base/encode.h"
#include "base/fuzzing.h"
#include "features/users/avatar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  using fuzzing::must;
  static const std::vector<std::string> types{"image/png", "image/jpeg", "image/gif", "image/webp"};
  std::string_view text = fuzzing::text_of(data, size);
  if (auto image = users::image_in(text, types))
    must(std::ranges::find(types, image->type) != types.end() && !image->bytes.empty(), "another type");
  if (auto blob = users::blob_in(text, {"id"})) must(blobs::is_id(blob->value), "a blob that is none");
  http::Response shown = users::picture("id", text.substr(0, 16), text, types);
  must(shown.status == 200 && !shown.body.empty(), "no picture");
  if (shown.type == "image/svg+xml") {
    must(valid_utf8(shown.body), "markup that is no UTF-8");
    must(std::ranges::count(shown.body, '<') == 5, "markup in markup");
  }
  return 0;
}

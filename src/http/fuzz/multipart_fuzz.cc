#include <algorithm>
#include <string>
#include <vector>

#include "base/fuzzing.h"
#include "http/multipart.h"

/// A form from a stranger: the boundary is the first line. However it arrives, it holds the same.
namespace {

using antiphon::fuzzing::must;
using namespace antiphon::http;

struct Kept final : Multipart::Sink {
  std::optional<Refusal> begin(PartHead head) override {
    must(!head.name.empty(), "a part has a name");
    if (head.filename) (void)base_name(*head.filename);
    text += "\n[" + head.name + "|" + head.filename.value_or("-") + "|" + head.type + "]";
    return std::nullopt;
  }
  std::optional<Refusal> data(std::string_view bytes) override {
    must(!bytes.empty(), "no empty data");
    size += bytes.size();
    text += bytes;
    return std::nullopt;
  }
  std::string text;
  std::size_t size = 0;
};

/// What became of the form in pieces of `step` bytes.
std::string read(std::string_view boundary, std::string_view body, std::size_t step) {
  Kept kept;
  Multipart form(boundary, kept);
  std::optional<Refusal> refusal;
  for (std::string_view rest = body; !rest.empty() && !refusal;) {
    refusal = form.take(rest.substr(0, step));
    rest.remove_prefix(std::min(step, rest.size()));
  }
  must(kept.size <= body.size(), "data comes from the body");
  if (refusal) return "refused";
  return (form.done() ? "done" : "open") + (form.done() ? kept.text : std::string());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = antiphon::fuzzing::text_of(data, size);
  std::string_view type = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), type.size() + 1));
  auto boundary = form_boundary(type);
  if (!boundary) boundary = "b";
  std::string whole = read(*boundary, text, text.size() + 1);
  for (std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{64}})
    must(read(*boundary, text, step) == whole, "pieces change nothing");
  return 0;
}

#include "base/encode.h"
#include "base/fuzzing.h"
#include "base/problem.h"
#include "json/dto.h"
#include "json/json.h"
#include "json/text.h"

namespace antiphon::json {
namespace {

enum class Colour { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)

/// Something of every kind.
struct Everything {
  std::optional<std::int64_t> i;
  Defaulted<double> d;
  Flag<true> b;
  Number<1, -5, 5> n;
  Patch<Text<1, 4>> p;
  Defaulted<Colour> c;
  Defaulted<std::vector<Everything>> a;
  Defaulted<std::map<std::string, std::optional<std::string>>> m;
  std::optional<Value> v;
  Rest rest;
};
ANTIPHON_DTO(Everything, i, d, b, n, p, c, a, m, v, rest)
ANTIPHON_DTO_DEFINE(Everything)

using fuzzing::must;

void round_trip(std::string_view text) {
  std::optional<Value> value = try_parse(text);
  if (!value) return;
  std::string once = serialize(*value);
  must(valid_utf8(once), "the text is not UTF-8");
  must(once.find('\0') == once.npos, "the text holds a NUL");
  std::optional<Value> again = try_parse(once);
  must(again.has_value(), "what was written cannot be read");
  must(serialize(*again) == once, "writing again gives another text");
}

void mending(std::string_view text) {
  auto strict = try_parse(text), mended = try_parse_mending(text);
  if (strict) must(mended && serialize(*mended) == serialize(*strict), "what needs no mending changed");
  if (mended) round_trip(serialize(*mended));
}

void through_a_struct(std::string_view text) {
  try {
    std::string once = dump(parse<Everything>(text));
    must(dump(parse<Everything>(once)) == once, "a struct does not come back");
  } catch (const Problem& p) {
    must(p.status() == 422 && try_parse(p.detail_json()).has_value(), "a fault without a list");
  }
}

}  // namespace
}  // namespace antiphon::json

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = antiphon::fuzzing::text_of(data, size);
  antiphon::json::round_trip(text);
  antiphon::json::mending(text);
  antiphon::json::through_a_struct(text);
  return 0;
}

// What a task model answers: titles, tags and questions of one line each, no longer and no more than
// promised, whatever it says.
#include <boost/json.hpp>

#include "base/encode.h"
#include "base/fuzzing.h"
#include "features/completions/chore_answers.h"

namespace {

using namespace antiphon;
using namespace antiphon::completions;
using fuzzing::must;

void must_be_a_line(std::string_view line, std::size_t most) {
  must(line.size() <= most && valid_utf8(line), "a line that is too long, or no UTF-8");
  for (unsigned char c : line) must(c >= 0x20 && c != 0x7f, "a line with a control character");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzzing::text_of(data, size);
  std::string question = title_of_question(text);
  if (valid_utf8(text)) must_be_a_line(question, 80);
  auto completion =
      json::try_parse(R"({"choices":[{"message":{"content":)" + json_quote(text) + "}}]}");
  if (!completion) return 0;  // A NUL.
  must_be_a_line(title_in(*completion), 120);
  auto tags = tags_in(*completion), follow_ups = follow_ups_in(*completion);
  must(tags.size() <= 3 && follow_ups.size() <= 5, "more than was promised");
  for (const std::string& tag : tags) must_be_a_line(tag, 40);
  for (const std::string& line : follow_ups) must_be_a_line(line, 400);
  if (auto raw = json::try_parse(text)) {
    must_be_a_line(title_in(*raw), 120);
    (void)tags_in(*raw);
  }
  return 0;
}

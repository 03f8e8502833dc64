// What a Redis, or whoever stands at its address, may answer; and messages with numbers, which whoever
// may publish can write.
#include "base/fuzzing.h"
#include "base/problem.h"
#include "bus/numbered.h"
#include "bus/resp.h"

namespace antiphon::bus {
namespace {

using fuzzing::must;

std::string shown(const Reply& reply) {
  std::string out = std::to_string(static_cast<int>(reply.kind)) + ":" + reply.text + ":" +
                    std::to_string(reply.number) + "(";
  for (const Reply& element : reply.list) out += shown(element);
  return out + ")";
}

/// All replies, as the bytes come in pieces of that size.
std::string replies(std::string_view bytes, std::size_t piece) {
  RespReader reader;
  std::string out;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.add(bytes.substr(at, piece));
      while (auto reply = reader.next()) out += shown(*reply);
    }
  } catch (const Problem&) {
    out += "!";
  }
  return out;
}

void numbers(std::string_view text) {
  Numbered numbered = numbered_in(text);
  if (numbered.sender.empty()) return must(numbered.message == text, "a message that lost something");
  std::string again = with_number(numbered.sender, numbered.number, numbered.message);
  Numbered back = numbered_in(again);
  must(back.sender == numbered.sender && back.number == numbered.number &&
           back.message == numbered.message,
       "a number that does not come back");
}

}  // namespace
}  // namespace antiphon::bus

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon::bus;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size <= 4096)
    antiphon::fuzzing::must(replies(bytes, size ? size : 1) == replies(bytes, 3),
                            "pieces change a reply");
  numbers(bytes);
  std::string_view words[] = {bytes.substr(0, size / 2), bytes.substr(size / 2)};
  RespReader reader;
  reader.add(resp_command(words));
  auto back = reader.next();
  antiphon::fuzzing::must(back && back->list.size() == 2 && back->list[0].text == words[0] &&
                              back->list[1].text == words[1],
                          "a command that does not come back");
  return 0;
}

#pragma once

#include <string>

#include "base/fuzzing.h"
#include "extract/reply.h"

namespace antiphon::extract {

/// Runs a reader as the worker does. Whatever it reads, only Refused comes out, and what it wrote is a
/// reply the server takes.
template <class Reader>
void fuzz_reader(Reader read) {
  constexpr std::int64_t kMostText = 64 << 10;
  ReplyReader reply(kMostText);
  Sink sink(kMostText, [&](std::string_view frame) {
    fuzzing::must(reply.feed(frame), "the server refuses a frame");
  });
  try {
    read(sink);
    sink.end(false);
  } catch (const Sink::Enough&) {
    sink.end(true);
  } catch (const Refused& refused) {
    sink.refuse(refused.why());
  }
  fuzzing::must(reply.complete(), "the reply has no end");
}

}  // namespace antiphon::extract

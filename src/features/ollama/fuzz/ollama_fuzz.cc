// Lines of an Ollama server, as it sends them, and OpenAI's bodies for it.
#include <boost/json.hpp>

#include "base/fuzzing.h"
#include "base/problem.h"
#include "client/sse.h"
#include "features/ollama/convert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  using fuzzing::must;
  std::string_view text = fuzzing::text_of(data, size);
  client::LineReader lines(1 << 16);
  ollama::Mapper mapper("id", "model", 1);
  bool roles = false;
  try {
    lines.feed(text);
    while (auto line = lines.next()) {
      auto value = json::try_parse(*line);
      if (!value) continue;
      for (const json::Value& chunk : mapper.chunks(*value)) {
        must(json::try_parse(json::serialize(chunk)).has_value(), "a chunk that cannot be written");
        bool has = json::serialize(chunk).find("\"role\":\"assistant\"") != std::string::npos;
        must(roles || has, "a first chunk without a role");
        roles = true;
      }
      (void)json::serialize(ollama::to_completion(*value, "id", "model", 1));
      (void)json::serialize(ollama::usage_of(*value));
    }
  } catch (const Problem& p) {
    must(p.status() >= 500 && !p.detail().empty(), "a provider's fault without words");
  }
  auto body = json::try_parse(text);
  if (!body || !body->is_object()) return 0;
  json::Object chat = ollama::to_chat(body->as_object(), "model");
  must(json::text_at(json::Value(chat), "model") == "model", "another model");
  must(json::try_parse(json::serialize(chat)).has_value(), "a body that cannot be written");
  return 0;
}

// What programs and model servers say in OpenAI's and Anthropic's shapes, turned into the other's.
#include <boost/json.hpp>

#include "base/fuzzing.h"
#include "base/problem.h"
#include "client/sse.h"
#include "features/openai/anthropic.h"
#include "features/openai/protocol.h"
#include "features/openai/responses.h"

namespace {

using namespace antiphon;
using fuzzing::must;

void must_be_json(const json::Value& value) {
  must(json::try_parse(json::serialize(value)).has_value(), "a value that cannot be written");
}

/// Blocks open and close in turn, and every event is JSON of its type.
void events(const json::Value& chunks) {
  openai::AnthropicEvents made("msg_1", "model");
  std::string text = made.begin();
  if (chunks.is_array())
    for (const json::Value& chunk : chunks.as_array()) text += made.take(chunk);
  else
    text += made.take(chunks);
  text += made.end();
  client::SseReader reader;
  reader.feed(text);
  std::int64_t open = -1, last = -1;
  bool ended = false;
  while (auto event = reader.next()) {
    auto data = json::try_parse(event->data);
    must(data && json::text_at(*data, "type") == event->event && !ended,
         "an event that is not what it says");
    std::int64_t index = json::int_at(*data, "index", -1);
    if (event->event == "content_block_start") {
      must(open == -1 && index == last + 1, "a block inside a block");
      open = last = index;
    }
    if (event->event == "content_block_delta") must(index == open && open >= 0, "a delta of no block");
    if (event->event == "content_block_stop") {
      must(index == open, "the end of another block");
      open = -1;
    }
    ended = event->event == "message_stop";
  }
  must(ended && open == -1, "a stream that does not end");
}

/// Chunks come of it or a Problem, a number never falls, and behind the end there is nothing.
void responses(const json::Value& events) {
  openai::ResponseEvents reader(true, "r", 3);
  if (!events.is_array()) return;
  try {
    for (const json::Value& event : events.as_array()) {
      bool ended = reader.ended();
      std::int64_t seen = reader.seen();
      auto chunk = reader.take(event);
      must(!(ended && chunk), "a chunk behind the end");
      must(reader.seen() == -1 || reader.seen() >= seen, "a number that falls");
      must(reader.id().size() <= 256, "an id that is too long");
      if (chunk) must_be_json(*chunk);
    }
  } catch (const Problem& p) {
    must(p.kind() == Problem::Kind::upstream, "a fault of ours");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto value = json::try_parse(fuzzing::text_of(data, size));
  if (!value) return 0;
  events(*value);
  must_be_json(openai::to_anthropic(*value, "model", "msg_1"));
  must_be_json(openai::as_chunk(*value));
  (void)openai::estimated_tokens(*value);
  responses(*value);
  try {
    must_be_json(openai::from_response(*value));
  } catch (const Problem& p) {
    must(p.kind() == Problem::Kind::upstream, "a fault of ours");
  }
  try {
    must_be_json(openai::from_anthropic(*value));
  } catch (const Problem& p) {
    must(p.status() >= 400 && p.status() < 500, "a fault of ours");
  }
  auto connection = models::trial(models::Kind::openai, "https://a.example/v1", "key", *value);
  try {
    for (const models::BaseModel& model : openai::models_in(connection, *value)) {
      must(!model.id.empty() && !model.connections.empty(), "a model without an id");
      must_be_json(model.shown);
    }
  } catch (const Problem&) {
  }
  if (value->is_object()) {
    json::Object asked = openai::to_responses(value->as_object(), *connection, "o3");
    must(json::array_at(asked, "input") && !asked.contains("messages"), "a request without input");
    must_be_json(asked);
    json::Object body = value->as_object();
    openai::prepare(body, *connection, "o3");
    must(!body.contains("max_tokens") && !body.contains("chat_id"), "a member that was to go");
    must_be_json(body);
  }
  return 0;
}

// A model's answer becomes the same output however its text was cut; clients that fold the events hold
// what the server holds, also when deltas were merged; and nothing stays open.
#include <fuzzer/FuzzedDataProvider.h>

#include <boost/json.hpp>

#include "base/fuzzing.h"
#include "features/completions/composer.h"
#include "features/completions/prompt.h"
#include "runs/output.h"

namespace {

using namespace antiphon;
using namespace antiphon::completions;
using fuzzing::must;

struct Answer {
  std::vector<json::Value> events;
  Composer composer;
  explicit Answer(json::Array items = {})
      : composer([this](json::Value e) { events.push_back(std::move(e)); }, TagScanner(),
                 std::move(items)) {}

  void content(std::string_view text) {
    composer.take(json::Object{
        {"choices", json::Array{json::Object{{"delta", json::Object{{"content", text}}}}}}});
  }
};

/// Without what is chosen anew each time.
std::string shape_of(const json::Array& items) {
  std::string out;
  for (const json::Value& item : items)
    out += std::string(json::text_at(item, "type")) + "/" + std::string(json::text_at(item, "status")) +
           "/" + std::string(json::text_at(item, "end_tag")) + "/" + runs::item_text(item) + "\n";
  return out;
}

void must_be_closed(const Answer& answer) {
  for (const json::Value& item : answer.composer.output().items())
    must(json::text_at(item, "status") != "in_progress" || json::text_at(item, "id").empty(),
         "an item that stays open");
}

/// One client gets every event, another what the log made of them.
void clients(const Answer& answer, const json::Array& items_before) {
  runs::Output each, merged;
  each.items() = merged.items() = items_before;
  std::vector<json::Value> log;
  for (const json::Value& event : answer.events) {
    each.apply(event);
    if (log.empty() || !runs::merge_delta(log.back(), event)) log.push_back(event);
  }
  for (const json::Value& event : log) merged.apply(event);
  must(json::serialize(each.items()) == json::serialize(merged.items()),
       "merged deltas say something else");
  must(each.text() == answer.composer.output().text(), "a client holds another text than the server");
}

void the_same_however_cut(std::string_view text, FuzzedDataProvider& cuts) {
  Answer whole, pieces;
  whole.content(text);
  for (std::string_view rest = text; !rest.empty();) {
    std::size_t size =
        std::min<std::size_t>(rest.size(), cuts.ConsumeIntegralInRange<std::size_t>(1, 16));
    pieces.content(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  whole.composer.end_round();
  pieces.composer.end_round();
  must(shape_of(whole.composer.output().items()) == shape_of(pieces.composer.output().items()),
       "another answer when cut otherwise");
  must_be_closed(whole);
  must_be_closed(pieces);
  clients(pieces, {});
}

/// Chunks as a hostile server sends them, after what a client said the message holds.
void anything(std::string_view text, bool goes_on) {
  auto value = json::try_parse(text);
  if (!value) return;
  json::Array before;
  if (const json::Array* items = json::array_at(*value, "output")) before = *items;
  Answer answer(before);
  json::Array kept = answer.composer.output().items();
  if (goes_on) answer.composer.continue_text();
  answer.composer.take_whole(*value);
  if (value->is_array())
    for (const json::Value& chunk : value->as_array()) answer.composer.take(chunk);
  answer.composer.end_round();
  for (const ToolCall& call : answer.composer.calls()) answer.composer.tool_result(call, "done");
  must(answer.composer.calls().empty(), "calls that were answered");
  if (kept.empty()) {
    must_be_closed(answer);
    clients(answer, kept);
  }
  runs::Output odd;
  odd.apply(*value);
  if (value->is_array())
    for (const json::Value& event : value->as_array()) odd.apply(event);
  (void)odd.text();
  json::Array messages;
  append_output(messages, answer.composer.output().items());
  must(json::try_parse(json::serialize(messages)).has_value(), "messages that cannot be written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  std::uint8_t mode = input.ConsumeIntegral<std::uint8_t>();  // From the end; cuts are there too.
  if (mode % 4 == 0) {
    std::string text = input.ConsumeRandomLengthString();
    the_same_however_cut(text, input);
  } else {
    anything(input.ConsumeRemainingBytesAsString(), mode % 4 == 1);
  }
  return 0;
}

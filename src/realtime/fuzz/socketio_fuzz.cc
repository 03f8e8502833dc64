// What a browser may send: frames and polling bodies, through the whole protocol as one connection
// would see it; and the offsets it brings back. Checks what must hold of anything that was accepted.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "json/text.h"
#include "realtime/engineio.h"
#include "realtime/position.h"
#include "realtime/socketio.h"

namespace antiphon::realtime {
namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

bool take(socketio::Assembler& assembler, socketio::Assembler::Outcome outcome) {
  if (outcome != socketio::Assembler::Outcome::complete)
    return outcome != socketio::Assembler::Outcome::broken;
  socketio::Packet packet = assembler.take();
  if (packet.type == socketio::Type::event || packet.type == socketio::Type::binary_event) {
    must(packet.data.is_array() && !packet.data.get_array().empty(), "an event without a name");
    must(packet.data.get_array().front().is_string(), "an event whose name is no text");
  }
  must(packet.name_space.starts_with('/'), "a namespace without a slash");
  must(json::try_parse(json::serialize(packet.data)).has_value(), "data that cannot be written");
  if (packet.id) must(*packet.id < 1'000'000'000'000'000, "an id beyond what JavaScript counts");
  return true;
}

void connection(std::string_view body) {
  auto packets = engineio::parse_payload(body);
  if (!packets) return;
  must(packets->size() <= engineio::kMaxPacketsPerPayload, "too many packets");
  std::string again;
  for (const auto& packet : *packets) {
    std::string frame = packet.binary ? packet.data : static_cast<char>(packet.type) + packet.data;
    engineio::append_to_payload(again, frame, packet.binary);
  }
  if (!packets->empty()) must(again == body, "a payload that does not come back");
  socketio::Assembler assembler;
  for (auto& packet : *packets) {
    if (packet.type != engineio::Type::message) continue;
    if (packet.binary) {
      if (!take(assembler, assembler.add_attachment(std::move(packet.data)))) return;
    } else {
      auto parsed = socketio::parse(packet.data);
      if (!parsed || !take(assembler, assembler.add(std::move(*parsed)))) return;
    }
  }
}

void offset(std::string_view text) {
  auto position = Position::parse(text);
  if (!position) return;
  must(position->text() == text, "an offset that does not come back");
  must(position->covers(*position), "a position that does not cover itself");
  Position sum = *position;
  sum.include(*position);
  must(position->covers(sum), "a position that grows by itself");
}

}  // namespace
}  // namespace antiphon::realtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  antiphon::realtime::connection(text);
  antiphon::realtime::offset(text);
  return 0;
}

// What a browser may send: frames and polling bodies, through the whole protocol as one connection
// would see it; and the offsets it brings back. Checks what must hold of anything that was accepted.
#include "base/fuzzing.h"
#include "json/text.h"
#include "realtime/engineio.h"
#include "realtime/position.h"
#include "realtime/socketio.h"

namespace antiphon::realtime {
namespace {

using fuzzing::must;

/// A packet is the same again when it is written as clients write it.
void comes_back(const socketio::Packet& packet) {
  if (packet.attachments > 0) return;
  std::string text(1, static_cast<char>(packet.type));
  if (packet.name_space != "/") text += packet.name_space + ",";
  if (packet.id) text += std::to_string(*packet.id);
  if (!packet.data.is_null()) text += json::serialize(packet.data);
  auto again = socketio::parse(text);
  must(again && again->type == packet.type && again->name_space == packet.name_space &&
           again->id == packet.id && json::serialize(again->data) == json::serialize(packet.data),
       "a packet that does not come back");
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
  comes_back(packet);
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

/// A WebSocket takes what a polling body takes, but attachments, which have frames of their own.
void frame(std::string_view text) {
  auto packet = engineio::parse_frame(text);
  if (text.find(engineio::kSeparator) == text.npos) {
    auto packets = engineio::parse_payload(text);
    bool same = packet ? packets && packets->front().type == packet->type &&
                             packets->front().data == packet->data && !packet->binary
                       : !packets || packets->front().binary;
    must(same, "a frame that is not what a body of it is");
  }
  if (!packet || packet->type != engineio::Type::message) return;
  if (auto parsed = socketio::parse(packet->data)) {
    socketio::Assembler assembler;
    take(assembler, assembler.add(std::move(*parsed)));
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
  std::string_view text = antiphon::fuzzing::text_of(data, size);
  antiphon::realtime::connection(text);
  antiphon::realtime::frame(text);
  antiphon::realtime::offset(text);
  return 0;
}

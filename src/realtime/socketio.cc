#include "realtime/socketio.h"

#include <algorithm>
#include <array>

#include "base/encode.h"
#include "json/text.h"

namespace antiphon::realtime::socketio {
namespace {

constexpr std::array<std::string_view, 6> kReserved{"connect",       "connect_error", "disconnect",
                                                    "disconnecting", "newListener",   "removeListener"};

bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes digits off the front. Nothing when there are more than `longest`.
std::optional<std::string_view> take_digits(std::string_view& text, std::size_t longest) {
  auto end = std::ranges::find_if_not(text, digit);
  auto count = static_cast<std::size_t>(end - text.begin());
  if (count > longest) return std::nullopt;
  std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

std::uint64_t to_number(std::string_view digits) {
  std::uint64_t out = 0;
  for (char c : digits) out = out * 10 + static_cast<std::uint64_t>(c - '0');
  return out;
}

bool take_attachments(std::string_view& text, Packet& packet) {
  auto digits = take_digits(text, 2);
  if (!digits || digits->empty() || !text.starts_with('-')) return false;
  text.remove_prefix(1);
  packet.attachments = static_cast<int>(to_number(*digits));
  return packet.attachments >= 1 && packet.attachments <= kMaxAttachments;
}

bool take_namespace(std::string_view& text, Packet& packet) {
  if (!text.starts_with('/')) return true;
  std::size_t end = text.find(',');
  std::string_view name = text.substr(0, end);
  if (name.size() > kMaxNamespace || name.find_first_of("\"{[ ") != name.npos) return false;
  packet.name_space = std::string(name);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return true;
}

bool take_id(std::string_view& text, Packet& packet) {
  auto digits = take_digits(text, 15);
  if (!digits) return false;
  if (!digits->empty()) packet.id = to_number(*digits);
  return true;
}

bool event_data_fits(const json::Value& data) {
  const auto* items = data.if_array();
  if (!items || items->empty() || !items->front().is_string()) return false;
  std::string_view name = json::view(items->front().get_string());
  return !name.empty() && name.size() <= kMaxEventName &&
         std::ranges::find(kReserved, name) == kReserved.end();
}

bool fits(const Packet& packet) {
  switch (packet.type) {
    case Type::connect:
      return !packet.id && (packet.data.is_null() || packet.data.is_object());
    case Type::disconnect:
      return !packet.id && packet.data.is_null();
    case Type::event:
    case Type::binary_event:
      return event_data_fits(packet.data);
    case Type::ack:
    case Type::binary_ack:
      return packet.id && packet.data.is_array();
    case Type::connect_error:
      return false;  // Only servers say that.
  }
  return false;
}

}  // namespace

std::optional<Packet> parse(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '6') return std::nullopt;
  Packet packet{.type = static_cast<Type>(text[0])};
  text.remove_prefix(1);
  bool binary = packet.type == Type::binary_event || packet.type == Type::binary_ack;
  if (binary && !take_attachments(text, packet)) return std::nullopt;
  if (!take_namespace(text, packet) || !take_id(text, packet)) return std::nullopt;
  if (!text.empty()) {
    auto data = json::try_parse(text);
    if (!data || data->is_null()) return std::nullopt;
    packet.data = std::move(*data);
  }
  if (!fits(packet)) return std::nullopt;
  return packet;
}

Assembler::Outcome Assembler::add(Packet packet) {
  if (packet_) return Outcome::broken;
  Outcome outcome = packet.attachments > 0 ? Outcome::waiting : Outcome::complete;
  packet_ = std::move(packet);
  return outcome;
}

Assembler::Outcome Assembler::add_attachment(std::string bytes) {
  if (!packet_ || packet_->attachments == 0) return Outcome::broken;
  bytes_ += bytes.size();
  if (bytes_ > kMaxAttachmentBytes) return Outcome::broken;
  attachments_.push_back(std::move(bytes));
  if (attachments_.size() < static_cast<std::size_t>(packet_->attachments)) return Outcome::waiting;
  used_.assign(attachments_.size(), false);
  if (!fill_placeholders(packet_->data) || !std::ranges::all_of(used_, [](bool u) { return u; }))
    return Outcome::broken;
  return Outcome::complete;
}

Packet Assembler::take() {
  Packet out = std::move(*packet_);
  *this = Assembler();
  return out;
}

// Depth is bounded by the JSON parser.
bool Assembler::fill_placeholders(json::Value& value) {
  if (auto* array = value.if_array())
    return std::ranges::all_of(*array, [&](json::Value& item) { return fill_placeholders(item); });
  auto* object = value.if_object();
  if (!object) return true;
  const auto* mark = object->if_contains("_placeholder");
  if (!mark) {
    return std::ranges::all_of(*object,
                               [&](auto& member) { return fill_placeholders(member.value()); });
  }
  const auto* number = object->if_contains("num");
  if (!mark->is_bool() || !mark->get_bool() || !number || !number->is_int64()) return false;
  std::int64_t n = number->get_int64();
  if (n < 0 || n >= static_cast<std::int64_t>(attachments_.size())) return false;
  auto at = static_cast<std::size_t>(n);
  if (used_[at]) return false;
  used_[at] = true;
  json::Array bytes;
  bytes.reserve(attachments_[at].size());
  for (char c : attachments_[at])
    bytes.emplace_back(static_cast<std::int64_t>(static_cast<unsigned char>(c)));
  value = std::move(bytes);
  return true;
}

std::string connect_frame(std::string_view sid, std::string_view pid) {
  return "40{\"sid\":" + json_quote(sid) + ",\"pid\":" + json_quote(pid) + "}";
}

std::string connect_error_frame(std::string_view name_space, std::string_view message) {
  std::string out = "44";
  if (name_space != "/") out += std::string(name_space) + ",";
  return out + "{\"message\":" + json_quote(message) + "}";
}

std::string disconnect_frame() {
  return "41";
}

std::string ack_frame(std::uint64_t id, const json::Value& value) {
  return "43" + std::to_string(id) + "[" + json::serialize(value) + "]";
}

std::string event_frame(std::string_view name, std::string_view payload, std::string_view offset,
                        std::optional<std::uint64_t> ack_id, std::size_t attachments) {
  std::string out;
  out.reserve(name.size() + payload.size() + offset.size() + 24);
  out += attachments == 0 ? "42" : "45" + std::to_string(attachments) + "-";
  if (ack_id) out += std::to_string(*ack_id);
  out += '[';
  out += json_quote(name);
  out += ',';
  out += payload;
  if (!offset.empty()) {
    out += ",\"";
    out += offset;  // Of a character set that needs no escapes.
    out += '"';
  }
  out += ']';
  return out;
}

}  // namespace antiphon::realtime::socketio

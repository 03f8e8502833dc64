#include "realtime/engineio.h"

#include <algorithm>
#include <array>

#include "base/encode.h"

namespace antiphon::realtime::engineio {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> reverse_alphabet() {
  std::array<std::int8_t, 256> out{};
  out.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return out;
}
constexpr auto kReverse = reverse_alphabet();

std::string_view standard_text(Refusal refusal) {
  switch (refusal) {
    case Refusal::unknown_transport:
      return "Transport unknown";
    case Refusal::unknown_sid:
      return "Session ID unknown";
    case Refusal::bad_method:
      return "Bad handshake method";
    case Refusal::bad_request:
      return "Bad request";
    case Refusal::forbidden:
      return "Forbidden";
    case Refusal::unsupported_version:
      return "Unsupported protocol version";
  }
  return "Bad request";
}

std::optional<Packet> parse_packet(std::string_view text) {
  if (text.starts_with('b')) {
    auto bytes = base64_decode(text.substr(1));
    if (!bytes) return std::nullopt;
    return Packet{.type = Type::message, .data = std::move(*bytes), .binary = true};
  }
  if (text.empty() || text[0] < '0' || text[0] > '6') return std::nullopt;
  return Packet{.type = static_cast<Type>(text[0]), .data = std::string(text.substr(1))};
}

}  // namespace

std::optional<Packet> parse_frame(std::string_view frame) {
  if (frame.starts_with('b') || !valid_utf8(frame)) return std::nullopt;
  return parse_packet(frame);
}

std::optional<std::vector<Packet>> parse_payload(std::string_view body) {
  if (!valid_utf8(body)) return std::nullopt;
  auto count = static_cast<std::size_t>(std::ranges::count(body, kSeparator)) + 1;
  if (count > kMaxPacketsPerPayload) return std::nullopt;
  std::vector<Packet> packets;
  packets.reserve(count);
  for (std::size_t begin = 0;;) {
    std::size_t end = body.find(kSeparator, begin);
    auto packet = parse_packet(body.substr(begin, end == body.npos ? end : end - begin));
    if (!packet) return std::nullopt;
    packets.push_back(std::move(*packet));
    if (end == body.npos) return packets;
    begin = end + 1;
  }
}

void append_to_payload(std::string& body, std::string_view frame, bool binary) {
  if (!body.empty()) body += kSeparator;
  if (binary) {
    body += 'b';
    body += base64(frame);
  } else {
    body += frame;
  }
}

std::string open_packet(const Handshake& handshake) {
  return "0{\"sid\":" + json_quote(handshake.sid) +
         ",\"upgrades\":" + (handshake.may_upgrade ? "[\"websocket\"]" : "[]") +
         ",\"pingInterval\":" + std::to_string(handshake.ping_interval_ms) +
         ",\"pingTimeout\":" + std::to_string(handshake.ping_timeout_ms) +
         ",\"maxPayload\":" + std::to_string(handshake.max_payload) + "}";
}

std::string refusal_json(Refusal refusal, std::string_view message) {
  return "{\"code\":" + std::to_string(static_cast<int>(refusal)) +
         ",\"message\":" + json_quote(message.empty() ? standard_text(refusal) : message) + "}";
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text.substr(0, text.size() - padding)) {
    std::int8_t value = kReverse[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFFF;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held & 0xFF);
    }
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace antiphon::realtime::engineio

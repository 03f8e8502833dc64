#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Engine.IO 4, the part without sockets. Pure; any thread.
namespace antiphon::realtime::engineio {

enum class Type : char {
  open = '0',
  close = '1',
  ping = '2',
  pong = '3',
  message = '4',
  upgrade = '5',
  noop = '6',
};

struct Packet {
  Type type = Type::noop;
  std::string data;
  bool binary = false;  ///< A message of bytes; `data` holds them.
};

inline constexpr std::size_t kMaxPacketsPerPayload = 10'000;
inline constexpr char kSeparator = '\x1e';

/// A text frame. Nothing unless its first character is a type and it is valid UTF-8.
std::optional<Packet> parse_frame(std::string_view frame);

/// The body of a polling POST. Nothing when any packet is empty or malformed.
std::optional<std::vector<Packet>> parse_payload(std::string_view body);

/// Appends a packet, given as it would stand in a frame, to the body of a polling response.
void append_to_payload(std::string& body, std::string_view frame, bool binary);

struct Handshake {
  std::string sid;
  bool may_upgrade = false;  ///< Never for a session opened by websocket: its client would hang.
  std::int64_t ping_interval_ms = 25'000;
  std::int64_t ping_timeout_ms = 20'000;
  std::int64_t max_payload = 1'000'000;
};
/// The open packet.
std::string open_packet(const Handshake& handshake);

/// Why a request is refused; the numbers are Engine.IO's own.
enum class Refusal {
  unknown_transport = 0,
  unknown_sid = 1,
  bad_method = 2,
  bad_request = 3,
  forbidden = 4,
  unsupported_version = 5,
};
/// `{"code":1,"message":"Session ID unknown"}`; `message` replaces the standard text.
std::string refusal_json(Refusal refusal, std::string_view message = {});

/// RFC 4648 §4 with padding; nothing for anything else.
std::optional<std::string> base64_decode(std::string_view text);
std::string base64(std::string_view bytes);

}  // namespace antiphon::realtime::engineio

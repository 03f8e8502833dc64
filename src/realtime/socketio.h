#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/types.h"

/// Socket.IO 5 packets, without sockets. Strict: what this does not know is refused, and the
/// connection that sent it is closed (row 96). Pure; any thread.
namespace antiphon::realtime::socketio {

enum class Type : char {
  connect = '0',
  disconnect = '1',
  event = '2',
  ack = '3',
  connect_error = '4',
  binary_event = '5',
  binary_ack = '6',
};

inline constexpr int kMaxAttachments = 16;
/// Attachments become arrays of numbers, sixteen times their size in memory.
inline constexpr std::size_t kMaxAttachmentBytes = 1 << 20;
inline constexpr std::size_t kMaxNamespace = 64;
inline constexpr std::size_t kMaxEventName = 256;

struct Packet {
  Type type = Type::event;
  int attachments = 0;
  std::string name_space = "/";
  std::optional<std::uint64_t> id = {};  ///< Of an acknowledgement wanted, or given.
  json::Value data = nullptr;            ///< CONNECT: object or null. Events and acks: array.
};

/// The text of an Engine.IO message, without its leading 4, as a client may send it.
std::optional<Packet> parse(std::string_view text);

/// Puts binary packets together. One per connection.
class Assembler {
 public:
  enum class Outcome { complete, waiting, broken };
  /// `complete`: take() yields the packet.
  Outcome add(Packet packet);
  Outcome add_attachment(std::string bytes);
  Packet take();

 private:
  bool fill_placeholders(json::Value& value);

  std::optional<Packet> packet_;
  std::vector<std::string> attachments_;
  std::vector<bool> used_;
  std::size_t bytes_ = 0;
};

// What the server sends: whole Engine.IO frames, their leading 4 included.

std::string connect_frame(std::string_view sid, std::string_view pid);
std::string connect_error_frame(std::string_view name_space, std::string_view message);
std::string disconnect_frame();
std::string ack_frame(std::uint64_t id, const json::Value& value);
/// `payload` is JSON text; `offset` follows it when there is one.
std::string event_frame(std::string_view name, std::string_view payload, std::string_view offset = {},
                        std::optional<std::uint64_t> ack_id = {}, std::size_t attachments = 0);

}  // namespace antiphon::realtime::socketio

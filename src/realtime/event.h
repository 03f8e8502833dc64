#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.h"
#include "http/caller.h"
#include "json/types.h"
#include "realtime/position.h"

namespace antiphon::realtime {

/// A name that several sockets listen to. Sockets get into rooms by rule only (row 100).
struct Room {
  std::string name;

  static Room user(const UserId& id) { return {"user:" + id.value}; }
  static Room chat(std::string_view id) { return {"chat:" + std::string(id)}; }
  friend auto operator<=>(const Room&, const Room&) = default;
};

/// What goes to a client: `42["events",{…}]`. The payload is serialised once, however many
/// sockets get it.
///
/// An event that stands in the answer log or in the outbox says where: it then carries an offset,
/// reaches every socket at most once (a second emission of the same origin is dropped, so a socket
/// that is in the owner's room and in the chat's room gets one copy) and is replayed to clients that
/// were cut off. All others are fire and forget.
struct Event {
  /// Where in the answer log this event stands.
  struct Run {
    std::string id;
    std::int64_t seq = 0;
    std::int64_t index = 0;  ///< Within the row.
    bool last = false;       ///< The run has ended; nothing follows.
  };

  std::string name = "events";
  std::string payload =
      "null";  ///< JSON text of the one argument. Never a bare JSON string: see below.
  std::optional<Run> run = {};
  std::int64_t outbox = 0;  ///< Set by Hub::publish and by outbox tickets.
  /// The payload says everything up to `run`, so it is sent although other events of the run are
  /// missing, and dropped only when the socket is further already (keyframes).
  bool keyframe = false;
  /// Binary frames that go with the payload, which names them `{"_placeholder":true,"num":n}`.
  /// At most 16; only for events without an origin.
  std::vector<std::string> attachments = {};

  /// An event of the catalogue. `payload` must be an object or an array: a client with recovery on
  /// takes a trailing string for an offset.
  static Event of(std::string name, const json::Value& payload);
  static Event of_run(const json::Value& payload, Run run);
  bool replayable() const { return run.has_value() || outbox > 0; }
};

}  // namespace antiphon::realtime

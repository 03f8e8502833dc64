#pragma once

#include <functional>
#include <string>

#include "features/chats/chats.h"
#include "features/chats/unread.h"

namespace antiphon::realtime {
class Hub;
}

namespace antiphon::chats {

struct LiveParts {
  realtime::Hub& hub;
  const Guard& guard;
  Unread& unread;
  /// The name people see; "" when the user is gone.
  std::function<Task<std::string>(UserId)> name_of;
};

/// Handles `events:chat` (chat-flow.md §1.2): entering and leaving the room of a chat one may read, who
/// is there, who types, and what has been read. Before Hub::start. Everything in `parts` outlives the
/// hub.
void add_live(const LiveParts& parts);

/// The answer for realtime::Rules::may_join: rooms `chat:{id}` of chats the caller may read, no other.
Task<bool> may_join(const Guard& guard, Caller caller, std::string room);

}  // namespace antiphon::chats

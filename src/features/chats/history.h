#pragma once

#include <string>
#include <vector>

#include "features/chats/dto.h"
#include "json/text.h"

namespace antiphon::chats {

/// The tree of messages in a client's chat JSON, checked (row 120). Pure.
struct History {
  static constexpr std::size_t kMaxMessages = 20'000;  ///< In one write.

  struct Entry {
    Message message;            ///< `position` counts among those of the same parent.
    const json::Value* client;  ///< As it came.
  };
  std::vector<Entry> entries;  ///< Parents before their children, siblings in order.
  std::string current;         ///< As the client says; "" when it does not.
  std::string leaf;            ///< The end of the branch that `current` is on; "" when it is not there.

  /// `chat` must outlive it. Throws a Problem for circles and for more, or larger messages, than one
  /// write may hold. A parent that is not among the messages stays named.
  static History read(const json::Value& chat, const std::string& chat_id, const std::string& user_id);
  std::vector<std::string> ids() const;
};

}  // namespace antiphon::chats

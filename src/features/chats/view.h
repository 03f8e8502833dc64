#pragma once

#include "features/chats/chats.h"
#include "runs/runs.h"

namespace antiphon::chats {

/// What clients read of a chat: its rows, with answers that are being written shown as far as the log
/// has them.
class View {
 public:
  View(const Chats& chats, const runs::Runs& runs) : chats_(chats), runs_(runs) {}

  /// Open WebUI's ChatResponse, with the whole history.
  Task<json::Value> whole(const Chat& chat) const;
  Task<json::Value> whole(std::string chat_id) const;
  /// The last `limit` messages of one branch: what opening a chat shows. Siblings are named, so that a
  /// client can offer the other branches. Costs what the branch costs, whatever the chat holds.
  Task<json::Value> branch(const Chat& chat, std::optional<std::string> leaf, std::int64_t limit) const;

 private:
  Task<> overlay(const std::string& chat_id, std::vector<Message>& messages) const;
  const Chats& chats_;
  const runs::Runs& runs_;
};

/// ChatResponse with `chat` as given.
json::Object response_of(const Chat& chat, json::Value content);

}  // namespace antiphon::chats

#pragma once

#include "features/chats/chats.h"
#include "runs/runs.h"

namespace antiphon::chats {

/// What clients read of a chat: its rows, with answers that are being written shown as far as the log
/// has them.
class View {
 public:
  View(const Chats& chats, const runs::Runs& runs) : chats_(chats), runs_(runs) {}

  static constexpr std::int64_t kSiblings = 50;  ///< Named to either side of a message.

  /// Open WebUI's ChatResponse, with the whole history.
  Task<json::Value> whole(const Chat& chat) const;
  /// Null when it is gone.
  Task<json::Value> whole(std::string chat_id) const;
  /// The last `limit` messages of one branch: what opening a chat shows. The messages beside each are
  /// named (`siblings`, with `siblingIndex` from 0 and `siblingCount`), so that a client can offer the
  /// other branches. Costs what the branch and its siblings' ids cost, whatever the chat holds.
  Task<json::Value> branch(const Chat& chat, std::optional<std::string> leaf, std::int64_t limit) const;
  /// All messages, or those of the branch that ends in `leaf`.
  Task<std::vector<Message>> messages(const Chat& chat, const std::optional<std::string>& leaf) const;

 private:
  Task<> overlay(const std::string& chat_id, std::vector<Message>& messages) const;
  const Chats& chats_;
  const runs::Runs& runs_;
};

/// ChatResponse with `chat` as given.
json::Object response_of(const Chat& chat, json::Value content);

}  // namespace antiphon::chats

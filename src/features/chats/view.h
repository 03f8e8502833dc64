#pragma once

#include "features/chats/chats.h"
#include "features/chats/routes_dto.h"
#include "runs/runs.h"

namespace antiphon::chats {

/// What clients read of a chat: its rows, with answers that are being written shown as far as the log
/// has them.
class View {
 public:
  View(const Chats& chats, const runs::Runs& runs) : chats_(chats), runs_(runs) {}

  /// Open WebUI's ChatResponse, with the whole history.
  Task<json::Value> whole(const Chat& chat) const;
  /// Null when it is gone.
  Task<json::Value> whole(std::string chat_id) const;
  /// The last `limit` messages of one branch: what opening a chat shows. Costs what these cost and a
  /// look into the index for what is beside each, whatever the chat holds.
  ///
  ///     branch: {messages: […], beside: […], places: {id: {index, count, previous, next}}, leaf,
  ///     complete}
  ///
  /// `beside` are the messages Chats::beside() adds; `places` names, of all of these, those that have
  /// alternatives. `complete`: the first message is the chat's first.
  Task<json::Value> branch(const Chat& chat, const BranchQuery& query) const;
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

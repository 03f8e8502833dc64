#pragma once

#include <optional>
#include <string>
#include <vector>

#include "auth/grants.h"
#include "features/chats/chats.h"
#include "features/chats/sidebar.h"

namespace antiphon::chats {

/// A snapshot that others may read by its link, if a grant lets them.
struct SharedChat {
  static constexpr std::string_view kKind = "shared_chat";

  std::string id;
  std::string chat_id;
  std::string user_id;
  std::string title;
  json::Value chat;
  std::optional<std::string> share_mode;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(SharedChat, id, chat_id, user_id, title, chat, share_mode, created_at, updated_at)

/// Chats shared by link. The link leads to a copy made when it was shared, so later messages stay
/// private; and it opens for nobody but the owner until grants say for whom.
class Sharing {
 public:
  Sharing(store::Db& db, const auth::Grants& grants) : db_(db), grants_(grants) {}

  /// Makes the link, or refreshes what it shows. `messages` are the chat's.
  Task<std::string> share(const Chat& chat, const std::vector<Message>& messages);
  /// Takes link and grants away. False when there was none.
  Task<bool> unshare(const Chat& chat);
  /// All of the owner's links; part of a transaction.
  Task<> unshare_all(store::Connection& c, const UserId& owner);
  Task<std::optional<SharedChat>> find(std::string share_id) const;
  /// Newest first unless ordered otherwise; `chat` is left null. At most Sidebar::kPage, without a page
  /// Sidebar::kMost.
  Task<std::vector<SharedChat>> of_user(const UserId& owner, std::optional<std::int64_t> page,
                                        std::string query, Order order) const;

  /// Whether the caller may open the link: its owner, whom a grant names, and anybody at all where it
  /// is open to anyone.
  Task<bool> may_open(const Caller& who, const SharedChat& shared) const;
  Task<std::vector<auth::GrantView>> access(const Chat& chat) const;
  /// Replaces the grants. Throws 403 for those the owner may not give, 400 for what is no grant.
  Task<> set_access(const User& me, const Chat& chat, std::vector<auth::Grant> grants);

 private:
  store::Db& db_;
  const auth::Grants& grants_;
};

}  // namespace antiphon::chats

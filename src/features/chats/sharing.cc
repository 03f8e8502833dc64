#include "features/chats/sharing.h"

#include <boost/json.hpp>

#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/chats/attached.h"
#include "features/chats/lists.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(SharedChat)

namespace {

using store::Sql;

auth::Resource resource(const std::string& share_id) {
  return {SharedChat::kKind, share_id};
}

/// What a stranger sees: the words, not how the owner had the model set up.
json::Value snapshot_of(const Chat& chat, const std::vector<Message>& messages) {
  json::Object out = Chats::assemble(chat, messages);
  for (std::string_view own : kOwnersMembers) out.erase(own);
  out["params"] = json::Object();
  out["share_mode"] = nullptr;
  return out;
}

}  // namespace

Task<std::string> Sharing::share(const Chat& chat, const std::vector<Message>& messages) {
  static constexpr Sql kInsert{"chats.share", R"(
      INSERT INTO shared_chat (id, chat_id, user_id, title, chat, share_mode, created_at, updated_at, file_ids)
      VALUES ($1, $2, $3, $4, $5, NULL, $6, $6, $7)
      ON CONFLICT (id) DO UPDATE SET title = excluded.title, chat = excluded.chat, updated_at = excluded.updated_at,
                                     file_ids = excluded.file_ids)"};
  static constexpr Sql kMark{"chats.mark_shared", "UPDATE chat SET share_id = $2 WHERE id = $1"};
  json::Value snapshot = snapshot_of(chat, messages);
  std::optional<std::string> files = file_ids_of(messages);
  std::string id;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto now = co_await Chats::lock(c, chat.id.value);
    if (!now) throw not_found("Chat");
    id = now->share_id.value_or(uuid4());
    co_await c.run(kInsert, id, chat.id, chat.user_id, chat.title, snapshot, unix_seconds(), files);
    co_await c.run(kMark, chat.id, id);
  });
  co_return id;
}

Task<bool> Sharing::unshare(const Chat& chat) {
  static constexpr Sql kDelete{"chats.unshare", "DELETE FROM shared_chat WHERE id = $1"};
  static constexpr Sql kMark{"chats.mark_unshared", "UPDATE chat SET share_id = NULL WHERE id = $1"};
  if (!chat.share_id) co_return true;  // As it was asked for.
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await c.run(kDelete, *chat.share_id);
    co_await c.run(kMark, chat.id);
    co_await grants_.set(c, resource(*chat.share_id), {});
  });
  co_return true;
}

Task<> Sharing::unshare_all(store::Connection& c, const UserId& owner) {
  static constexpr Sql kIds{"chats.shared_ids",
                            "SELECT id AS value FROM shared_chat WHERE user_id = $1"};
  static constexpr Sql kDelete{"chats.unshare_all", "DELETE FROM shared_chat WHERE user_id = $1"};
  static constexpr Sql kMark{
      "chats.mark_all_unshared",
      "UPDATE chat SET share_id = NULL WHERE user_id = $1 AND share_id IS NOT NULL"};
  auto ids = co_await c.all<TextRow>(kIds, owner);
  co_await c.run(kDelete, owner);
  co_await c.run(kMark, owner);
  for (const TextRow& id : ids) co_await grants_.set(c, resource(id.value), {});
}

Task<std::optional<SharedChat>> Sharing::find(std::string share_id) const {
  static constexpr Sql kShared{"chats.shared", R"(
      SELECT id, chat_id, user_id, title, chat, share_mode, created_at, updated_at FROM shared_chat WHERE id = $1)"};
  co_return co_await db_.first<SharedChat>(kShared, share_id);
}

Task<std::vector<SharedChat>> Sharing::of_user(const UserId& owner, std::optional<std::int64_t> page,
                                               std::string query, Order order) const {
#define ANTIPHON_SHARED(int)                                                                 \
  "SELECT s.id, s.chat_id, s.user_id, s.title, 'null' AS chat, s.share_mode, s.created_at, " \
  "s.updated_at"                                                                             \
  "  FROM shared_chat s JOIN chat ON chat.id = s.chat_id"                                    \
  " WHERE s.user_id = $1 AND chat.title_folded LIKE $2 ESCAPE '\\'" ANTIPHON_ORDER(          \
      "$5" int, "$6" int, "s.") " LIMIT $3 OFFSET $4"
  static constexpr Sql kShared{"chats.shared_by", ANTIPHON_SHARED(""), ANTIPHON_SHARED("::int")};
  Page p = page_of(page);
  co_return co_await db_.all<SharedChat>(kShared, owner, like_folded(query), p.size, p.offset,
                                         static_cast<int>(order.by), order.descending);
}

Task<bool> Sharing::may_open(const Caller& who, const SharedChat& shared) const {
  bool known = who.via != Caller::Via::nothing && who.role != Role::pending;
  if (known && who.id.value == shared.user_id) co_return true;
  if (known) {
    User user;
    static_cast<Caller&>(user) = who;
    if (co_await grants_.may(user, resource(shared.id), Right::read)) co_return true;
  }
  co_return co_await grants_.open_to_anyone(resource(shared.id));
}

Task<std::vector<auth::GrantView>> Sharing::access(const Chat& chat) const {
  if (!chat.share_id) co_return std::vector<auth::GrantView>{};
  co_return co_await grants_.list(resource(*chat.share_id));
}

Task<> Sharing::set_access(const User& me, const Chat& chat, std::vector<auth::Grant> wanted) {
  std::vector<auth::Grant> existing;
  for (const auth::GrantView& g : co_await access(chat))
    existing.push_back({g.principal_type, g.principal_id, g.permission});
  for (const auth::Grant& g : wanted)
    if (g.permission != "read")
      throw Problem(Problem::Kind::invalid, "A shared chat can be read, not written, by others.");
  auto grants =
      co_await grants_.allowed(me, "chats", std::move(wanted), auth::Disallowed::refuse, existing);
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await grants_.set(c, resource(*chat.share_id), grants);
  });
}

}  // namespace antiphon::chats

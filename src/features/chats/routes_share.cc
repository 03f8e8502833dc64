#include <boost/json.hpp>

#include "base/problem.h"
#include "features/chats/described.h"
#include "features/chats/routes_base.h"
#include "http/described.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(ShareForm)
ANTIPHON_DTO_DEFINE(AccessForm)

namespace {

using http::answering;

void refuse_mode(const std::optional<std::string>& mode) {
  if (mode && !mode->empty())
    throw Problem(Problem::Kind::invalid,
                  "Others cannot continue a shared chat here; they can clone it.");
}

json::Value grant_view(const auth::GrantView& g) {
  return json::Object{{"id", g.id},
                      {"principal_type", g.principal_type},
                      {"principal_id", g.principal_id},
                      {"permission", g.permission}};
}

User user_of(const Caller& who) {
  User me;
  static_cast<Caller&>(me) = who;
  return me;
}

struct Shares : RouteBase {
  Task<json::Value> share(const User& me, Owned chat, Body<ShareForm> form) {
    co_await require(me, "chat.share");
    refuse_mode(form.share_mode);
    co_await p.sharing.share(*chat, co_await view().messages(*chat, std::nullopt));
    co_return co_await changed(me, chat->id.value);
  }
  Task<bool> unshare(const User&, Owned chat) { co_return co_await p.sharing.unshare(*chat); }
  Task<bool> unshare_all(const User& me) {
    co_await p.db.transact(
        [&](store::Connection& c) -> Task<> { co_await p.sharing.unshare_all(c, me.id); });
    co_return true;
  }
  /// A link that is missing and one that does not open for the caller look the same (row 69).
  Task<SharedChat> opened(const Caller& who, std::string share_id) {
    auto snapshot = co_await p.sharing.find(share_id);
    if (!snapshot) co_return co_await overseen(who, std::move(share_id));
    if (!oversees(who) && !co_await p.sharing.may_open(who, *snapshot))
      throw not_found("Chat").answering(401);
    co_return std::move(*snapshot);
  }
  bool oversees(const Caller& who) const {
    return who.via != Caller::Via::nothing && p.guard.admin_access(user_of(who));
  }
  /// Administrators' pages name chats that were never shared, by their own ids.
  Task<SharedChat> overseen(const Caller& who, std::string chat_id) {
    if (!oversees(who)) throw not_found("Chat").answering(401);
    auto chat = co_await p.guard.look(user_of(who), std::move(chat_id));
    co_return SharedChat{.id = chat->id.value,
                         .chat_id = chat->id.value,
                         .user_id = chat->user_id,
                         .title = chat->title,
                         .chat = Chats::assemble(*chat, co_await view().messages(*chat, std::nullopt)),
                         .created_at = chat->created_at,
                         .updated_at = chat->updated_at};
  }
  Task<json::Value> show(Anyone who, std::string share_id) {
    if (oversees(who.caller) && !co_await p.sharing.find(share_id))
      co_return co_await view().whole(
          (co_await p.guard.look(user_of(who.caller), std::move(share_id)))->id.value);
    SharedChat snapshot = co_await opened(who.caller, std::move(share_id));
    Chat chat;
    chat.id = {snapshot.id};
    chat.user_id = snapshot.user_id;
    chat.title = snapshot.title;
    chat.created_at = snapshot.created_at;
    chat.updated_at = snapshot.updated_at;
    chat.share_id = snapshot.id;
    co_return response_of(chat, snapshot.chat);
  }
  Task<json::Value> clone(const User& me, std::string share_id) {
    co_await require(me, "chat.import");
    SharedChat snapshot = co_await opened(me, std::move(share_id));
    json::Object chat = snapshot.chat.is_object() ? snapshot.chat.as_object() : json::Object();
    chat.erase("share_mode");
    chat["title"] = "Clone of " + snapshot.title;
    chat["originalChatId"] = snapshot.id;
    co_return co_await changed(me,
                               co_await p.editor.create(me.id, {.chat = std::move(chat), .meta = {}}));
  }
  Task<json::Value> list(const User& me, Query<ListQuery> q) {
    json::Array out;
    for (const SharedChat& s : co_await p.sharing.of_user(me.id, q.page, q.query.value_or(""),
                                                          Order::parse(q.order_by, q.direction)))
      out.push_back(json::Object{{"id", s.chat_id},
                                 {"chat_id", s.chat_id},
                                 {"title", s.title},
                                 {"share_id", s.id},
                                 {"updated_at", s.updated_at},
                                 {"created_at", s.created_at}});
    co_return out;
  }
};

/// Who may open the link. 404 for chats that are not the caller's, and for those not shared.
struct Audience : RouteBase {
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    co_return co_await p.guard.own(me, std::move(id), 404);
  }
  Task<json::Value> show(const User&, Owned chat) {
    json::Array out;
    for (const auth::GrantView& g : co_await p.sharing.access(*chat)) out.push_back(grant_view(g));
    co_return out;
  }
  Task<json::Value> change(const User& me, Owned chat, Body<AccessForm> form) {
    refuse_mode(form.share_mode);
    if (!chat->share_id) throw not_found("Shared chat");
    co_await p.sharing.set_access(me, *chat, form.access_grants);
    co_return co_await changed(me, chat->id.value);
  }
};

}  // namespace

void add_share_routes(http::Router& r, const RouteParts& parts) {
  Shares api{{parts}};
  Audience audience{{parts}};
  auto on = [&](std::string_view method, std::string_view path, Cost cost, http::Endpoint e) {
    r.on(std::string(method) + " " + std::string(kRoutes) + std::string(path), cost, std::move(e));
  };
  on("GET", "/shared", Cost::read, bind<&Shares::list>(api));
  on("DELETE", "/share/all", Cost::write, bind<&Shares::unshare_all>(api));
  on("GET", "/share/{share_id}", Cost::read, answering<ChatReply>(bind<&Shares::show>(api)));
  on("GET", "/shared/{id}/access", Cost::read,
     answering<std::vector<ShareGrant>>(bind<&Audience::show>(audience)));
  on("POST", "/shared/{id}/access/update", Cost::write,
     answering<ChatReply>(bind<&Audience::change>(audience)));
  on("POST", "/{id}/clone/shared", Cost::write_heavy, answering<ChatReply>(bind<&Shares::clone>(api)));
  on("POST", "/{id}/share", Cost::write_heavy, answering<ChatReply>(bind<&Shares::share>(api)));
  on("DELETE", "/{id}/share", Cost::write, bind<&Shares::unshare>(api));
}

}  // namespace antiphon::chats

#include "features/chats/routes.h"

#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"
#include "features/chats/routes_dto.h"
#include "features/chats/view.h"
#include "http/bind.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(ListQuery)
ANTIPHON_DTO_DEFINE(SearchForm)
ANTIPHON_DTO_DEFINE(ChatForm)
ANTIPHON_DTO_DEFINE(ImportForm)
ANTIPHON_DTO_DEFINE(ImportsForm)
ANTIPHON_DTO_DEFINE(MessageForm)
ANTIPHON_DTO_DEFINE(EventForm)
ANTIPHON_DTO_DEFINE(ForkForm)
ANTIPHON_DTO_DEFINE(CloneForm)
ANTIPHON_DTO_DEFINE(ShareForm)
ANTIPHON_DTO_DEFINE(FolderIdForm)
ANTIPHON_DTO_DEFINE(TagForm)
ANTIPHON_DTO_DEFINE(TagFilter)
ANTIPHON_DTO_DEFINE(BranchQuery)

namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;

constexpr http::Options kWholeChat{.body_limit = 64 << 20};
using Titles = std::vector<ChatTitle>;

struct Api {
  RouteParts p;

  /// The object and the right to it, by this feature's one guard.
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    if constexpr (G::right == Right::read)
      co_return co_await p.guard.read(me, std::move(id));
    else if constexpr (G::right == Right::write)
      co_return co_await p.guard.write(me, std::move(id));
    else
      co_return co_await p.guard.own(me, std::move(id));
  }
  using Readable = Granted<Chat, Right::read>;
  using Writable = Granted<Chat, Right::write>;
  using Owned = Granted<Chat, Right::own>;

  Task<json::Value> shown(std::string id) { co_return co_await View(p.chats, p.runs).whole(std::move(id)); }
  Task<json::Value> changed(const User& me, std::string id) {
    p.changed(me.id, id);
    co_return co_await shown(std::move(id));
  }
  Task<> require(const User& me, std::string_view permission) {
    if (!co_await p.permitted(me, permission))
      throw Problem(Problem::Kind::forbidden, "You do not have permission for this. Ask an administrator.").answering(401);
  }
  Task<> require_folder(const User& me, const std::optional<std::string>& folder) {
    if (folder && !co_await p.owns_folder(me, *folder)) throw not_found("Folder").answering(403);  // row 65
  }

  // --- lists ---
  Task<Titles> list(const User& me, Query<ListQuery> q) {
    co_return co_await p.sidebar.recent(me.id.value, q.page, q.include_pinned, q.include_folders,
                                        Order::parse(q.sort_by, q.sort_dir));
  }
  Task<Titles> pinned(const User& me) { co_return co_await p.sidebar.pinned(me.id.value); }
  Task<Titles> archived(const User& me, Query<ListQuery> q) {
    co_return co_await p.sidebar.archived(me.id.value, q.page, q.query.value_or(""),
                                          Order::parse(q.order_by, q.direction));
  }
  Task<std::int64_t> archived_count(const User& me) { co_return co_await p.sidebar.count_archived(me.id.value); }
  Task<Titles> search(const User& me, Query<SearchForm> q) {
    co_return co_await p.sidebar.search(me.id.value, SearchQuery::parse(q.text), q.page.value_or(1));
  }
  Task<Titles> folder_list(const User& me, std::string folder, Query<ListQuery> q) {
    co_return co_await p.sidebar.in_folder(me.id.value, folder, q.page.value_or(1), 10,
                                           Order::parse(q.sort_by, q.sort_dir));
  }
  Task<json::Value> folder_chats(const User& me, std::string folder) {
    json::Array out;
    for (const ChatTitle& title : co_await p.sidebar.in_folder(me.id.value, folder, 1, 200, {}))
      out.push_back(co_await shown(title.id));
    co_return out;
  }
  Task<Titles> tagged(const User& me, Body<TagFilter> filter) {
    auto q = SearchQuery::parse("tag:" + filter.name);
    co_return q.tags.empty() ? Titles()
                             : co_await p.sidebar.tagged(me.id.value, q.tags.front(), filter.skip.value_or(0),
                                                         filter.limit.value_or(50));
  }
  Task<std::vector<Tag>> tags(const User& me) { co_return co_await p.sidebar.tags(me.id.value); }

  /// Every chat of the caller, one JSON object a line: an export that never holds more than one.
  Task<> export_all(const User& me, http::Call& call) {
    co_await call.stream.begin({.type = "application/x-ndjson"});
    for (std::int64_t page = 1;; ++page) {
      auto titles = co_await p.sidebar.recent(me.id.value, page, true, true, {});
      for (const ChatTitle& title : titles)
        co_await call.stream.write(json::serialize(co_await shown(title.id)) + "\n");
      if (titles.size() < Sidebar::kPage) break;
    }
    for (const ChatTitle& title : co_await p.sidebar.archived(me.id.value, {}, "", {}))
      co_await call.stream.write(json::serialize(co_await shown(title.id)) + "\n");
  }

  // --- one chat ---
  Task<json::Value> create(const User& me, Body<ChatForm> form) {
    co_await require_folder(me, form.folder_id);
    std::string id = co_await p.editor.create(
        me.id, {.chat = form.chat, .folder_id = form.folder_id, .variables = form.variables, .meta = {}});
    co_return co_await changed(me, id);
  }
  Task<json::Value> import_chats(const User& me, Body<ImportsForm> form) {
    co_await require(me, "chat.import");
    if (form.chats.size() > 1000) throw Problem(Problem::Kind::too_large, "Import at most 1000 chats at once");
    json::Array out;
    for (const ImportForm& one : form.chats) {
      co_await require_folder(me, one.folder_id);
      ChatDraft draft{one.chat,           one.folder_id,         one.variables,
                      one.meta.value_or(json::Object()), one.pinned.value_or(false), one.archived.value_or(false),
                      one.created_at,     one.updated_at};
      out.push_back(co_await shown(co_await p.editor.create(me.id, draft)));
    }
    p.changed(me.id, "");
    co_return out;
  }
  Task<json::Value> show(const User&, Readable chat) { co_return co_await View(p.chats, p.runs).whole(*chat); }
  Task<json::Value> branch(const User&, Readable chat, Query<BranchQuery> q) {
    co_return co_await View(p.chats, p.runs).branch(*chat, q.leaf, q.limit);
  }
  Task<json::Value> update(const User& me, Writable chat, Body<ChatForm> form) {
    co_await p.editor.merge(*chat, form.chat);
    co_return co_await changed(me, chat->id.value);
  }
  Task<json::Value> params(const User&, Writable chat, json::Value params) {
    co_await p.editor.merge_params(*chat, params);
    auto now = co_await p.chats.find(chat->id.value);
    const json::Object* have = now ? json::object_at(now->data, "params") : nullptr;
    co_return have ? json::Value(*have) : json::Value(json::Object());
  }
  /// Checked before anything is touched, a running answer above all (row 59); foreign and missing: 404.
  Task<bool> remove(const User& me, std::string id) {
    co_await require(me, "chat.delete");
    auto chat = co_await p.chats.find(id);
    if (!chat || chat->user_id != me.id.value) throw not_found("Chat");
    (void)co_await p.runs.cancel_chat(id);
    co_await p.editor.remove(id);
    p.changed(me.id, id);
    co_return true;
  }
  Task<bool> remove_all(const User& me) {
    co_await require(me, "chat.delete");
    for (const runs::RunRow& run : co_await p.runs.live_of_user(me.id.value)) (void)co_await p.runs.cancel(run.run_id);
    co_await p.editor.remove_all(me.id);
    p.changed(me.id, "");
    co_return true;
  }
  Task<json::Value> edit_message(const User& me, Writable chat, std::string id, Body<MessageForm> form) {
    if (form.content && form.content->size() > (1 << 20))
      throw Problem(Problem::Kind::too_large, "A message may hold at most 1 MiB of text");
    if (form.content && !co_await p.editor.edit_message(*chat, id, *form.content))
      throw Problem(Problem::Kind::conflict, "There is no such message, or it is still being written");
    json::Value content = form.content ? json::Value(*form.content) : json::Value(nullptr);
    p.emit(me.id, json::Object{{"chat_id", chat->id.value},
                               {"message_id", id},
                               {"data", json::Object{{"type", "chat:message"},
                                                     {"data", json::Object{{"chat_id", chat->id.value},
                                                                           {"message_id", id},
                                                                           {"content", content}}}}}});
    co_return co_await changed(me, chat->id.value);
  }
  Task<json::Value> delete_message(const User& me, Writable chat, std::string id) {
    if (!co_await p.editor.delete_message(*chat, id))
      throw Problem(Problem::Kind::conflict, "There is no such message, or it is still being written");
    co_return co_await changed(me, chat->id.value);
  }
  Task<bool> event(const User& me, Writable chat, std::string id, Body<EventForm> form) {
    // What a client may tell its own other windows; never something that runs there (row 31).
    for (std::string_view refused : {"execute", "request:", "confirmation", "input", "terminal"})
      if (form.type.starts_with(refused)) throw Problem(Problem::Kind::invalid, "This event cannot be sent by clients");
    p.emit(me.id, json::Object{{"chat_id", chat->id.value},
                               {"message_id", id},
                               {"data", json::Object{{"type", form.type}, {"data", form.data}}}});
    co_return true;
  }
  Task<json::Value> is_pinned(const User&, Readable chat) { co_return json::Value(chat->pinned); }
  Task<json::Value> pin(const User& me, Owned chat) {
    co_await p.editor.set_flags(chat->id.value, !chat->pinned, chat->archived);
    co_return co_await changed(me, chat->id.value);
  }
  Task<json::Value> archive(const User& me, Owned chat) {
    co_await p.editor.set_flags(chat->id.value, chat->pinned, !chat->archived);
    co_return co_await changed(me, chat->id.value);
  }
  Task<bool> archive_all(const User& me) { co_return co_await set_archived(me, true); }
  Task<bool> unarchive_all(const User& me) { co_return co_await set_archived(me, false); }
  Task<bool> set_archived(const User& me, bool archived) {
    co_await p.editor.set_all_archived(me.id, archived);
    p.changed(me.id, "");
    co_return true;
  }
  Task<json::Value> fork(const User& me, Readable chat, json::Value form) {
    std::optional<std::string> leaf;
    if (auto id = json::text_at(form, "message_id"); !id.empty()) leaf = std::string(id);
    if (leaf && !co_await p.chats.message(chat->id.value, *leaf)) throw not_found("Message");
    json::Object meta{{"forked_from", chat->id.value}};
    if (leaf) meta["forked_from_message_id"] = *leaf;
    co_return co_await changed(me, co_await p.editor.copy(*chat, me.id, std::nullopt, leaf, std::move(meta)));
  }
  Task<json::Value> clone(const User& me, Readable chat, Body<CloneForm> form) {
    std::string title = form.title.value_or("Copy of " + chat->title).substr(0, 1000);
    co_return co_await changed(me, co_await p.editor.copy(*chat, me.id, title, {}, {}));
  }
  Task<json::Value> move(const User& me, Owned chat, Body<FolderIdForm> form) {
    co_await require_folder(me, form.folder_id);
    co_await p.editor.move(chat->id.value, form.folder_id);
    co_return co_await changed(me, chat->id.value);
  }
  Task<json::Value> unread(const User& me, Owned chat) {
    co_await p.editor.mark_read(chat->id.value, 0);
    p.changed(me.id, chat->id.value);
    co_return json::Object{{"chat_id", chat->id.value},
                           {"last_read_at", 0},
                           {"folder_id", chat->folder_id ? json::Value(*chat->folder_id) : json::Value(nullptr)},
                           {"folder_unread_counts", json::Object()}};
  }
  Task<std::vector<Tag>> tags_of(const User&, Readable chat) { co_return co_await p.sidebar.tags_of(chat->id.value); }
  Task<std::vector<Tag>> add_tag(const User&, Owned chat, Body<TagForm> form) {
    co_await p.editor.add_tag(*chat, form.name);
    co_return co_await p.sidebar.tags_of(chat->id.value);
  }
  Task<std::vector<Tag>> remove_tag(const User&, Owned chat, Body<TagForm> form) {
    co_await p.editor.remove_tag(*chat, form.name);
    co_return co_await p.sidebar.tags_of(chat->id.value);
  }

  // --- sharing ---
  Task<json::Value> share(const User& me, Owned chat) {
    co_await require(me, "chat.share");
    co_await p.editor.share(*chat, std::nullopt);
    co_return co_await changed(me, chat->id.value);
  }
  Task<bool> unshare(const User&, Owned chat) { co_return co_await p.editor.unshare(*chat); }
  Task<bool> unshare_all(const User& me) {
    co_await p.editor.unshare_all(me.id);
    co_return true;
  }
  /// Signed-in people only: links for everybody come with access grants. A missing link: 401.
  Task<json::Value> shared(const User&, std::string id) {
    auto snapshot = co_await p.editor.shared(std::move(id));
    if (!snapshot) throw not_found("Chat").answering(401);
    Chat chat;
    chat.id = {snapshot->id};
    chat.user_id = snapshot->user_id;
    chat.title = snapshot->title;
    chat.created_at = snapshot->created_at;
    chat.updated_at = snapshot->updated_at;
    chat.share_id = snapshot->id;
    chat.meta = json::Object();
    co_return response_of(chat, snapshot->chat);
  }
  Task<json::Value> clone_shared(const User& me, std::string id) {
    co_await require(me, "chat.import");
    auto snapshot = co_await p.editor.shared(std::move(id));
    if (!snapshot) throw not_found("Chat").answering(401);
    co_return co_await changed(me, co_await p.editor.create(me.id, {.chat = snapshot->chat, .meta = {}}));
  }
  Task<json::Value> shared_list(const User& me) {
    json::Array out;
    for (const SharedChat& s : co_await p.editor.shared_by(me.id))
      out.push_back(json::Object{{"id", s.chat_id},
                                 {"chat_id", s.chat_id},
                                 {"title", s.title},
                                 {"share_id", s.id},
                                 {"updated_at", s.updated_at},
                                 {"created_at", s.created_at}});
    co_return out;
  }
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  const std::string base = "/api/v1/chats";
  auto on = [&](std::string_view method, std::string_view path, Cost cost, http::Endpoint e, http::Options o = {}) {
    r.on(std::string(method) + " " + base + std::string(path), cost, std::move(e), o);
  };
  on("GET", "/", Cost::read, bind<&Api::list>(api));
  on("GET", "/list", Cost::read, bind<&Api::list>(api));
  on("GET", "/pinned", Cost::read, bind<&Api::pinned>(api));
  on("GET", "/archived", Cost::read, bind<&Api::archived>(api));
  on("GET", "/archived/count", Cost::read, bind<&Api::archived_count>(api));
  on("GET", "/search", Cost::search, bind<&Api::search>(api));
  on("GET", "/folder/{folder_id}", Cost::search, bind<&Api::folder_chats>(api));
  on("GET", "/folder/{folder_id}/list", Cost::read, bind<&Api::folder_list>(api));
  on("GET", "/all", Cost::search, bind<&Api::export_all>(api));
  on("GET", "/all/tags", Cost::read, bind<&Api::tags>(api));
  on("POST", "/tags", Cost::read, bind<&Api::tagged>(api));
  on("POST", "/new", Cost::write_heavy, bind<&Api::create>(api), kWholeChat);
  on("POST", "/import", Cost::write_heavy, bind<&Api::import_chats>(api), kWholeChat);
  on("DELETE", "/", Cost::write_heavy, bind<&Api::remove_all>(api));
  on("POST", "/archive/all", Cost::write_heavy, bind<&Api::archive_all>(api));
  on("POST", "/unarchive/all", Cost::write_heavy, bind<&Api::unarchive_all>(api));
  on("GET", "/shared", Cost::read, bind<&Api::shared_list>(api));
  on("DELETE", "/share/all", Cost::write, bind<&Api::unshare_all>(api));
  on("GET", "/share/{share_id}", Cost::read, bind<&Api::shared>(api));
  on("GET", "/{id}", Cost::read, bind<&Api::show>(api));
  on("GET", "/{id}/branch", Cost::read, bind<&Api::branch>(api));
  on("POST", "/{id}", Cost::write_heavy, bind<&Api::update>(api), kWholeChat);
  on("PATCH", "/{id}/params", Cost::write, bind<&Api::params>(api));
  on("DELETE", "/{id}", Cost::write, bind<&Api::remove>(api));
  on("POST", "/{id}/messages/{message_id}", Cost::write, bind<&Api::edit_message>(api), {.body_limit = 8 << 20});
  on("DELETE", "/{id}/messages/{message_id}", Cost::write, bind<&Api::delete_message>(api));
  on("POST", "/{id}/messages/{message_id}/event", Cost::write, bind<&Api::event>(api));
  on("GET", "/{id}/pinned", Cost::read, bind<&Api::is_pinned>(api));
  on("POST", "/{id}/pin", Cost::write, bind<&Api::pin>(api));
  on("POST", "/{id}/archive", Cost::write, bind<&Api::archive>(api));
  on("POST", "/{id}/fork", Cost::write_heavy, bind<&Api::fork>(api));
  on("POST", "/{id}/clone", Cost::write_heavy, bind<&Api::clone>(api));
  on("POST", "/{id}/clone/shared", Cost::write_heavy, bind<&Api::clone_shared>(api));
  on("POST", "/{id}/share", Cost::write_heavy, bind<&Api::share>(api));
  on("DELETE", "/{id}/share", Cost::write, bind<&Api::unshare>(api));
  on("POST", "/{id}/folder", Cost::write, bind<&Api::move>(api));
  on("POST", "/{id}/unread", Cost::write, bind<&Api::unread>(api));
  on("GET", "/{id}/tags", Cost::read, bind<&Api::tags_of>(api));
  on("POST", "/{id}/tags", Cost::write, bind<&Api::add_tag>(api));
  on("DELETE", "/{id}/tags", Cost::write, bind<&Api::remove_tag>(api));
}

}  // namespace antiphon::chats

#include "features/chats/routes.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"
#include "features/chats/described.h"
#include "features/chats/routes_base.h"
#include "http/described.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(ChatForm)
ANTIPHON_DTO_DEFINE(ImportForm)
ANTIPHON_DTO_DEFINE(ImportsForm)
ANTIPHON_DTO_DEFINE(MessageForm)
ANTIPHON_DTO_DEFINE(EventForm)
ANTIPHON_DTO_DEFINE(ForkForm)
ANTIPHON_DTO_DEFINE(CloneForm)
ANTIPHON_DTO_DEFINE(FolderIdForm)
ANTIPHON_DTO_DEFINE(TagForm)
ANTIPHON_DTO_DEFINE(BranchQuery)
ANTIPHON_DTO_DEFINE(BranchForm)
ANTIPHON_DTO_DEFINE(CompactForm)
ANTIPHON_DTO_DEFINE(ResolveForm)

Task<> RouteBase::require(const User& me, std::string_view permission) {
  if (!co_await p.permitted(me, permission))
    throw Problem(Problem::Kind::forbidden,
                  "You do not have permission for this. Ask an administrator.")
        .answering(401);
}

Task<> RouteBase::require_folder(const User& me, const std::optional<std::string>& folder) {
  if (folder && !co_await p.may_file(me, *folder)) throw not_found("Folder");  // row 65
}

void require_object(const json::Value& chat) {
  if (!chat.is_object())
    throw Problem(Problem::Kind::invalid, "body.chat: Input should be a valid dictionary")
        .with_detail_json(
            R"([{"type":"dict_type","loc":["body","chat"],"msg":"Input should be a valid dictionary","input":null}])")
        .answering(422);
}

namespace {

using http::answering;

constexpr std::string_view kBusy = "There is no such message, or it is still being written";

void check_length(const std::string& text) {
  if (text.size() > kMaxMessageText)
    throw Problem(Problem::Kind::too_large, "A message may hold at most 1 MiB of text");
}

json::Value event_of(const Chat& chat, const std::string& message_id, std::string_view type,
                     json::Value data) {
  return json::Object{{"chat_id", chat.id.value},
                      {"message_id", message_id},
                      {"data", json::Object{{"type", type}, {"data", std::move(data)}}}};
}

struct Api : RouteBase {
  Task<json::Value> create(const User& me, Body<ChatForm> form) {
    require_object(form.chat);
    co_await require_folder(me, form.folder_id);
    std::string id = co_await p.editor.create(
        me.id,
        {.chat = form.chat, .folder_id = form.folder_id, .variables = form.variables, .meta = {}});
    co_return co_await changed(me, id);
  }
  Task<json::Value> import_chats(const User& me, Body<ImportsForm> form) {
    co_await require(me, "chat.import");
    if (form.chats.size() > 1000)
      throw Problem(Problem::Kind::too_large, "Import at most 1000 chats at once");
    for (const ImportForm& one : form.chats) {
      require_object(one.chat);
      co_await require_folder(me, one.folder_id);
    }
    json::Array out;
    for (const ImportForm& one : form.chats) {
      ChatDraft draft{one.chat,
                      one.folder_id,
                      one.variables,
                      one.meta.value_or(json::Object()),
                      one.pinned.value_or(false),
                      one.archived.value_or(false),
                      one.created_at,
                      one.updated_at};
      out.push_back(co_await shown(co_await p.editor.create(me.id, draft)));
    }
    p.changed(me.id, "");
    co_return out;
  }
  Task<json::Value> update(const User& me, Writable chat, Body<ChatForm> form) {
    require_object(form.chat);
    co_await p.editor.merge(*chat, form.chat, co_await p.permitted(me, "chat.edit"));
    if (form.variables) co_await p.editor.set_variables(*chat, *form.variables);
    co_return co_await changed(me, chat->id.value);
  }
  Task<json::Value> params(const User&, Writable chat, json::Value params) {
    co_return co_await p.editor.merge_params(*chat, params);
  }
  Task<bool> remove_all(const User& me) {
    co_await require(me, "chat.delete");
    for (const runs::RunRow& run : co_await p.runs.live_of_user(me.id.value))
      (void)co_await p.runs.cancel(run.run_id);
    co_await p.db.transact([&](store::Connection& c) -> Task<> {
      co_await p.sharing.unshare_all(c, me.id);
      co_await Editor::remove_all(c, me.id);
    });
    p.changed(me.id, "");
    co_return true;
  }

  // --- messages ---
  Task<json::Value> edit_message(const User& me, Writable chat, std::string id,
                                 Body<MessageForm> form) {
    if (form.content) {
      co_await require(me, "chat.edit");
      check_length(*form.content);
      if (!co_await p.editor.edit_message(*chat, id, *form.content))
        throw Problem(Problem::Kind::conflict, std::string(kBusy));
      p.emit(me.id, event_of(*chat, id, "chat:message",
                             json::Object{{"chat_id", chat->id.value},
                                          {"message_id", id},
                                          {"content", *form.content}}));
    }
    if (form.voice) {
      if (!co_await p.editor.set_voice(*chat, id, *form.voice)) throw not_found("Message");
      p.emit(me.id,
             event_of(*chat, id, "chat:message:voice",
                      json::Object{
                          {"chat_id", chat->id.value}, {"message_id", id}, {"voice", *form.voice}}));
    }
    co_return co_await changed(me, chat->id.value);
  }
  Task<json::Value> delete_message(const User& me, Writable chat, std::string id) {
    co_await require(me, "chat.delete_message");
    if (!co_await p.editor.delete_message(*chat, id))
      throw Problem(Problem::Kind::conflict, std::string(kBusy));
    co_return co_await changed(me, chat->id.value);
  }
  Task<bool> event(const User& me, Writable chat, std::string id, Body<EventForm> form) {
    // What a client may tell its own other windows; never something that runs there (row 31).
    for (std::string_view refused : {"execute", "request:", "confirmation", "input", "terminal"})
      if (form.type.starts_with(refused))
        throw Problem(Problem::Kind::invalid, "This event cannot be sent by clients");
    co_await p.editor.keep_event(*chat, id, form.type, form.data);
    p.emit(me.id, json::Object{{"chat_id", chat->id.value},
                               {"message_id", id},
                               {"data", json::Object{{"type", form.type}, {"data", form.data}}}});
    co_return true;
  }
  /// Nothing ever waits: tools run without asking.
  Task<json::Value> resolve(const User&, Writable, std::string, Body<ResolveForm>) {
    throw Problem(Problem::Kind::not_found, "No tool call is waiting for an answer here.");
    co_return nullptr;
  }
  /// Chats are not compacted yet, whatever the setting says; the answer says so as upstream's does.
  Task<json::Value> compact(const User&, Writable, Body<CompactForm>) {
    co_return json::Object{{"ok", true},
                           {"compacted", false},
                           {"reason", p.settings.compaction() ? "unsupported" : "disabled"},
                           {"context_usage", nullptr}};
  }

  // --- its place ---
  Task<json::Value> is_pinned(const User&, Readable chat) { co_return json::Value(chat->pinned); }
  Task<json::Value> pin(const User& me, Owned chat) {
    co_await p.editor.set_pinned(chat->id.value, !chat->pinned);
    co_return co_await changed(me, chat->id.value);
  }
  Task<json::Value> archive(const User& me, Owned chat) {
    co_await p.editor.set_archived(chat->id.value, !chat->archived);
    co_return co_await changed(me, chat->id.value);
  }
  Task<bool> archive_all(const User& me) { co_return co_await set_archived(me, true); }
  Task<bool> unarchive_all(const User& me) { co_return co_await set_archived(me, false); }
  Task<bool> set_archived(const User& me, bool archived) {
    co_await p.editor.set_all_archived(me.id, archived);
    p.changed(me.id, "");
    co_return true;
  }
  Task<json::Value> move(const User& me, Owned chat, Body<FolderIdForm> form) {
    co_await require_folder(me, form.folder_id);
    co_await p.editor.move(chat->id.value, form.folder_id);
    co_return co_await changed(me, chat->id.value);
  }
  Task<std::vector<Tag>> add_tag(const User&, Owned chat, Body<TagForm> form) {
    co_await p.editor.add_tag(*chat, form.name);
    co_return co_await p.sidebar.tags_of(chat->id.value);
  }
  Task<std::vector<Tag>> remove_tag(const User&, Owned chat, Body<TagForm> form) {
    co_await p.editor.remove_tag(*chat, form.name);
    co_return co_await p.sidebar.tags_of(chat->id.value);
  }

  // --- copies ---
  Task<json::Value> clone(const User& me, Readable chat, Body<CloneForm> form) {
    co_await require(me, "chat.import");
    std::string title = form.title.value_or("Clone of " + chat->title);
    auto messages = co_await view().messages(*chat, std::nullopt);
    co_return co_await changed(
        me, co_await p.editor.copy(
                *chat, me.id, {std::move(title), std::move(messages), chat->current_message_id, {}}));
  }
};

/// What administrators, where they have access, do with chats of others too.
struct Open : RouteBase {
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    co_return co_await p.guard.look(me, std::move(id));
  }
  Task<json::Value> show(const User&, Readable chat) { co_return co_await view().whole(*chat); }
  Task<json::Value> branch(const User&, Readable chat, Query<BranchQuery> q) {
    co_return co_await view().branch(*chat, q);
  }
  /// Shows the branch through a message, and remembers it as the chat's current one for its owner.
  Task<json::Value> go_to(const User& me, Readable chat, Body<BranchForm> form) {
    if (chat->user_id == me.id.value) co_await p.editor.go_to(*chat, form.leaf);
    co_return co_await view().branch(*chat, {.leaf = form.leaf, .until = {}, .limit = form.limit});
  }
  Task<std::vector<Tag>> tags_of(const User&, Readable chat) {
    co_return co_await p.sidebar.tags_of(chat->id.value);
  }
  Task<json::Value> fork(const User& me, Readable chat, Body<ForkForm> form) {
    co_await require(me, "chat.import");
    std::optional<std::string> leaf = form.message_id ? form.message_id : chat->current_message_id;
    if (!leaf) throw Problem(Problem::Kind::invalid, "The chat has no messages to fork");
    auto messages = co_await view().messages(*chat, leaf);
    if (messages.empty()) throw not_found("Message");
    json::Object meta{{"forked_from", chat->id.value}, {"forked_from_message_id", *leaf}};
    co_return co_await changed(
        me, co_await p.editor.copy(
                *chat, me.id, {chat->title + " (fork)", std::move(messages), leaf, std::move(meta)}));
  }
};

/// Where upstream's clients expect 404 for a chat that is not theirs.
struct Hidden : RouteBase {
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    co_return co_await p.guard.administer(me, std::move(id), 404);
  }
  /// Everything is checked before anything is touched, a running answer above all (row 59).
  Task<bool> remove(const User& me, Owned chat) {
    co_await require(me, "chat.delete");
    (void)co_await p.runs.cancel_chat(chat->id.value);
    (void)co_await p.sharing.unshare(*chat);
    co_await p.editor.remove(chat->id.value);
    p.changed({chat->user_id}, chat->id.value);
    co_return true;
  }
  Task<json::Value> unread(const User& me, Owned chat) {
    if (!co_await p.unread.mark(me.id.value, chat->id.value, 0)) throw not_found("Chat");
    p.changed(me.id, chat->id.value);
    co_return json::Object{
        {"chat_id", chat->id.value},
        {"last_read_at", 0},
        {"folder_id", chat->folder_id ? json::Value(*chat->folder_id) : json::Value(nullptr)},
        {"folder_unread_counts", to_json(co_await p.unread.by_folder(me.id.value))}};
  }
};

}  // namespace

Task<> empty_folders(const RouteParts& p, const User& me, std::vector<std::string> folder_ids,
                     bool and_delete) {
  if (and_delete)
    for (const runs::RunRow& run : co_await p.runs.live_of_user(me.id.value)) {
      auto chat = co_await p.chats.find(run.chat_id);
      if (chat && chat->folder_id &&
          std::ranges::find(folder_ids, *chat->folder_id) != folder_ids.end())
        (void)co_await p.runs.cancel(run.run_id);
    }
  co_await p.editor.empty_folders(me.id, std::move(folder_ids), and_delete);
  p.changed(me.id, "");
}

Task<json::Object> chats_in_folder(const RouteParts& p, const User& me, std::string folder_id,
                                   folders::SharedQuery q) {
  std::optional<std::int64_t> page;
  if (q.page) page = *q.page;
  SharedTitles found = co_await p.sidebar.shared_in_folder(me.id.value, std::move(folder_id), page,
                                                           Order::parse(q.sort_by, q.sort_dir));
  json::Array chats;
  for (const SharedTitle& chat : found.chats) {
    json::Object line = json::parse_value(json::dump(chat)).as_object();
    line["readonly"] = chat.user_id != me.id.value;
    line["participants"] = json::Array{json::Object{{"id", chat.user_id}, {"name", chat.owner_name}}};
    chats.push_back(std::move(line));
  }
  json::Object out{{"chats", std::move(chats)}};
  if (page) {
    out["total"] = found.total;
    out["has_more"] = found.has_more;
  }
  co_return out;
}

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{{parts}};
  Open open{{parts}};
  Hidden hidden{{parts}};
  auto on = [&](std::string_view method, std::string_view path, Cost cost, http::Endpoint e,
                http::Options o = {}) {
    r.on(std::string(method) + " " + std::string(kRoutes) + std::string(path), cost, std::move(e), o);
  };
  add_list_routes(r, parts);
  add_share_routes(r, parts);
  on("POST", "/new", Cost::write_heavy, answering<ChatReply>(bind<&Api::create>(api)), kWholeChat);
  on("POST", "/import", Cost::write_heavy,
     answering<std::vector<ChatReply>>(bind<&Api::import_chats>(api)), kWholeChat);
  on("DELETE", "/", Cost::write_heavy, bind<&Api::remove_all>(api));
  on("POST", "/archive/all", Cost::write_heavy, bind<&Api::archive_all>(api));
  on("POST", "/unarchive/all", Cost::write_heavy, bind<&Api::unarchive_all>(api));
  on("GET", "/{id}", Cost::read, answering<ChatReply>(bind<&Open::show>(open)));
  on("GET", "/{id}/branch", Cost::read, answering<BranchReply>(bind<&Open::branch>(open)));
  on("POST", "/{id}/branch", Cost::write, answering<BranchReply>(bind<&Open::go_to>(open)));
  on("POST", "/{id}", Cost::write_heavy, answering<ChatReply>(bind<&Api::update>(api)), kWholeChat);
  on("PATCH", "/{id}/params", Cost::write, bind<&Api::params>(api));
  on("DELETE", "/{id}", Cost::write, bind<&Hidden::remove>(hidden));
  on("POST", "/{id}/messages/{message_id}", Cost::write,
     answering<ChatReply>(bind<&Api::edit_message>(api)), {.body_limit = 8 << 20});
  on("DELETE", "/{id}/messages/{message_id}", Cost::write,
     answering<ChatReply>(bind<&Api::delete_message>(api)));
  on("POST", "/{id}/messages/{message_id}/event", Cost::write, bind<&Api::event>(api));
  on("POST", "/{id}/messages/{message_id}/resolve", Cost::write, bind<&Api::resolve>(api));
  on("POST", "/{id}/compact", Cost::write, bind<&Api::compact>(api));
  on("GET", "/{id}/pinned", Cost::read, bind<&Api::is_pinned>(api));
  on("POST", "/{id}/pin", Cost::write, answering<ChatReply>(bind<&Api::pin>(api)));
  on("POST", "/{id}/archive", Cost::write, answering<ChatReply>(bind<&Api::archive>(api)));
  on("POST", "/{id}/fork", Cost::write_heavy, answering<ChatReply>(bind<&Open::fork>(open)));
  on("POST", "/{id}/clone", Cost::write_heavy, answering<ChatReply>(bind<&Api::clone>(api)));
  on("POST", "/{id}/folder", Cost::write, answering<ChatReply>(bind<&Api::move>(api)));
  on("POST", "/{id}/unread", Cost::write, bind<&Hidden::unread>(hidden));
  on("GET", "/{id}/tags", Cost::read, bind<&Open::tags_of>(open));
  on("POST", "/{id}/tags", Cost::write, bind<&Api::add_tag>(api));
  on("DELETE", "/{id}/tags", Cost::write, bind<&Api::remove_tag>(api));
}

}  // namespace antiphon::chats

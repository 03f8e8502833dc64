#include <boost/json.hpp>

#include "base/problem.h"
#include "features/folders/folders.h"
#include "http/bind.h"
#include "http/described.h"
#include "json/text.h"

namespace antiphon::folders {

struct FolderForm {
  std::string name;
  std::optional<json::Value> data, meta;
  std::optional<std::string> parent_id;
  json::Rest rest;  ///< Refused, as upstream does for these forms.
};
ANTIPHON_DTO(FolderForm, name, data, meta, parent_id, rest)
ANTIPHON_DTO_DEFINE(FolderForm)

struct FolderUpdate {
  std::optional<std::string> name;
  std::optional<json::Value> data, meta;
  json::Rest rest;
};
ANTIPHON_DTO(FolderUpdate, name, data, meta, rest)
ANTIPHON_DTO_DEFINE(FolderUpdate)

struct ParentForm {
  std::optional<std::string> parent_id;
};
ANTIPHON_DTO(ParentForm, parent_id)
ANTIPHON_DTO_DEFINE(ParentForm)

struct ExpandedForm {
  bool is_expanded;
};
ANTIPHON_DTO(ExpandedForm, is_expanded)
ANTIPHON_DTO_DEFINE(ExpandedForm)

struct FolderAccessForm {
  std::vector<auth::Grant> access_grants;
  std::optional<std::string> share_mode;
};
ANTIPHON_DTO(FolderAccessForm, access_grants, share_mode)
ANTIPHON_DTO_DEFINE(FolderAccessForm)
ANTIPHON_DTO_DEFINE(SharedQuery)

struct DeleteQuery {
  json::Flag<true> delete_contents;
};
ANTIPHON_DTO(DeleteQuery, delete_contents)
ANTIPHON_DTO_DEFINE(DeleteQuery)

/// What the routes answer, for OpenAPI.
struct FolderData {
  json::Defaulted<std::string> system_prompt;
  json::Rest rest;
};
ANTIPHON_DTO(FolderData, system_prompt, rest)
ANTIPHON_DTO_DEFINE(FolderData)

struct FolderReply {
  std::string id, user_id;
  std::optional<std::string> parent_id;
  std::string name;
  std::optional<json::Value> items;
  std::optional<FolderData> data;
  std::optional<json::Value> meta;
  bool is_expanded;
  std::int64_t created_at, updated_at;
  std::vector<auth::GrantView> access_grants;
  bool write_access;
};
ANTIPHON_DTO(FolderReply, id, user_id, parent_id, name, items, data, meta, is_expanded, created_at,
             updated_at, access_grants, write_access)
ANTIPHON_DTO_DEFINE(FolderReply)

struct FolderLine {
  std::string id;
  std::optional<std::string> parent_id;
  std::string name;
  std::optional<json::Value> meta;
  bool is_expanded;
  std::int64_t created_at, updated_at, unread_count;
};
ANTIPHON_DTO(FolderLine, id, parent_id, name, meta, is_expanded, created_at, updated_at, unread_count)
ANTIPHON_DTO_DEFINE(FolderLine)

struct SharedFolderLine : FolderLine {
  std::string user_id, owner_name, permission;
  std::optional<json::Value> items;
  std::optional<FolderData> data;
};
ANTIPHON_DTO_OF(SharedFolderLine, FolderLine, user_id, owner_name, permission, items, data)
ANTIPHON_DTO_DEFINE(SharedFolderLine)

struct Participant {
  std::string id, name;
};
ANTIPHON_DTO(Participant, id, name)
ANTIPHON_DTO_DEFINE(Participant)

struct FolderChat {
  std::string id, user_id, owner_name, title;
  std::int64_t updated_at, created_at;
  std::optional<std::int64_t> last_read_at;
  std::optional<std::string> snippet;
  bool active, archived, readonly;
  std::vector<Participant> participants;
};
ANTIPHON_DTO(FolderChat, id, user_id, owner_name, title, updated_at, created_at, last_read_at, snippet,
             active, archived, readonly, participants)
ANTIPHON_DTO_DEFINE(FolderChat)

struct FolderChats {
  std::vector<FolderChat> chats;
  json::Defaulted<std::int64_t> total;
  json::Flag<false> has_more;
  std::string folder_permission;
};
ANTIPHON_DTO(FolderChats, chats, total, has_more, folder_permission)
ANTIPHON_DTO_DEFINE(FolderChats)

namespace {

using http::answering;
using http::bind;
using http::Body;
using http::Cost;
using http::Query;

void refuse_unknown(const json::Rest& rest) {
  json::Faults faults;
  for (const auto& [key, value] : rest.members)
    faults.push_back({.type = "extra_forbidden",
                      .loc = json::serialize(json::Array{"body", key}),
                      .message = "Extra inputs are not permitted",
                      .input = json::serialize(value),
                      .context = {}});
  if (!faults.empty()) json::refuse(faults);
}

json::Object view(const Folder& f) {
  return {{"id", f.id},
          {"user_id", f.user_id},
          {"parent_id", f.parent_id ? json::Value(*f.parent_id) : json::Value(nullptr)},
          {"name", f.name},
          {"items", nullptr},
          {"data", f.data.value_or(nullptr)},
          {"meta", f.meta.value_or(nullptr)},
          {"is_expanded", f.is_expanded},
          {"created_at", f.created_at},
          {"updated_at", f.updated_at},
          {"access_grants", json::Array()},
          {"write_access", true}};
}

json::Value view(const auth::GrantView& g) {
  return json::Object{{"id", g.id},
                      {"resource_type", g.resource_type},
                      {"resource_id", g.resource_id},
                      {"principal_type", g.principal_type},
                      {"principal_id", g.principal_id},
                      {"permission", g.permission},
                      {"created_at", g.created_at}};
}

/// A line of a list.
json::Object line_of(const Folder& f, const std::map<std::string, std::int64_t>& unread) {
  json::Object line = view(f);
  for (std::string_view hidden : {"user_id", "items", "data", "access_grants", "write_access"})
    line.erase(hidden);
  line["unread_count"] = unread.contains(f.id) ? unread.at(f.id) : 0;
  return line;
}

struct Api {
  RouteParts p;
  using Readable = Granted<Folder, Right::read>;
  using Writable = Granted<Folder, Right::write>;
  using Owned = Granted<Folder, Right::own>;

  template <class G>
  Task<G> grant(const User& me, std::string id) {
    co_return co_await p.guard.grant<G::right>(me, std::move(id));
  }

  /// The folder as it is now, for whom it is shown to: where it lies and whom it is shared with is the
  /// owner's, and what a model is told is for those who may write.
  Task<json::Value> shown(const User& me, const Folder& folder) {
    auto right = co_await p.guard.right(me, folder);
    json::Object out = view(folder);
    out["write_access"] = right && *right >= Right::write;
    if (right == Right::own) {
      json::Array grants;
      for (const auth::GrantView& g : co_await p.folders.access(folder)) grants.push_back(view(g));
      out["access_grants"] = std::move(grants);
      co_return out;
    }
    out["parent_id"] = nullptr;
    if (right != Right::write) out["data"] = nullptr;
    co_return out;
  }

  Task<json::Value> shown_anew(const User& me, std::string id) {
    auto folder = co_await p.folders.find(std::move(id));
    if (!folder) throw not_found("Folder");
    co_return co_await shown(me, *folder);
  }

  Task<json::Value> list(const User& me) {
    co_await p.guard.require_feature(me);
    auto unread = co_await p.unread(me);
    json::Array out;
    for (const Folder& f : co_await p.folders.of_user(me.id)) out.push_back(line_of(f, unread));
    co_return out;
  }
  Task<json::Value> shared(const User& me) {
    co_await p.guard.require_feature(me);
    auto unread = co_await p.unread(me);
    json::Array out;
    for (const auto& [f, right] : co_await p.folders.shared_with(me)) {
      json::Object line = line_of(f, unread);
      line["user_id"] = f.user_id;
      line["owner_name"] = co_await p.name_of({f.user_id});
      line["permission"] = name_of(right);
      line["items"] = nullptr;
      line["data"] = right >= Right::write ? f.data.value_or(nullptr) : json::Value();
      line["parent_id"] = nullptr;
      line["is_expanded"] = false;
      out.push_back(std::move(line));
    }
    co_return out;
  }
  Task<json::Value> create(const User& me, Body<FolderForm> form) {
    co_await p.guard.require_feature(me);
    refuse_unknown(form.rest);
    co_return co_await shown_anew(
        me, co_await p.folders.create(me, form.name, form.parent_id, form.data, form.meta));
  }
  Task<json::Value> show(const User& me, Readable folder) { co_return co_await shown(me, *folder); }
  Task<json::Value> update(const User& me, Writable folder, Body<FolderUpdate> form) {
    refuse_unknown(form.rest);
    co_await p.folders.update(*folder, form.name, form.data, form.meta);
    co_return co_await shown_anew(me, folder->id);
  }
  Task<json::Value> move(const User& me, Owned folder, Body<ParentForm> form) {
    co_await p.folders.move(*folder, form.parent_id);
    co_return co_await shown_anew(me, folder->id);
  }
  Task<json::Value> expand(const User& me, Owned folder, Body<ExpandedForm> form) {
    co_await p.folders.expand(*folder, form.is_expanded);
    co_return co_await shown_anew(me, folder->id);
  }
  Task<json::Value> share(const User& me, Owned folder, Body<FolderAccessForm> form) {
    if (form.share_mode && !form.share_mode->empty())
      throw Problem(Problem::Kind::invalid,
                    "Others cannot continue the chats of a shared folder here; they can fork them.");
    co_await p.folders.set_access(me, *folder, form.access_grants);
    co_return co_await shown_anew(me, folder->id);
  }
  Task<json::Value> chats(const User& me, Readable folder, Query<SharedQuery> q) {
    auto right = co_await p.guard.right(me, *folder);
    json::Object out = co_await p.chats(me, folder->id, q);
    out["folder_permission"] = right && *right >= Right::write ? "write" : "read";
    co_return out;
  }
  /// The reader's own chats: in his own folder also in those below.
  Task<json::Value> read(const User& me, Readable folder) {
    std::vector<std::string> ids{folder->id};
    if (folder->user_id == me.id.value) ids = co_await p.folders.subtree(*folder);
    std::int64_t count = co_await p.read(me, ids);
    auto unread = co_await p.unread(me);
    json::Object counts;
    json::Array list;
    for (const std::string& id : ids) {
      counts[id] = unread.contains(id) ? unread.at(id) : 0;
      list.emplace_back(id);
    }
    co_return json::Object{{"folder_id", folder->id},
                           {"folder_ids", std::move(list)},
                           {"updated_count", count},
                           {"folder_unread_counts", std::move(counts)}};
  }
  Task<bool> remove(const User& me, Owned folder, Query<DeleteQuery> q) {
    if (q.delete_contents && !co_await p.permitted(me, "chat.delete"))
      throw Problem(Problem::Kind::forbidden,
                    "You may not delete chats. Delete the folder without its contents instead.");
    co_await p.empty(me, co_await p.folders.subtree(*folder), q.delete_contents);
    co_await p.folders.remove(*folder);
    co_return true;
  }
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  r.on("GET /api/v1/folders/", Cost::read, answering<std::vector<FolderLine>>(bind<&Api::list>(api)));
  r.on("POST /api/v1/folders/", Cost::write, answering<FolderReply>(bind<&Api::create>(api)));
  r.on("GET /api/v1/folders/shared", Cost::read,
       answering<std::vector<SharedFolderLine>>(bind<&Api::shared>(api)));
  r.on("GET /api/v1/folders/{id}", Cost::read, answering<FolderReply>(bind<&Api::show>(api)));
  r.on("POST /api/v1/folders/{id}/update", Cost::write,
       answering<FolderReply>(bind<&Api::update>(api)));
  r.on("POST /api/v1/folders/{id}/update/parent", Cost::write,
       answering<FolderReply>(bind<&Api::move>(api)));
  r.on("POST /api/v1/folders/{id}/update/expanded", Cost::write,
       answering<FolderReply>(bind<&Api::expand>(api)));
  r.on("POST /api/v1/folders/{id}/access/update", Cost::write,
       answering<FolderReply>(bind<&Api::share>(api)));
  r.on("GET /api/v1/folders/{id}/shared/chats", Cost::read,
       answering<FolderChats>(bind<&Api::chats>(api)));
  r.on("POST /api/v1/folders/{id}/read", Cost::write, bind<&Api::read>(api));
  r.on("DELETE /api/v1/folders/{id}", Cost::write_heavy, bind<&Api::remove>(api));
}

}  // namespace antiphon::folders

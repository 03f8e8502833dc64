#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "auth/grants.h"
#include "http/caller.h"
#include "http/granted.h"
#include "json/dto.h"
#include "json/text.h"
#include "store/db.h"

namespace antiphon::http {
class Router;
}

/// Folders of chats: a tree per user, each with an optional system prompt for the chats inside. A
/// folder can be shared: what others may do with it is Guard's to say.
namespace antiphon::folders {

struct Folder {
  static constexpr std::string_view kKind = "folder";

  std::string id;
  std::string user_id;
  std::optional<std::string> parent_id;
  std::string name;
  std::optional<json::Value> data;
  std::optional<json::Value> meta;
  bool is_expanded = false;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(Folder, id, user_id, parent_id, name, data, meta, is_expanded, created_at, updated_at)

/// A folder of somebody else, and what may be done there.
struct SharedFolder {
  Folder folder;
  Right right;
};

class Folders {
 public:
  Folders(store::Db& db, const auth::Grants& grants) : db_(db), grants_(grants) {}
  static constexpr std::int64_t kMost = 1'000;  ///< Of one user.

  Task<std::vector<Folder>> of_user(const UserId& user) const;
  Task<std::optional<Folder>> find(std::string id) const;
  /// Those of others that a grant lets the user see, by name.
  Task<std::vector<SharedFolder>> shared_with(const User& me) const;
  /// The folder's own prompt behind those of the folders around it; "" when there is none.
  Task<std::string> prompt(const Folder& folder) const;

  /// These throw 400 for a bad name, one that is taken beside it, and a tree that is too large or deep.
  Task<std::string> create(const User& me, std::string name, std::optional<std::string> parent,
                           std::optional<json::Value> data, std::optional<json::Value> meta);
  /// Absent members stay as they are; those of `data` and `meta` are merged.
  Task<> update(const Folder& folder, std::optional<std::string> name, std::optional<json::Value> data,
                std::optional<json::Value> meta);
  /// Throws 400 when the folder would come to lie in itself (row 120).
  Task<> move(const Folder& folder, std::optional<std::string> parent);
  Task<> expand(const Folder& folder, bool expanded);
  /// The ids of the folder and all below it.
  Task<std::vector<std::string>> subtree(const Folder& folder) const;
  /// With the folders below. Chats that still name it count as being in no folder.
  Task<> remove(const Folder& folder);
  /// All of the user's; part of a transaction.
  Task<> remove_all(store::Connection& c, const UserId& user) const;

  Task<std::vector<auth::GrantView>> access(const Folder& folder) const;
  /// Replaces the grants. Throws 403 for those the owner may not give, 400 for what is no grant.
  Task<> set_access(const User& me, const Folder& folder, std::vector<auth::Grant> grants);

 private:
  store::Db& db_;
  const auth::Grants& grants_;
};

/// Whether `me` may look into a folder (read), change it and put chats of his own there (write), or
/// owns it. The one place that decides. A grant is for the folder it names, not for those below.
class Guard {
 public:
  using Permitted = std::function<Task<bool>(const User&, std::string_view permission)>;
  Guard(const Folders& folders, const auth::Grants& grants, Permitted permitted)
      : folders_(folders), grants_(grants), permitted_(std::move(permitted)) {}

  /// Throws 403 where folders are turned off for the caller. Every route asks for it, so that a
  /// switched-off feature has no side door (row 69).
  Task<> require_feature(const User& me) const;
  /// Throws 404 for a folder that is missing and for one the caller has no such right to.
  template <Right R>
  Task<Granted<Folder, R>> grant(const User& me, std::string id) const {
    co_return Granted<Folder, R>::after_check(co_await opened(me, std::move(id), R));
  }
  /// Whether grant() would not throw.
  Task<bool> may(const User& me, std::string id, Right wanted) const;
  /// What the caller may do with it, if anything.
  Task<std::optional<Right>> right(const User& me, const Folder& folder) const;
  /// What a model is told of the folder: to the owner as Folders::prompt, to others who write there the
  /// folder's own.
  Task<std::string> prompt(const User& me, std::string id) const;

 private:
  Task<Folder> opened(const User& me, std::string id, Right wanted) const;
  /// Nothing when it is missing, or the caller has no such right.
  Task<std::optional<Folder>> held(const User& me, std::string id, Right wanted) const;
  const Folders& folders_;
  const auth::Grants& grants_;
  Permitted permitted_;
};

/// GET /api/v1/folders/{id}/shared/chats
struct SharedQuery {
  std::optional<json::Number<1, 1, 1'000'000>> page;
  std::optional<std::string> sort_by, sort_dir;
};
ANTIPHON_DTO(SharedQuery, page, sort_by, sort_dir)

struct RouteParts {
  Folders& folders;
  const Guard& guard;
  Guard::Permitted permitted;
  /// Takes the chats out of these folders: the user's are deleted, stopping what is being written
  /// there, or moved to the top; those of others are moved.
  std::function<Task<>(const User&, std::vector<std::string> folder_ids, bool and_delete)> empty;
  /// How many unread chats are in each folder; folders without any are left out.
  std::function<Task<std::map<std::string, std::int64_t>>(const User&)> unread;
  /// Marks the user's chats in these folders as read, and says how many were not.
  std::function<Task<std::int64_t>(const User&, std::vector<std::string> folder_ids)> read;
  /// A page of everybody's chats in the folder, as `me` sees their list: `{chats}`,
  /// and of a page also `total` and `has_more`.
  std::function<Task<json::Object>(const User& me, std::string folder_id, SharedQuery)> chats;
  std::function<Task<std::string>(UserId)> name_of;
};
void add_routes(http::Router& r, const RouteParts& parts);

}  // namespace antiphon::folders

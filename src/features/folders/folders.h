#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/caller.h"
#include "http/granted.h"
#include "json/dto.h"
#include "store/db.h"

namespace antiphon::http {
class Router;
}

/// Folders of chats: a tree per user, each with an optional system prompt for the chats inside.
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

class Folders {
 public:
  explicit Folders(store::Db& db) : db_(db) {}
  static constexpr std::int64_t kMost = 1'000;  ///< Of one user.
  static constexpr int kMaxDepth = 32;

  Task<std::vector<Folder>> of_user(const UserId& user) const;
  /// Throws 404 for a folder that is missing or somebody else's.
  Task<Folder> owned(const User& me, std::string id) const;
  Task<bool> owns(const User& me, std::string id) const;
  /// The folder's own prompt behind those of the folders around it; "" when there is none.
  Task<std::string> prompt(const User& me, std::string id) const;

  /// These throw 400 for a bad name, one that is taken beside it, and a tree that is too large or deep.
  Task<Folder> create(const User& me, std::string name, std::optional<std::string> parent,
                      std::optional<json::Value> data, std::optional<json::Value> meta);
  /// Absent members stay as they are; those of `data` and `meta` are merged.
  Task<> update(const User& me, const Folder& folder, std::optional<std::string> name,
                std::optional<json::Value> data, std::optional<json::Value> meta);
  /// Throws 400 when the folder would come to lie in itself (row 120).
  Task<> move(const User& me, const Folder& folder, std::optional<std::string> parent);
  Task<> expand(const Folder& folder, bool expanded);
  /// The ids of the folder and all below it.
  Task<std::vector<std::string>> subtree(const Folder& folder) const;
  /// With the folders below. Chats that still name it count as being in no folder.
  Task<> remove(const Folder& folder);
  /// All of the user's; part of a transaction.
  static Task<> remove_all(store::Connection& c, const UserId& user);

 private:
  store::Db& db_;
};

struct RouteParts {
  Folders& folders;
  std::function<Task<bool>(const User&, std::string_view permission)> permitted;
  /// Takes the chats out of these folders: deletes them, stopping what is being written there, or moves
  /// them to the top.
  std::function<Task<>(const User&, std::vector<std::string> folder_ids, bool and_delete)> empty;
  /// How many unread chats are in each folder; folders without any are left out.
  std::function<Task<std::map<std::string, std::int64_t>>(const User&)> unread;
  /// Marks the chats in these folders as read, and says how many were not.
  std::function<Task<std::int64_t>(const User&, std::vector<std::string> folder_ids)> read;
};
void add_routes(http::Router& r, const RouteParts& parts);

}  // namespace antiphon::folders

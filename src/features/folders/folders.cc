#include "features/folders/folders.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/ids.h"
#include "base/named_tree.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/text.h"

namespace antiphon::folders {

ANTIPHON_DTO_DEFINE(Folder)

struct FolderId {
  std::string id;
};
ANTIPHON_DTO(FolderId, id)
ANTIPHON_DTO_DEFINE(FolderId)

namespace {
using store::Sql;

#define ANTIPHON_FOLDER_COLUMNS \
  "id, user_id, parent_id, name, data, meta, is_expanded, created_at, updated_at"

constexpr Sql kSubtree{"folders.subtree", R"(
    WITH RECURSIVE below(id, depth) AS (
      SELECT id, 1 FROM folder WHERE id = $1
      UNION ALL
      SELECT f.id, below.depth + 1 FROM below JOIN folder f ON f.parent_id = below.id WHERE below.depth < 64)
    SELECT DISTINCT folder.id, user_id, parent_id, name, data, meta, is_expanded, created_at, updated_at
      FROM below JOIN folder ON folder.id = below.id)"};

constexpr Sql kOf{"folders.of_user", "SELECT " ANTIPHON_FOLDER_COLUMNS
                                     " FROM folder WHERE user_id = $1 ORDER BY name, id LIMIT 1000"};
constexpr Sql kLocked{"folders.of_user_locked",
                      "SELECT " ANTIPHON_FOLDER_COLUMNS " FROM folder WHERE user_id = $1 LIMIT 1000",
                      "SELECT " ANTIPHON_FOLDER_COLUMNS
                      " FROM folder WHERE user_id = $1 LIMIT 1000 FOR UPDATE"};

using Tree = NamedTree<Folder>;

Task<Tree> locked(store::Connection& c, const UserId& user) {
  co_return Tree(co_await c.all<Folder>(kLocked, user));
}

std::string own_prompt(const Folder& folder) {
  return folder.data ? std::string(json::text_at(*folder.data, "system_prompt")) : std::string();
}

auth::Resource resource(const std::string& id) {
  return {Folder::kKind, id};
}

std::optional<json::Value> merged(const std::optional<json::Value>& have,
                                  const std::optional<json::Value>& change) {
  if (!change || !change->is_object()) return have;
  json::Object out = have && have->is_object() ? have->as_object() : json::Object();
  for (const auto& [key, value] : change->as_object()) {
    if (value.is_null())
      out.erase(key);
    else
      out[key] = value;
  }
  return json::Value(std::move(out));
}

}  // namespace

Task<std::vector<Folder>> Folders::of_user(const UserId& user) const {
  co_return co_await db_.all<Folder>(kOf, user);
}

Task<std::optional<Folder>> Folders::find(std::string id) const {
  static constexpr Sql kFind{"folders.find",
                             "SELECT " ANTIPHON_FOLDER_COLUMNS " FROM folder WHERE id = $1"};
  co_return co_await db_.first<Folder>(kFind, id);
}

Task<std::vector<SharedFolder>> Folders::shared_with(const User& me) const {
#define ANTIPHON_SHARED_WITH(among)                                                  \
  "SELECT " ANTIPHON_FOLDER_COLUMNS " FROM folder WHERE user_id <> $1 AND id " among \
  " ORDER BY name, id LIMIT 1000"
  static constexpr Sql kShared{"folders.shared_with",
                               ANTIPHON_SHARED_WITH("IN (SELECT value FROM json_each($2))"),
                               ANTIPHON_SHARED_WITH("= ANY($2::text[])")};
  auto ids = co_await grants_.accessible(me, Folder::kKind, Right::read);
  std::vector<SharedFolder> out;
  if (ids.empty()) co_return out;
  auto writable = co_await grants_.accessible(me, Folder::kKind, Right::write);
  std::ranges::sort(writable);
  for (Folder& folder : co_await db_.all<Folder>(kShared, me.id, ids)) {
    Right right = std::ranges::binary_search(writable, folder.id) ? Right::write : Right::read;
    out.push_back({std::move(folder), right});
  }
  co_return out;
}

Task<std::string> Folders::prompt(const Folder& of) const {
  static constexpr Sql kAround{"folders.around", R"(
      WITH RECURSIVE up(id, depth) AS (
        SELECT id, 1 FROM folder WHERE id = $1
        UNION ALL
        SELECT f.parent_id, up.depth + 1 FROM up JOIN folder f ON f.id = up.id
         WHERE f.parent_id IS NOT NULL AND up.depth < 64)
      SELECT folder.id, user_id, parent_id, name, data, meta, is_expanded, created_at, updated_at
        FROM up JOIN folder ON folder.id = up.id ORDER BY up.depth DESC)"};
  std::string out;
  for (const Folder& folder : co_await db_.all<Folder>(kAround, of.id)) {
    std::string own = own_prompt(folder);
    if (own.empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += own;
  }
  co_return out;
}

Task<std::string> Folders::create(const User& me, std::string name, std::optional<std::string> parent,
                                  std::optional<json::Value> data, std::optional<json::Value> meta) {
  static constexpr Sql kInsert{"folders.insert", R"(
      INSERT INTO folder (id, user_id, parent_id, name, data, meta, is_expanded, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, $7))"};
  std::string id = uuid4();
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Tree tree = co_await locked(c, me.id);
    if (parent) (void)tree.at(*parent);
    if (static_cast<std::int64_t>(tree.size()) >= kMost)
      throw Problem(Problem::Kind::invalid, "You have 1000 folders already; delete some first");
    tree.check_name(name, parent, {});
    tree.check_depth(parent);
    co_await c.run(kInsert, id, me.id, parent, name, data, meta, unix_seconds());
  });
  co_return id;
}

Task<> Folders::update(const Folder& folder, std::optional<std::string> name,
                       std::optional<json::Value> data, std::optional<json::Value> meta) {
  static constexpr Sql kUpdate{"folders.update", R"(
      UPDATE folder SET name = $2, data = $3, meta = $4, updated_at = $5 WHERE id = $1)"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Tree tree = co_await locked(c, {folder.user_id});
    const Folder& now = tree.at(folder.id);
    if (name && *name != now.name) tree.check_name(*name, now.parent_id, now.id);
    co_await c.run(kUpdate, now.id, name.value_or(now.name), merged(now.data, data),
                   merged(now.meta, meta), unix_seconds());
  });
}

Task<> Folders::move(const Folder& folder, std::optional<std::string> parent) {
  static constexpr Sql kMove{"folders.move",
                             "UPDATE folder SET parent_id = $2, updated_at = $3 WHERE id = $1"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Tree tree = co_await locked(c, {folder.user_id});
    tree.check_move(folder, parent);
    co_await c.run(kMove, folder.id, parent, unix_seconds());
  });
}

Task<> Folders::expand(const Folder& folder, bool expanded) {
  static constexpr Sql kExpand{"folders.expand", "UPDATE folder SET is_expanded = $2 WHERE id = $1"};
  co_await db_.run(kExpand, folder.id, expanded);
}

Task<std::vector<std::string>> Folders::subtree(const Folder& folder) const {
  std::vector<std::string> out;
  for (Folder& below : co_await db_.all<Folder>(kSubtree, folder.id))
    out.push_back(std::move(below.id));
  co_return out;
}

Task<> Folders::remove_all(store::Connection& c, const UserId& user) const {
  static constexpr Sql kIds{"folders.ids_of", "SELECT id FROM folder WHERE user_id = $1"};
  static constexpr Sql kRemove{"folders.remove_all", "DELETE FROM folder WHERE user_id = $1"};
  for (const FolderId& folder : co_await c.all<FolderId>(kIds, user))
    co_await grants_.set(c, resource(folder.id), {});
  co_await c.run(kRemove, user);
}

Task<> Folders::remove(const Folder& folder) {
  static constexpr Sql kRemove{"folders.remove", "DELETE FROM folder WHERE id = $1"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    for (const Folder& below : co_await c.all<Folder>(kSubtree, folder.id))
      co_await grants_.set(c, resource(below.id), {});
    co_await c.run(kRemove, folder.id);
  });
}

Task<std::vector<auth::GrantView>> Folders::access(const Folder& folder) const {
  co_return co_await grants_.list(resource(folder.id));
}

Task<> Folders::set_access(const User& me, const Folder& folder, std::vector<auth::Grant> wanted) {
  std::vector<auth::Grant> existing;
  for (const auth::GrantView& g : co_await access(folder))
    existing.push_back({g.principal_type, g.principal_id, g.permission});
  for (const auth::Grant& g : wanted)
    if (g.principal_type == "anyone")
      throw Problem(Problem::Kind::invalid, "A folder is shared with people who sign in.");
  auto grants =
      co_await grants_.allowed(me, "folders", std::move(wanted), auth::Disallowed::refuse, existing);
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    // It may have gone meanwhile, and grants for nothing would wait for whoever gets its id.
    if ((co_await c.all<Folder>(kSubtree, folder.id)).empty()) throw not_found("Folder");
    co_await grants_.set(c, resource(folder.id), grants);
  });
}

// ---------------------------------------------------------------------------------------------

Task<> Guard::require_feature(const User& me) const {
  if (!co_await permitted_(me, "features.folders"))
    throw Problem(Problem::Kind::forbidden, "Folders are turned off for you. Ask an administrator.");
}

Task<std::optional<Right>> Guard::right(const User& me, const Folder& folder) const {
  if (folder.user_id == me.id.value) co_return Right::own;
  for (Right right : {Right::write, Right::read})
    if (co_await grants_.may(me, resource(folder.id), right)) co_return right;
  co_return std::nullopt;
}

Task<Folder> Guard::opened(const User& me, std::string id, Right wanted) const {
  co_await require_feature(me);
  auto folder = co_await held(me, std::move(id), wanted);
  if (!folder) throw not_found("Folder");
  co_return std::move(*folder);
}

Task<std::optional<Folder>> Guard::held(const User& me, std::string id, Right wanted) const {
  auto folder = co_await folders_.find(std::move(id));
  if (folder && co_await right(me, *folder) < std::optional(wanted)) folder.reset();
  co_return folder;
}

Task<bool> Guard::may(const User& me, std::string id, Right wanted) const {
  if (!co_await permitted_(me, "features.folders")) co_return false;
  co_return (co_await held(me, std::move(id), wanted)).has_value();
}

Task<std::string> Guard::prompt(const User& me, std::string id) const {
  auto folder = co_await folders_.find(std::move(id));
  if (!folder) co_return "";
  if (folder->user_id == me.id.value) co_return co_await folders_.prompt(*folder);
  if (!co_await may(me, folder->id, Right::write)) co_return "";
  co_return own_prompt(*folder);
}

}  // namespace antiphon::folders

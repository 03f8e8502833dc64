#include "features/folders/folders.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/text.h"

namespace antiphon::folders {

ANTIPHON_DTO_DEFINE(Folder)

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

/// A user's folders while a transaction changes them: small enough to look at as a whole.
class Tree {
 public:
  explicit Tree(std::vector<Folder> all) : all_(std::move(all)) {}

  /// Throws 404 when it is not there, or somebody else's.
  const Folder& at(const std::string& id) const {
    const Folder* folder = find(id);
    if (!folder) throw not_found("Folder");
    return *folder;
  }
  void check_room() const {
    if (static_cast<std::int64_t>(all_.size()) >= Folders::kMost)
      throw Problem(Problem::Kind::invalid, "You have 1000 folders already; delete some first");
  }
  void check_name(const std::string& name, const std::optional<std::string>& parent,
                  std::string_view except) const {
    if (name.find_first_not_of(" \t\r\n") == name.npos || name.size() > 256)
      throw Problem(Problem::Kind::invalid, "A folder needs a name of 1 to 256 characters");
    for (const Folder& folder : all_)
      if (folder.name == name && folder.parent_id == parent && folder.id != except)
        throw Problem(Problem::Kind::invalid, "There is a folder of this name here already");
  }
  /// For a folder with `height` levels, itself included, that comes to lie in `parent`.
  void check_depth(const std::optional<std::string>& parent, int height) const {
    int depth = height;
    for (const Folder* at = parent ? find(*parent) : nullptr; at;
         at = at->parent_id ? find(*at->parent_id) : nullptr)
      if (++depth > Folders::kMaxDepth)
        throw Problem(Problem::Kind::invalid, "Folders may lie in one another 32 deep at most");
  }
  bool lies_in(std::string id, std::string_view around) const {
    for (int steps = 0; steps <= Folders::kMaxDepth; ++steps) {
      if (id == around) return true;
      const Folder* at = find(id);
      if (!at || !at->parent_id) return false;
      id = *at->parent_id;
    }
    return true;  // Deeper than any tree of ours: a circle.
  }
  int height(const std::string& id, int depth = 0) const {
    int below = 0;
    if (depth <= Folders::kMaxDepth)
      for (const Folder& folder : all_)
        if (folder.parent_id == id) below = std::max(below, height(folder.id, depth + 1));
    return below + 1;
  }

 private:
  const Folder* find(const std::string& id) const {
    for (const Folder& folder : all_)
      if (folder.id == id) return &folder;
    return nullptr;
  }
  std::vector<Folder> all_;
};

Task<Tree> locked(store::Connection& c, const UserId& user) {
  co_return Tree(co_await c.all<Folder>(kLocked, user));
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

Task<Folder> Folders::owned(const User& me, std::string id) const {
  static constexpr Sql kFind{
      "folders.find", "SELECT " ANTIPHON_FOLDER_COLUMNS " FROM folder WHERE id = $1 AND user_id = $2"};
  auto folder = co_await db_.first<Folder>(kFind, id, me.id);
  if (!folder) throw not_found("Folder");
  co_return std::move(*folder);
}

Task<bool> Folders::owns(const User& me, std::string id) const {
  static constexpr Sql kOwns{
      "folders.owns", "SELECT " ANTIPHON_FOLDER_COLUMNS " FROM folder WHERE id = $1 AND user_id = $2"};
  co_return (co_await db_.first<Folder>(kOwns, id, me.id)).has_value();
}

Task<std::string> Folders::prompt(const User& me, std::string id) const {
  static constexpr Sql kAround{"folders.around", R"(
      WITH RECURSIVE up(id, depth) AS (
        SELECT id, 1 FROM folder WHERE id = $1 AND user_id = $2
        UNION ALL
        SELECT f.parent_id, up.depth + 1 FROM up JOIN folder f ON f.id = up.id
         WHERE f.parent_id IS NOT NULL AND up.depth < 64)
      SELECT folder.id, user_id, parent_id, name, data, meta, is_expanded, created_at, updated_at
        FROM up JOIN folder ON folder.id = up.id ORDER BY up.depth DESC)"};
  std::string out;
  for (const Folder& folder : co_await db_.all<Folder>(kAround, id, me.id)) {
    std::string_view own =
        folder.data ? json::text_at(*folder.data, "system_prompt") : std::string_view();
    if (own.empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += own;
  }
  co_return out;
}

Task<Folder> Folders::create(const User& me, std::string name, std::optional<std::string> parent,
                             std::optional<json::Value> data, std::optional<json::Value> meta) {
  static constexpr Sql kInsert{"folders.insert", R"(
      INSERT INTO folder (id, user_id, parent_id, name, data, meta, is_expanded, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, $7))"};
  std::string id = uuid4();
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Tree tree = co_await locked(c, me.id);
    if (parent) (void)tree.at(*parent);
    tree.check_room();
    tree.check_name(name, parent, {});
    tree.check_depth(parent, 1);
    co_await c.run(kInsert, id, me.id, parent, name, data, meta, unix_seconds());
  });
  co_return co_await owned(me, id);
}

Task<> Folders::update(const User& me, const Folder& folder, std::optional<std::string> name,
                       std::optional<json::Value> data, std::optional<json::Value> meta) {
  static constexpr Sql kUpdate{"folders.update", R"(
      UPDATE folder SET name = $2, data = $3, meta = $4, updated_at = $5 WHERE id = $1)"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Tree tree = co_await locked(c, me.id);
    const Folder& now = tree.at(folder.id);
    if (name && *name != now.name) tree.check_name(*name, now.parent_id, now.id);
    co_await c.run(kUpdate, now.id, name.value_or(now.name), merged(now.data, data),
                   merged(now.meta, meta), unix_seconds());
  });
}

Task<> Folders::move(const User& me, const Folder& folder, std::optional<std::string> parent) {
  static constexpr Sql kMove{"folders.move",
                             "UPDATE folder SET parent_id = $2, updated_at = $3 WHERE id = $1"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Tree tree = co_await locked(c, me.id);
    if (parent) {
      (void)tree.at(*parent);
      if (tree.lies_in(*parent, folder.id))
        throw Problem(Problem::Kind::invalid, "A folder cannot be moved into itself");
    }
    tree.check_name(folder.name, parent, folder.id);
    tree.check_depth(parent, tree.height(folder.id));
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

Task<> Folders::remove_all(store::Connection& c, const UserId& user) {
  static constexpr Sql kRemove{"folders.remove_all", "DELETE FROM folder WHERE user_id = $1"};
  co_await c.run(kRemove, user);
}

Task<> Folders::remove(const Folder& folder) {
  static constexpr Sql kRemove{"folders.remove", "DELETE FROM folder WHERE id = $1"};
  co_await db_.run(kRemove, folder.id);
}

}  // namespace antiphon::folders

#include "features/knowledge/knowledge.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <utility>

#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "store/like.h"

namespace antiphon::knowledge {

ANTIPHON_DTO_DEFINE(Base)
ANTIPHON_DTO_DEFINE(Counted)
ANTIPHON_DTO_DEFINE(Directory)
ANTIPHON_DTO_DEFINE(Entry)

struct BaseId {
  std::string id;
};
ANTIPHON_DTO(BaseId, id)
ANTIPHON_DTO_DEFINE(BaseId)

struct FileCount {
  std::int64_t count = 0;
};
ANTIPHON_DTO(FileCount, count)
ANTIPHON_DTO_DEFINE(FileCount)

namespace {

using store::Sql;

// $1: all bases there are; $2: the user; $3: ids that grants let him read; $4: whose.
#define ANTIPHON_READABLE(ids) \
  "($1 OR k.user_id = $2 OR k.id " ids ") AND ($4 = '' OR ($4 = 'created') = (k.user_id = $2))"
#define ANTIPHON_ORDERED(name, table)                                                              \
  " ORDER BY CASE WHEN $6 = 'name' AND $7 THEN " name                                              \
  " END, CASE WHEN $6 = 'name' AND NOT $7 THEN " name                                              \
  " END DESC, CASE WHEN $6 = 'created_at' AND $7 THEN " table                                      \
  ".created_at END, CASE WHEN $6 = "                                                               \
  "'created_at' AND NOT $7 THEN " table                                                            \
  ".created_at END DESC, CASE WHEN $6 = 'updated_at' AND $7 THEN " table ".updated_at END, " table \
  ".updated_at DESC, " table ".id LIMIT $8 OFFSET $9"

#define ANTIPHON_BASES(ids, like)                                                                \
  "SELECT k.id, k.user_id, k.name, k.description, k.meta, k.created_at, k.updated_at, COUNT(*) " \
  "OVER () AS total, (SELECT COUNT(*) FROM knowledge_file f WHERE f.knowledge_id = k.id) AS "    \
  "file_count "                                                                                  \
  "FROM knowledge k WHERE " ANTIPHON_READABLE(ids) " AND (k.name " like                          \
                                                   " $5 ESCAPE '\\' OR k.description " like      \
                                                   " $5 ESCAPE '\\')" ANTIPHON_ORDERED("k.name", "k")
constexpr Sql kList{"knowledge.list", ANTIPHON_BASES("IN (SELECT value FROM json_each($3))", "LIKE"),
                    ANTIPHON_BASES("= ANY($3::text[])", "ILIKE")};

#define ANTIPHON_ENTRY                                                                              \
  "f.id, f.user_id, f.filename, f.blob_id, f.size, f.content_type, f.metadata, f.status, f.error, " \
  "f.hash, "                                                                                        \
  "f.created_at, f.updated_at, kf.knowledge_id, kf.directory_id"
/// $1: everything, $2: the user, $3: readable ids, $4: whose, $5: words, $6 and $7: order.
#define ANTIPHON_FOUND(ids, like)                                                     \
  "SELECT " ANTIPHON_ENTRY                                                            \
  ", COUNT(*) OVER () AS total FROM knowledge k JOIN knowledge_file kf ON "           \
  "kf.knowledge_id = k.id JOIN file f ON f.id = kf.file_id WHERE " ANTIPHON_READABLE( \
      ids) " AND f.filename " like " $5 ESCAPE '\\'" ANTIPHON_ORDERED("f.filename", "f")
constexpr Sql kSearch{"knowledge.search",
                      ANTIPHON_FOUND("IN (SELECT value FROM json_each($3))", "LIKE"),
                      ANTIPHON_FOUND("= ANY($3::text[])", "ILIKE")};

/// $1: the base, $2: the user, $3: the directory, '' for all.
#define ANTIPHON_INSIDE(like)                                                                          \
  "SELECT " ANTIPHON_ENTRY                                                                             \
  ", COUNT(*) OVER () AS total FROM knowledge_file kf JOIN file f ON f.id = "                          \
  "kf.file_id WHERE kf.knowledge_id = $1 AND ($3 = '' OR kf.directory_id = $3) AND ($4 = '' OR ($4 = " \
  "'created') = (f.user_id = $2)) AND f.filename " like                                                \
  " $5 ESCAPE '\\'" ANTIPHON_ORDERED("f.filename", "f")

constexpr Sql kLock{"knowledge.lock", "SELECT id FROM knowledge WHERE id = $1",
                    "SELECT id FROM knowledge WHERE id = $1 FOR UPDATE"};
constexpr Sql kTree{"knowledge.directories", R"(
    SELECT id, knowledge_id, parent_id, name, user_id, created_at, updated_at
      FROM knowledge_directory WHERE knowledge_id = $1 ORDER BY name, id LIMIT 10000)"};
constexpr Sql kPlace{"knowledge.place", R"(
      INSERT INTO knowledge_file (knowledge_id, file_id, directory_id, created_at) VALUES ($1, $2, $3, $4)
      ON CONFLICT (knowledge_id, file_id) DO UPDATE SET directory_id = excluded.directory_id)"};
constexpr Sql kTouch{"knowledge.touch", "UPDATE knowledge SET updated_at = $2 WHERE id = $1"};
constexpr Sql kCount{"knowledge.count_files",
                     "SELECT COUNT(*) AS count FROM knowledge_file WHERE knowledge_id = $1"};

#define ANTIPHON_TAKE(ids) "DELETE FROM knowledge_file WHERE knowledge_id = $1 AND file_id " ids
constexpr Sql kTake{"knowledge.take_out", ANTIPHON_TAKE("IN (SELECT value FROM json_each($2))"),
                    ANTIPHON_TAKE("= ANY($2::text[])")};
/// Those of the user that are in this base and in no other.
#define ANTIPHON_DELETE_FILES(ids)                                                                    \
  "DELETE FROM file WHERE user_id = $1 AND EXISTS (SELECT 1 FROM knowledge_file kf WHERE kf.file_id " \
  "= "                                                                                                \
  "file.id AND kf.knowledge_id = $3) AND NOT EXISTS (SELECT 1 FROM knowledge_file kf WHERE "          \
  "kf.file_id "                                                                                       \
  "= file.id AND kf.knowledge_id <> $3) AND id " ids
constexpr Sql kDeleteFiles{"knowledge.delete_files",
                           ANTIPHON_DELETE_FILES("IN (SELECT value FROM json_each($2))"),
                           ANTIPHON_DELETE_FILES("= ANY($2::text[])")};

auth::Resource resource(const std::string& id) {
  return {Base::kKind, id};
}

void check(std::string_view name, std::string_view description) {
  if (name.find_first_not_of(" \t\r\n") == name.npos || name.size() > 256)
    throw Problem(Problem::Kind::invalid, "A knowledge base needs a name of 1 to 256 characters");
  if (description.size() > 10'000)
    throw Problem(Problem::Kind::invalid, "A knowledge base's description has at most 10000 bytes");
}

void check_batch(std::size_t files) {
  if (files > Bases::kBatch) throw Problem(Problem::Kind::invalid, "Send at most 1000 files at once");
}

/// Holds the base's row to the end of the transaction. Throws 404 when it is gone.
Task<> lock(store::Connection& c, std::string id) {
  if (!co_await c.first<BaseId>(kLock, id)) throw not_found("Knowledge");
}

/// And what directories there are.
Task<NamedTree<Directory>> lock_tree(store::Connection& c, std::string id) {
  co_await lock(c, id);
  co_return NamedTree(co_await c.all<Directory>(kTree, id));
}

/// Files came. Throws 400 when they are too many now.
Task<> grown(store::Connection& c, std::string base) {
  auto count = co_await c.first<FileCount>(kCount, base);
  if (count && count->count > Bases::kFiles)
    throw Problem(Problem::Kind::invalid, "A knowledge base has at most 100000 files");
  co_await c.run(kTouch, base, unix_seconds());
}

Task<std::int64_t> take(store::Connection& c, std::string me, std::string base,
                        std::vector<std::string> ids, bool and_delete) {
  std::int64_t taken = 0;
  if (and_delete) taken = co_await c.run(kDeleteFiles, me, ids, base);
  taken += co_await c.run(kTake, base, ids);
  co_await c.run(kTouch, base, unix_seconds());
  co_return taken;
}

/// What stands in a path between slashes.
void check_directory_name(std::string_view name) {
  if (name.find('/') != name.npos || name == "." || name == "..")
    throw Problem(Problem::Kind::invalid,
                  "A folder's name has no slash in it, and is not \".\" or \"..\"");
}

}  // namespace

Task<std::optional<Base>> Bases::find(std::string id) const {
  static constexpr Sql kFind{"knowledge.find", R"(
      SELECT id, user_id, name, description, meta, created_at, updated_at FROM knowledge WHERE id = $1)"};
  co_return co_await db_.first<Base>(kFind, id);
}

Task<std::vector<Counted>> Bases::list(const User& me, bool everything, WantedBases wanted) const {
  auto ids = co_await grants_.accessible(me, Base::kKind, Right::read);
  co_return co_await db_.all<Counted>(kList, everything, me.id, ids, wanted.whose,
                                      store::containing(wanted.words), wanted.order, wanted.ascending,
                                      WantedBases::kPage, (wanted.page - 1) * WantedBases::kPage);
}

Task<Base> Bases::create(const User& me, std::string name, std::string description,
                         std::vector<auth::Grant> wanted) {
  static constexpr Sql kInsert{"knowledge.insert", R"(
      INSERT INTO knowledge (id, user_id, name, description, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $5))"};
  check(name, description);
  auto grants = co_await grants_.allowed(me, "knowledge", std::move(wanted), auth::Disallowed::drop);
  Base base{.id = uuid4(),
            .user_id = me.id.value,
            .name = std::move(name),
            .description = std::move(description),
            .meta = {},
            .created_at = unix_seconds(),
            .updated_at = unix_seconds()};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await c.run(kInsert, base.id, base.user_id, base.name, base.description, base.created_at);
    co_await grants_.set(c, resource(base.id), grants);
  });
  co_return base;
}

Task<> Bases::update(const User& me, const Base& base, std::string name, std::string description,
                     std::optional<std::vector<auth::Grant>> grants) {
  static constexpr Sql kUpdate{"knowledge.update", R"(
      UPDATE knowledge SET name = $2, description = $3, updated_at = $4 WHERE id = $1)"};
  check(name, description);
  if (grants) co_await set_access(me, base, std::move(*grants));
  if (co_await db_.run(kUpdate, base.id, name, description, unix_seconds()) == 0)
    throw not_found("Knowledge");
}

Task<> Bases::set_access(const User& me, const Base& base, std::vector<auth::Grant> wanted) {
  std::vector<auth::Grant> existing;
  for (const auth::GrantView& g : co_await access(base))
    existing.push_back({g.principal_type, g.principal_id, g.permission});
  for (const auth::Grant& g : wanted)
    if (g.principal_type == "anyone")
      throw Problem(Problem::Kind::invalid, "A knowledge base is shared with people who sign in.");
  auto grants =
      co_await grants_.allowed(me, "knowledge", std::move(wanted), auth::Disallowed::refuse, existing);
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await lock(c, base.id);
    co_await grants_.set(c, resource(base.id), grants);
  });
}

Task<std::vector<auth::GrantView>> Bases::access(const Base& base) const {
  co_return co_await grants_.list(resource(base.id));
}

Task<std::vector<auth::GrantView>> Bases::access(std::vector<std::string> ids) const {
  co_return co_await grants_.list_many(Base::kKind, std::move(ids));
}

Task<> Bases::remove(const Base& base) {
  static constexpr Sql kRemove{"knowledge.remove", "DELETE FROM knowledge WHERE id = $1"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await grants_.set(c, resource(base.id), {});
    co_await c.run(kRemove, base.id);
  });
}

Task<> Bases::remove_all(store::Connection& c, const UserId& user) const {
  static constexpr Sql kInherit{"knowledge.inherit_bases", R"(
      UPDATE knowledge SET user_id = (SELECT id FROM "user" WHERE role = 'admin' AND id <> $1
                                       ORDER BY created_at, id LIMIT 1)
       WHERE user_id = $1
         AND EXISTS (SELECT 1 FROM access_grant
                      WHERE resource_type = 'knowledge' AND resource_id = knowledge.id
                        AND NOT (principal_type = 'user' AND principal_id = $1))
         AND EXISTS (SELECT 1 FROM "user" WHERE role = 'admin' AND id <> $1))"};
  static constexpr Sql kInheritFiles{"knowledge.inherit_files", R"(
      UPDATE file SET user_id = (SELECT MIN(k.user_id) FROM knowledge_file kf JOIN knowledge k ON k.id = kf.knowledge_id
                                  WHERE kf.file_id = file.id AND k.user_id <> $1)
       WHERE user_id = $1
         AND EXISTS (SELECT 1 FROM knowledge_file kf JOIN knowledge k ON k.id = kf.knowledge_id
                      WHERE kf.file_id = file.id AND k.user_id <> $1))"};
  static constexpr Sql kIds{"knowledge.ids_of", "SELECT id FROM knowledge WHERE user_id = $1"};
  static constexpr Sql kRemove{"knowledge.remove_all", "DELETE FROM knowledge WHERE user_id = $1"};
  co_await c.run(kInherit, user);
  co_await c.run(kInheritFiles, user);
  for (const BaseId& base : co_await c.all<BaseId>(kIds, user))
    co_await grants_.set(c, resource(base.id), {});
  co_await c.run(kRemove, user);
}

Task<std::vector<Entry>> Bases::files(const Base& base, const User& me, WantedFiles wanted) const {
  static constexpr Sql kFiles{"knowledge.files", ANTIPHON_INSIDE("LIKE"), ANTIPHON_INSIDE("ILIKE")};
  co_return co_await db_.all<Entry>(kFiles, base.id, me.id, wanted.directory_id.value_or(""),
                                    wanted.whose, store::containing(wanted.words), wanted.order,
                                    wanted.ascending, wanted.limit, (wanted.page - 1) * wanted.limit);
}

Task<std::vector<Entry>> Bases::search(const User& me, bool everything, WantedFiles wanted) const {
  auto ids = co_await grants_.accessible(me, Base::kKind, Right::read);
  co_return co_await db_.all<Entry>(kSearch, everything, me.id, ids, wanted.whose,
                                    store::containing(wanted.words), wanted.order, wanted.ascending,
                                    wanted.limit, (wanted.page - 1) * wanted.limit);
}

Task<std::vector<Entry>> Bases::pending(const Base& base) const {
  static constexpr Sql kPending{"knowledge.pending", "SELECT " ANTIPHON_ENTRY R"(
        FROM knowledge_file kf JOIN file f ON f.id = kf.file_id
       WHERE kf.knowledge_id = $1 AND f.status IN ('pending', 'processing')
       ORDER BY f.created_at, f.id LIMIT 1000)"};
  co_return co_await db_.all<Entry>(kPending, base.id);
}

Task<std::vector<Entry>> Bases::all_files(const Base& base) const {
  static constexpr Sql kAll{"knowledge.all_files", "SELECT " ANTIPHON_ENTRY R"(
        FROM knowledge_file kf JOIN file f ON f.id = kf.file_id
       WHERE kf.knowledge_id = $1 ORDER BY f.created_at, f.id LIMIT 100000)"};
  co_return co_await db_.all<Entry>(kAll, base.id);
}

Task<NamedTree<Directory>> Bases::directories(const Base& base) const {
  co_return NamedTree(co_await db_.all<Directory>(kTree, base.id));
}

Task<> Bases::add(const User& me, const Base& base, std::vector<Placed> placed) {
#define ANTIPHON_OWN(ids) "SELECT id FROM file WHERE ($3 OR user_id = $1) AND id " ids
  static constexpr Sql kOwn{"knowledge.own_files", ANTIPHON_OWN("IN (SELECT value FROM json_each($2))"),
                            ANTIPHON_OWN("= ANY($2::text[])")};
  check_batch(placed.size());
  store::Strings ids;
  for (const Placed& one : placed) ids.push_back(one.file_id);
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto tree = co_await lock_tree(c, base.id);
    std::set<std::string> own;
    for (BaseId& file : co_await c.all<BaseId>(kOwn, me.id, ids, me.admin()))
      own.insert(std::move(file.id));
    for (const Placed& one : placed) {
      if (!own.contains(one.file_id)) throw not_found("File");
      if (one.directory_id) (void)tree.at(*one.directory_id);
      co_await c.run(kPlace, base.id, one.file_id, one.directory_id, unix_seconds());
    }
    co_await grown(c, base.id);
  });
}

files::Place Bases::placing(Base base, std::optional<std::string> directory_id) const {
  return [base = std::move(base), directory_id = std::move(directory_id)](
             store::Connection& c, const files::File& file) -> Task<> {
    auto tree = co_await lock_tree(c, base.id);
    if (directory_id) (void)tree.at(*directory_id);
    co_await c.run(kPlace, base.id, file.id, directory_id, unix_seconds());
    co_await grown(c, base.id);
  };
}

Task<> Bases::move(const Base& base, Placed placed) {
  static constexpr Sql kMove{"knowledge.move", R"(
      UPDATE knowledge_file SET directory_id = $3 WHERE knowledge_id = $1 AND file_id = $2)"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto tree = co_await lock_tree(c, base.id);
    if (placed.directory_id) (void)tree.at(*placed.directory_id);
    if (co_await c.run(kMove, base.id, placed.file_id, placed.directory_id) == 0)
      throw not_found("File");
  });
}

Task<> Bases::take_out(const User& me, const Base& base, std::vector<std::string> file_ids,
                       bool and_delete) {
  check_batch(file_ids.size());
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await lock(c, base.id);
    if (co_await take(c, me.id.value, base.id, file_ids, and_delete) == 0) throw not_found("File");
  });
}

Task<> Bases::reset(const User& me, const Base& base, bool directories, bool and_delete) {
  static constexpr Sql kDeleteAll{"knowledge.delete_all_files", R"(
      DELETE FROM file WHERE user_id = $1
         AND EXISTS (SELECT 1 FROM knowledge_file kf WHERE kf.file_id = file.id AND kf.knowledge_id = $2)
         AND NOT EXISTS (SELECT 1 FROM knowledge_file kf WHERE kf.file_id = file.id AND kf.knowledge_id <> $2))"};
  static constexpr Sql kTakeAll{"knowledge.take_all_out",
                                "DELETE FROM knowledge_file WHERE knowledge_id = $1"};
  static constexpr Sql kNoDirectories{"knowledge.remove_directories",
                                      "DELETE FROM knowledge_directory WHERE knowledge_id = $1"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await lock(c, base.id);
    if (and_delete) co_await c.run(kDeleteAll, me.id, base.id);
    co_await c.run(kTakeAll, base.id);
    if (directories) co_await c.run(kNoDirectories, base.id);
    co_await c.run(kTouch, base.id, unix_seconds());
  });
}

Task<Directory> Bases::create_directory(const User& me, const Base& base, std::string name,
                                        std::optional<std::string> parent) {
  static constexpr Sql kInsert{"knowledge.insert_directory", R"(
      INSERT INTO knowledge_directory (id, knowledge_id, parent_id, name, user_id, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $6))"};
  check_directory_name(name);
  Directory out{.id = uuid4(),
                .knowledge_id = base.id,
                .parent_id = std::move(parent),
                .name = std::move(name),
                .user_id = me.id.value,
                .created_at = unix_seconds(),
                .updated_at = unix_seconds()};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto tree = co_await lock_tree(c, base.id);
    if (out.parent_id) (void)tree.at(*out.parent_id);
    if (tree.size() >= kDirectories)
      throw Problem(Problem::Kind::invalid, "A knowledge base has at most 10000 folders");
    tree.check_name(out.name, out.parent_id, {});
    tree.check_depth(out.parent_id);
    co_await c.run(kInsert, out.id, base.id, out.parent_id, out.name, me.id, out.created_at);
  });
  co_return out;
}

Task<Directory> Bases::update_directory(const Base& base, std::string id,
                                        std::optional<std::string> name,
                                        json::Patch<std::string> parent) {
  static constexpr Sql kUpdate{"knowledge.update_directory", R"(
      UPDATE knowledge_directory SET name = $2, parent_id = $3, updated_at = $4 WHERE id = $1)"};
  if (name) check_directory_name(*name);
  Directory out;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto tree = co_await lock_tree(c, base.id);
    out = tree.at(id);
    if (name) out.name = *name;
    if (parent.null()) out.parent_id.reset();
    if (const std::string* given = parent.get()) out.parent_id = *given;
    out.updated_at = unix_seconds();
    tree.check_move(out, out.parent_id);
    co_await c.run(kUpdate, id, out.name, out.parent_id, out.updated_at);
  });
  co_return out;
}

Task<std::vector<std::string>> Bases::remove_directory(const User& me, const Base& base, std::string id,
                                                       bool move_files, bool and_delete) {
#define ANTIPHON_IN(ids) "knowledge_id = $1 AND directory_id " ids
#define ANTIPHON_IN_SQLITE ANTIPHON_IN("IN (SELECT value FROM json_each($2))")
#define ANTIPHON_IN_POSTGRES ANTIPHON_IN("= ANY($2::text[])")
  static constexpr Sql kInside{"knowledge.files_inside",
                               "SELECT file_id AS id FROM knowledge_file WHERE " ANTIPHON_IN_SQLITE,
                               "SELECT file_id AS id FROM knowledge_file WHERE " ANTIPHON_IN_POSTGRES};
  static constexpr Sql kUp{"knowledge.move_up",
                           "UPDATE knowledge_file SET directory_id = $3 WHERE " ANTIPHON_IN_SQLITE,
                           "UPDATE knowledge_file SET directory_id = $3 WHERE " ANTIPHON_IN_POSTGRES};
  static constexpr Sql kRemove{"knowledge.remove_directory",
                               "DELETE FROM knowledge_directory WHERE id = $1"};
  std::vector<std::string> gone;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    gone.clear();
    auto tree = co_await lock_tree(c, base.id);
    const Directory& directory = tree.at(id);
    store::Strings below = tree.subtree(id);
    if (move_files) {
      co_await c.run(kUp, base.id, below, directory.parent_id);
    } else {
      for (BaseId& file : co_await c.all<BaseId>(kInside, base.id, below))
        gone.push_back(std::move(file.id));
      co_await take(c, me.id.value, base.id, gone, and_delete);
    }
    co_await c.run(kRemove, id);
  });
  co_return gone;
}

Task<> Bases::clean_up(const User& me, const Base& base, std::vector<std::string> file_ids,
                       std::vector<std::string> directory_ids, bool and_delete) {
  // One with something in it stays: it may have come since the two were compared.
  static constexpr Sql kRemove{"knowledge.remove_empty_directory", R"(
      DELETE FROM knowledge_directory WHERE knowledge_id = $1 AND id = $2
         AND NOT EXISTS (SELECT 1 FROM knowledge_directory d WHERE d.parent_id = $2)
         AND NOT EXISTS (SELECT 1 FROM knowledge_file f WHERE f.directory_id = $2))"};
  check_batch(file_ids.size());
  check_batch(directory_ids.size());
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await lock(c, base.id);
    co_await take(c, me.id.value, base.id, file_ids, and_delete);
    for (const std::string& id : directory_ids) co_await c.run(kRemove, base.id, id);
  });
}

Task<Difference> Bases::compare(const Base& base, std::vector<ManifestEntry> manifest) const {
  auto tree = co_await directories(base);
  std::map<std::string, std::string> paths;
  std::map<std::string, std::string, std::less<>> path_of_id;
  for (const Directory& directory : tree.all()) {
    std::string path = tree.path_to(directory.id);
    path_of_id.emplace(directory.id, path);
    paths.emplace(std::move(path), directory.id);
  }
  std::vector<Kept> kept;
  for (Entry& entry : co_await all_files(base))
    kept.push_back({.file_id = std::move(entry.id),
                    .filename = std::move(entry.filename),
                    .path = entry.directory_id ? path_of_id[*entry.directory_id] : "",
                    .checksum = std::move(entry.blob_id)});
  co_return difference(std::move(manifest), std::move(kept), std::move(paths));
}

// ---------------------------------------------------------------------------------------------

Task<bool> Guard::may(const User& me, const Base& base, Right wanted) const {
  if (base.user_id == me.id.value || everything(me)) co_return true;
  co_return co_await grants_.may(me, resource(base.id), wanted);
}

Task<Base> Guard::opened(const User& me, std::string id, Right wanted) const {
  auto base = co_await bases_.find(std::move(id));
  if (!base || !co_await may(me, *base, wanted)) throw not_found("Knowledge");
  co_return std::move(*base);
}

Task<std::set<std::string, std::less<>>> Guard::writable(const User& me) const {
  auto ids = co_await grants_.accessible(me, Base::kKind, Right::write);
  co_return std::set<std::string, std::less<>>(ids.begin(), ids.end());
}

Task<bool> Guard::may_read_file(const User& me, std::string file_id) const {
#define ANTIPHON_AROUND(ids)                                                                          \
  "SELECT COUNT(*) AS count FROM knowledge_file kf JOIN knowledge k ON k.id = kf.knowledge_id WHERE " \
  "kf.file_id = $1 AND ($2 OR k.user_id = $3 OR k.id " ids ")"
  static constexpr Sql kAround{"knowledge.around_file",
                               ANTIPHON_AROUND("IN (SELECT value FROM json_each($4))"),
                               ANTIPHON_AROUND("= ANY($4::text[])")};
  auto ids = co_await grants_.accessible(me, Base::kKind, Right::read);
  auto around = co_await db_.first<FileCount>(kAround, file_id, everything(me), me.id, ids);
  co_return around && around->count > 0;
}

}  // namespace antiphon::knowledge

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "auth/grants.h"
#include "base/named_tree.h"
#include "features/files/files.h"
#include "features/knowledge/sync.h"
#include "http/caller.h"
#include "http/granted.h"
#include "json/dto.h"
#include "json/text.h"
#include "json/types.h"
#include "store/db.h"

/// Knowledge bases: files in folders, which their owner shares with others.
namespace antiphon::knowledge {

struct Base {
  static constexpr std::string_view kKind = "knowledge";

  std::string id;
  std::string user_id;
  std::string name;
  std::string description;
  std::optional<json::Value> meta;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(Base, id, user_id, name, description, meta, created_at, updated_at)

/// A line of a list of bases.
struct Counted : Base {
  std::int64_t file_count = 0;
  std::int64_t total = 0;  ///< Lines of the whole list.
};
ANTIPHON_DTO_OF(Counted, Base, file_count, total)

struct Directory {
  std::string id;
  std::string knowledge_id;
  std::optional<std::string> parent_id;
  std::string name;
  std::string user_id;  ///< Who made it.
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(Directory, id, knowledge_id, parent_id, name, user_id, created_at, updated_at)

/// A file, without its text, and where it lies.
struct Entry : files::File {
  std::string knowledge_id;
  std::optional<std::string> directory_id;
  std::int64_t total = 0;  ///< Lines of the whole list.
};
ANTIPHON_DTO_OF(Entry, files::File, knowledge_id, directory_id, total)

/// A file that is to come into a base.
struct Placed {
  std::string file_id;
  std::optional<std::string> directory_id;
};

/// Which bases a list is of.
struct WantedBases {
  std::string words = {};  ///< In the name or the description; "": all.
  std::string whose = {};  ///< "created": own; "shared": those of others; "": all.
  std::string order = {};  ///< "name", "created_at"; else by the last change.
  bool ascending = false;
  std::int64_t page = 1;

  static constexpr std::int64_t kPage = 30;
};

/// Which files a list is of.
struct WantedFiles {
  std::string words = {};                        ///< In the name.
  std::optional<std::string> directory_id = {};  ///< Nothing: of all the base.
  std::string whose = {};
  std::string order = {};
  bool ascending = false;
  std::int64_t page = 1;
  std::int64_t limit = kPage;

  static constexpr std::int64_t kPage = 30;
};

/// All of it is in the database, and what changes a base holds its row: two who change one wait for
/// each other, on any replica. Any thread.
class Bases {
 public:
  Bases(store::Db& db, const auth::Grants& grants) : db_(db), grants_(grants) {}
  static constexpr std::size_t kDirectories = 10'000;  ///< Of one base.
  static constexpr std::int64_t kFiles = 100'000;      ///< Of one base.
  static constexpr std::size_t kBatch = 1'000;         ///< Files that come or go in one call.

  Task<std::optional<Base>> find(std::string id) const;
  /// Those of `me`, and those that a grant lets him read; with `everything` all there are.
  Task<std::vector<Counted>> list(const User& me, bool everything, WantedBases wanted) const;

  /// Grants that the caller may not give are left out. Throws 400 for a bad name.
  Task<Base> create(const User& me, std::string name, std::string description,
                    std::vector<auth::Grant> grants);
  /// Nothing for grants: they stay. Throws 403 for those the caller may not give, 400 for what is no
  /// grant.
  Task<> update(const User& me, const Base& base, std::string name, std::string description,
                std::optional<std::vector<auth::Grant>> grants);
  Task<> set_access(const User& me, const Base& base, std::vector<auth::Grant> grants);
  Task<std::vector<auth::GrantView>> access(const Base& base) const;
  Task<std::vector<auth::GrantView>> access(std::vector<std::string> ids) const;
  /// Its files stay with their owners.
  Task<> remove(const Base& base);
  /// Those of a user who goes. What others have from him stays: his bases that are shared go to the
  /// oldest administrator there is besides him, and his files in bases of others to their owners. Part
  /// of a transaction.
  Task<> remove_all(store::Connection& c, const UserId& user) const;

  Task<std::vector<Entry>> files(const Base& base, const User& me, WantedFiles wanted) const;
  /// Of all bases the user may read, by name.
  Task<std::vector<Entry>> search(const User& me, bool everything, WantedFiles wanted) const;
  /// Files of the base whose text is not there yet.
  Task<std::vector<Entry>> pending(const Base& base) const;
  /// All files of the base; at most kFiles.
  Task<std::vector<Entry>> all_files(const Base& base) const;
  Task<NamedTree<Directory>> directories(const Base& base) const;

  /// Files the caller owns (an administrator: any), each in one place of the base: one that is there
  /// moves. Throws 404 for a file that is not his and for a directory that is not there; then none
  /// came.
  Task<> add(const User& me, const Base& base, std::vector<Placed> placed);
  /// As add(), for a file that comes with it.
  files::Place placing(Base base, std::optional<std::string> directory_id) const;
  Task<> move(const Base& base, Placed placed);
  /// Takes files out, those of them that are there. With `and_delete` those of `me` that are in no
  /// other base are deleted. Throws 404 when there is none of them.
  Task<> take_out(const User& me, const Base& base, std::vector<std::string> file_ids, bool and_delete);
  /// Takes everything out; directories too where asked for.
  Task<> reset(const User& me, const Base& base, bool directories, bool and_delete);

  /// These throw 400 for a bad name, one that is taken there, and a tree that is too large or deep; 404
  /// for a parent that is not there.
  Task<Directory> create_directory(const User& me, const Base& base, std::string name,
                                   std::optional<std::string> parent);
  /// Absent members stay; a parent of null is the top.
  Task<Directory> update_directory(const Base& base, std::string id, std::optional<std::string> name,
                                   json::Patch<std::string> parent);
  /// With what lies in it: its files go up to where it lay, or out of the base as take_out() does.
  /// Gives the ids of the files that went.
  Task<std::vector<std::string>> remove_directory(const User& me, const Base& base, std::string id,
                                                  bool move_files, bool and_delete);
  /// Removes what a folder elsewhere has no more; directories only where they are empty.
  Task<> clean_up(const User& me, const Base& base, std::vector<std::string> file_ids,
                  std::vector<std::string> directory_ids, bool and_delete);
  /// What would have to happen for the base to be as the folder that `manifest` tells of.
  Task<Difference> compare(const Base& base, std::vector<ManifestEntry> manifest) const;

 private:
  store::Db& db_;
  const auth::Grants& grants_;
};

/// Whether `me` may read a base and what is in it, or change it: its owner, whoever a grant lets, and
/// administrators where nothing says otherwise. The one place that decides.
class Guard {
 public:
  Guard(store::Db& db, const Bases& bases, const auth::Grants& grants,
        std::function<bool()> admin_access)
      : db_(db), bases_(bases), grants_(grants), admin_access_(std::move(admin_access)) {}

  /// Throws 404 for a base that is missing and for one the caller has no such right to.
  template <Right R>
  Task<Granted<Base, R>> grant(const User& me, std::string id) const {
    co_return Granted<Base, R>::after_check(co_await opened(me, std::move(id), R));
  }
  Task<bool> may(const User& me, const Base& base, Right wanted) const;
  /// Ids of the bases of others that a grant lets the caller change, for lists.
  Task<std::set<std::string, std::less<>>> writable(const User& me) const;
  /// Whether all bases are as if the caller owned them.
  bool everything(const User& me) const { return me.admin() && admin_access_(); }
  /// Whether the file is in a base that the caller may read. Never more than reading (row 47).
  Task<bool> may_read_file(const User& me, std::string file_id) const;

 private:
  Task<Base> opened(const User& me, std::string id, Right wanted) const;
  store::Db& db_;
  const Bases& bases_;
  const auth::Grants& grants_;
  std::function<bool()> admin_access_;
};

}  // namespace antiphon::knowledge

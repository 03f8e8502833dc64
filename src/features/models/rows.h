#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "features/models/dto.h"
#include "http/caller.h"
#include "http/granted.h"
#include "store/db.h"

namespace antiphon::models {

/// Who reads: what grants are compared with.
struct Reader {
  UserId id;
  bool admin = false;
  bool everything = false;  ///< Grants do not bind this one.
  std::set<std::string, std::less<>> groups;
};

/// A row with its grants. Immutable.
struct Registered {
  Model row;
  std::vector<Grant> grants;

  bool owned_by(const Reader& reader) const { return row.user_id == reader.id.value; }
  /// By a grant; reading is not implied by writing.
  bool granted(const Reader& reader, Right right) const;
  /// By ownership or a grant.
  bool allows(const Reader& reader, Right right) const;
};
using RegisteredPtr = std::shared_ptr<const Registered>;

/// All rows at one moment. Immutable.
struct RowSet {
  std::uint64_t number = 0;
  std::vector<RegisteredPtr> all;  ///< Newest first.
  std::map<std::string, RegisteredPtr, std::less<>> by_id;
  /// Null when there is none.
  RegisteredPtr find(std::string_view id) const;
};
using RowSetPtr = std::shared_ptr<const RowSet>;

/// A grant as forms say it: principal_type, principal_id, permission.
struct Wanted {
  std::string principal_type, principal_id, permission;
  friend auto operator<=>(const Wanted&, const Wanted&) = default;
};

/// What is registered of models: the tables model, model_history and their grants. Reads come from
/// memory, at most a second old where another replica has written; writes of this process count at
/// once. Any thread.
class Rows {
 public:
  static constexpr auto kFresh = std::chrono::seconds(1);

  explicit Rows(store::Db& db) : db_(db) {}

  Task<RowSetPtr> current();

  /// Stores a new row with its first version. Throws `conflict` when the id is taken.
  Task<> create(Model row, std::vector<Wanted> grants, std::optional<std::string> message);
  /// Replaces what the row says; `grants` when given. `by` wrote the version.
  Task<> update(Model row, std::optional<std::vector<Wanted>> grants, UserId by,
                std::optional<std::string> message);
  Task<> set_active(std::string id, bool active);
  Task<> set_grants(std::string id, std::vector<Wanted> grants);
  Task<> remove(std::string id);
  Task<> remove_all();
  /// Makes the table hold exactly these.
  Task<> replace_all(std::vector<std::pair<Model, std::vector<Wanted>>> models, UserId by);
  /// Creates or updates all of them, or none.
  Task<> put_all(std::vector<std::pair<Model, std::optional<std::vector<Wanted>>>> models, UserId by);

  Task<std::vector<Version>> history(std::string model_id, std::int64_t page) const;
  /// Parent and child in one predicate (lesson 2).
  Task<std::optional<Version>> version(std::string model_id, std::string id) const;
  Task<bool> remove_version(std::string model_id, std::string id);

 private:
  Task<RowSetPtr> load();
  Task<> write(std::vector<store::Bound> statements);

  store::Db& db_;
  std::mutex mutex_;
  // Guarded by mutex_.
  RowSetPtr current_;
  std::chrono::steady_clock::time_point at_;
  std::uint64_t writes_ = 0;  ///< What was read before one is not kept after it.
  std::uint64_t number_ = 0;
};

/// The grants a form asks for; what is none is passed over.
std::vector<Wanted> wanted_grants(const std::vector<json::Value>& forms);

}  // namespace antiphon::models

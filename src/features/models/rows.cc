#include "features/models/rows.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/text.h"

namespace antiphon::models {
namespace {

constexpr store::Sql kAll{"models.all", R"(
    SELECT id, user_id, base_model_id, name, params, meta, updated_at, created_at, is_active, version_id
      FROM model
     ORDER BY created_at DESC, id)"};
constexpr store::Sql kGrants{"models.grants", R"(
    SELECT id, resource_type, resource_id, principal_type, principal_id, permission, created_at
      FROM access_grant
     WHERE resource_type = 'model'
     ORDER BY created_at, id)"};
constexpr store::Sql kInsert{"models.insert", R"(
    INSERT INTO model (id, user_id, base_model_id, name, params, meta, updated_at, created_at, is_active, version_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10))"};
constexpr store::Sql kUpdate{"models.update", R"(
    UPDATE model
       SET base_model_id = $2, name = $3, params = $4, meta = $5, updated_at = $6, is_active = $7, version_id = $8
     WHERE id = $1)"};
constexpr store::Sql kSetActive{"models.set_active",
                                "UPDATE model SET is_active = $2, updated_at = $3 WHERE id = $1"};
constexpr store::Sql kDelete{"models.delete", "DELETE FROM model WHERE id = $1"};
constexpr store::Sql kDeleteGrants{
    "models.delete_grants",
    "DELETE FROM access_grant WHERE resource_type = 'model' AND resource_id = $1"};
constexpr store::Sql kDeleteHistory{"models.delete_history",
                                    "DELETE FROM model_history WHERE model_id = $1"};
constexpr store::Sql kDeleteAll{"models.delete_all", "DELETE FROM model"};
constexpr store::Sql kDeleteAllGrants{"models.delete_all_grants",
                                      "DELETE FROM access_grant WHERE resource_type = 'model'"};
constexpr store::Sql kDeleteAllHistory{"models.delete_all_history", "DELETE FROM model_history"};
constexpr store::Sql kGrant{"models.grant", R"(
    INSERT INTO access_grant (id, resource_type, resource_id, principal_type, principal_id, permission, created_at)
    VALUES ($1, 'model', $2, $3, $4, $5, $6))"};
constexpr store::Sql kVersion{"models.add_version", R"(
    INSERT INTO model_history (id, model_id, parent_id, snapshot, user_id, commit_message, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7))"};
constexpr store::Sql kHistory{"models.history", R"(
    SELECT id, model_id, parent_id, user_id, commit_message, created_at
      FROM model_history
     WHERE model_id = $1
     ORDER BY created_at DESC, id
     LIMIT 30 OFFSET $2)"};
constexpr store::Sql kOneVersion{"models.version", R"(
    SELECT id, model_id, parent_id, user_id, commit_message, created_at
      FROM model_history
     WHERE model_id = $1 AND id = $2)"};
constexpr store::Sql kSnapshot{"models.snapshot",
                               "SELECT snapshot FROM model_history WHERE model_id = $1 AND id = $2"};
constexpr store::Sql kDeleteVersion{"models.delete_version",
                                    "DELETE FROM model_history WHERE model_id = $1 AND id = $2"};

struct Snapshot {
  json::Value snapshot;
};
ANTIPHON_DTO(Snapshot, snapshot)
ANTIPHON_DTO_DEFINE(Snapshot)

json::Value snapshot_of(const Model& m) {
  return json::Object{
      {"name", m.name},
      {"base_model_id", m.base_model_id ? json::Value(*m.base_model_id) : json::Value()},
      {"params", m.params},
      {"meta", m.meta},
      {"is_active", m.is_active}};
}

void add_grants(std::vector<store::Bound>& out, const std::string& id,
                const std::vector<Wanted>& grants) {
  out.emplace_back(kDeleteGrants, id);
  std::set<Wanted> once(grants.begin(), grants.end());
  for (const Wanted& g : once)
    out.emplace_back(kGrant, uuid4(), id, g.principal_type, g.principal_id, g.permission,
                     unix_seconds());
}

/// Gives the row a new version, written by `by`.
void add_version(std::vector<store::Bound>& out, Model& row, const std::string& by,
                 const std::optional<std::string>& message) {
  std::optional<std::string> parent = std::exchange(row.version_id, uuid4());
  out.emplace_back(kVersion, *row.version_id, row.id, parent, snapshot_of(row), by, message,
                   row.updated_at);
}

void add_insert(std::vector<store::Bound>& out, const Model& m) {
  out.emplace_back(kInsert, m.id, m.user_id, m.base_model_id, m.name, m.params, m.meta, m.updated_at,
                   m.created_at, m.is_active, m.version_id);
}

void add_update(std::vector<store::Bound>& out, const Model& m) {
  out.emplace_back(kUpdate, m.id, m.base_model_id, m.name, m.params, m.meta, m.updated_at, m.is_active,
                   m.version_id);
}

}  // namespace

bool Registered::allows(const Reader& reader, Right right) const {
  return owned_by(reader) || granted(reader, right);
}

bool Registered::granted(const Reader& reader, Right right) const {
  if (reader.everything) return true;
  if (right == Right::own) return false;
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& g) {
    if (g.permission != name_of(right)) return false;
    if (g.principal_type == "user") return g.principal_id == "*" || g.principal_id == reader.id.value;
    return g.principal_type == "group" && reader.groups.contains(g.principal_id);
  });
}

RegisteredPtr RowSet::find(std::string_view id) const {
  auto found = by_id.find(id);
  return found == by_id.end() ? nullptr : found->second;
}

Task<RowSetPtr> Rows::current() {
  {
    std::scoped_lock lock(mutex_);
    if (current_ && std::chrono::steady_clock::now() - at_ < kFresh) co_return current_;
  }
  co_return co_await load();
}

Task<RowSetPtr> Rows::load() {
  std::uint64_t before = 0;
  auto now = std::chrono::steady_clock::now();
  {
    std::scoped_lock lock(mutex_);
    before = writes_;
  }
  std::vector<Model> rows = co_await db_.all<Model>(kAll);
  std::vector<Grant> grants = co_await db_.all<Grant>(kGrants);
  std::map<std::string, std::vector<Grant>, std::less<>> by_model;
  for (Grant& g : grants) by_model[g.resource_id].push_back(std::move(g));
  auto out = std::make_shared<RowSet>();
  for (Model& row : rows) {
    auto one = std::make_shared<Registered>();
    if (auto found = by_model.find(row.id); found != by_model.end())
      one->grants = std::move(found->second);
    one->row = std::move(row);
    out->by_id.emplace(one->row.id, one);
    out->all.push_back(std::move(one));
  }
  std::scoped_lock lock(mutex_);
  out->number = ++number_;
  if (writes_ == before) {
    current_ = out;
    at_ = now;
  }
  co_return out;
}

Task<> Rows::write(std::vector<store::Bound> statements) {
  {
    std::scoped_lock lock(mutex_);
    ++writes_;
  }
  co_await db_.batch(std::move(statements));
  std::scoped_lock lock(mutex_);
  ++writes_;
  current_ = nullptr;
}

Task<> Rows::create(Model row, std::vector<Wanted> grants, std::optional<std::string> message) {
  std::vector<store::Bound> out;
  add_version(out, row, row.user_id, message);
  add_insert(out, row);
  add_grants(out, row.id, grants);
  co_await write(std::move(out));
}

Task<> Rows::update(Model row, std::optional<std::vector<Wanted>> grants, UserId by,
                    std::optional<std::string> message) {
  std::vector<store::Bound> out;
  add_version(out, row, by.value, message);
  add_update(out, row);
  if (grants) add_grants(out, row.id, *grants);
  co_await write(std::move(out));
}

Task<> Rows::set_active(std::string id, bool active) {
  std::vector<store::Bound> out;
  out.emplace_back(kSetActive, id, active, unix_seconds());
  co_await write(std::move(out));
}

Task<> Rows::set_grants(std::string id, std::vector<Wanted> grants) {
  std::vector<store::Bound> out;
  add_grants(out, id, grants);
  co_await write(std::move(out));
}

Task<> Rows::remove(std::string id) {
  std::vector<store::Bound> out;
  for (const store::Sql& sql : {kDelete, kDeleteGrants, kDeleteHistory}) out.emplace_back(sql, id);
  co_await write(std::move(out));
}

Task<> Rows::remove_all() {
  std::vector<store::Bound> out;
  for (const store::Sql& sql : {kDeleteAll, kDeleteAllGrants, kDeleteAllHistory}) out.emplace_back(sql);
  co_await write(std::move(out));
}

Task<> Rows::replace_all(std::vector<std::pair<Model, std::vector<Wanted>>> models, UserId by) {
  std::vector<store::Bound> out;
  out.emplace_back(kDeleteAll);
  out.emplace_back(kDeleteAllGrants);
  for (auto& [row, grants] : models) {
    add_version(out, row, by.value, std::nullopt);
    add_insert(out, row);
    add_grants(out, row.id, grants);
  }
  co_await write(std::move(out));
}

Task<> Rows::put_all(std::vector<std::pair<Model, std::optional<std::vector<Wanted>>>> models,
                     UserId by) {
  RowSetPtr rows = co_await load();
  std::vector<store::Bound> out;
  for (auto& [row, grants] : models) {
    bool known = rows->find(row.id) != nullptr;
    add_version(out, row, by.value, std::nullopt);
    known ? add_update(out, row) : add_insert(out, row);
    if (grants) add_grants(out, row.id, *grants);
  }
  if (!out.empty()) co_await write(std::move(out));
}

Task<std::vector<Version>> Rows::history(std::string model_id, std::int64_t page) const {
  co_return co_await db_.all<Version>(kHistory, model_id, (page - 1) * 30);
}

Task<std::optional<Version>> Rows::version(std::string model_id, std::string id) const {
  auto out = co_await db_.first<Version>(kOneVersion, model_id, id);
  if (!out) co_return std::nullopt;
  if (auto saved = co_await db_.first<Snapshot>(kSnapshot, model_id, id))
    out->snapshot = std::move(saved->snapshot);
  co_return out;
}

Task<bool> Rows::remove_version(std::string model_id, std::string id) {
  std::int64_t gone = co_await db_.run(kDeleteVersion, model_id, id);
  co_return gone != 0;
}

std::vector<Wanted> wanted_grants(const std::vector<json::Value>& forms) {
  std::vector<Wanted> out;
  for (const json::Value& form : forms) {
    Wanted w{std::string(json::text_at(form, "principal_type")),
             std::string(json::text_at(form, "principal_id")),
             std::string(json::text_at(form, "permission"))};
    bool type = w.principal_type == "user" || w.principal_type == "group";
    bool right = w.permission == "read" || w.permission == "write";
    if (type && right && !w.principal_id.empty() && w.principal_id.size() <= 128 && out.size() < 1000)
      out.push_back(w);
  }
  return out;
}

}  // namespace antiphon::models

#pragma once

#include "features/models/service.h"

namespace antiphon::models {

/// What users do with models they may edit. Every function checks the caller's rights itself.
class Workspace {
 public:
  explicit Workspace(Models& models) : models_(models) {}

  Task<ModelList> list(const User& me, ListQuery query);
  /// Overrides of base models.
  Task<std::vector<ModelView>> base(std::optional<std::string> tag);
  Task<std::vector<ModelView>> all();
  /// Tags of what the caller may read; with `base`, of the overrides.
  Task<std::vector<std::string>> tags(const User& me, bool base);
  Task<ModelView> show(const User& me, std::string id);

  Task<ModelView> create(const User& me, ModelForm form);
  Task<ModelView> update(const User& me, std::string id, ModelForm form);
  Task<ModelView> toggle(const User& me, std::string id);
  Task<ModelView> share(const User& me, ModelGrantsForm form);
  Task<> remove(const User& me, std::string id);

  Task<std::vector<ModelView>> exported(const User& me, std::optional<std::vector<std::string>> ids);
  /// Creates what is not there and updates what the caller may write; else nothing at all (row 67).
  Task<> import(const User& me, std::vector<json::Value> models);
  /// Makes these the only ones.
  Task<std::vector<ModelView>> sync(const User& me, std::vector<json::Value> models);

  Task<std::vector<json::Value>> history(const User& me, HistoryQuery query);
  Task<Version> version(const User& me, std::string id, std::string version_id);
  Task<bool> remove_version(const User& me, std::string id, std::string version_id);
  Task<ModelView> restore(const User& me, std::string id, std::string version_id);

 private:
  Task<std::vector<Wanted>> permitted(const User& me, std::vector<Wanted> wanted, bool strict);
  /// Throws unless the caller may have such a row: one that says something of a server's model is for
  /// administrators, and a preset must not have a server's model's id.
  Task<> check_kind(const User& me, const Model& row);
  Task<ModelView> fresh(std::string id);
  Task<json::Value> person(std::string user_id);
  Task<json::Value> author(std::string user_id);  ///< `{name}`, or an empty object.

  Models& models_;
};

}  // namespace antiphon::models

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/dto.h"

namespace antiphon::models {

/// A row of `model`: what is said of a base model (base_model_id null), or a preset.
struct Model {
  static constexpr std::string_view kKind = "model";

  std::string id;
  std::string user_id;
  std::optional<std::string> base_model_id;
  std::string name;
  json::Value params;
  json::Value meta;
  std::int64_t updated_at = 0;
  std::int64_t created_at = 0;
  bool is_active = true;
  std::optional<std::string> version_id;
};
ANTIPHON_DTO(Model, id, user_id, base_model_id, name, params, meta, updated_at, created_at, is_active,
             version_id)

/// A row of `access_grant`.
struct Grant {
  std::string id;
  std::string resource_type;
  std::string resource_id;
  std::string principal_type;
  std::string principal_id;
  std::string permission;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(Grant, id, resource_type, resource_id, principal_type, principal_id, permission,
             created_at)

/// What a client may say of how a model looks; other members are kept.
struct ModelMeta {
  std::optional<std::string> profile_image_url;
  std::optional<std::string> background_image_url;
  std::optional<std::string> description;
  std::optional<json::Value> i18n;
  std::optional<json::Value> capabilities;
  std::optional<json::Value> knowledge;
  std::optional<json::Value> voice;
  std::optional<json::Value> voice_avatar;
  json::Rest rest;
};
ANTIPHON_DTO(ModelMeta, profile_image_url, background_image_url, description, i18n, capabilities,
             knowledge, voice, voice_avatar, rest)

/// Parameters of any name.
struct ModelParams {
  json::Rest rest;
};
ANTIPHON_DTO(ModelParams, rest)

struct ModelForm {
  std::optional<std::string> commit_message;
  json::Text<1, 256> id;
  std::optional<std::string> base_model_id;
  json::Text<1, 512> name;
  ModelMeta meta;
  ModelParams params;
  std::optional<std::vector<json::Value>> access_grants;
  json::Flag<true> is_active;
};
ANTIPHON_DTO(ModelForm, commit_message, id, base_model_id, name, meta, params, access_grants, is_active)

/// A model as clients read it.
struct ModelView {
  std::optional<std::string> version_id;
  std::string id;
  std::string user_id;
  std::optional<std::string> base_model_id;
  std::string name;
  json::Value params;
  json::Value meta;
  std::vector<Grant> access_grants;
  bool is_active = true;
  std::int64_t updated_at = 0;
  std::int64_t created_at = 0;
  json::Patch<json::Value> user;  ///< The owner, for lists.
  json::Patch<bool> write_access;
};
ANTIPHON_DTO(ModelView, version_id, id, user_id, base_model_id, name, params, meta, access_grants,
             is_active, updated_at, created_at, user, write_access)

struct ModelList {
  std::vector<ModelView> items;
  std::int64_t total = 0;
};
ANTIPHON_DTO(ModelList, items, total)

/// A row of `model_history`.
struct Version {
  std::string id;
  std::string model_id;
  std::optional<std::string> parent_id;
  std::string user_id;
  std::optional<std::string> commit_message;
  std::int64_t created_at = 0;
  json::Patch<json::Value> snapshot;  ///< Left out of lists.
  json::Patch<json::Value> user;      ///< Who made it: `{name}`.
};
ANTIPHON_DTO(Version, id, model_id, parent_id, user_id, commit_message, created_at, snapshot, user)

struct IdQuery {
  json::Text<1, 256> id;
};
ANTIPHON_DTO(IdQuery, id)

struct HistoryQuery {
  json::Text<1, 256> id;
  json::Number<1, 1, 100'000> page;
};
ANTIPHON_DTO(HistoryQuery, id, page)

struct ListQuery {
  std::optional<std::string> query;
  std::optional<std::string> view_option;
  std::optional<std::string> tag;
  std::optional<std::string> order_by;
  std::optional<std::string> direction;
  json::Number<1, 1, 100'000> page;
};
ANTIPHON_DTO(ListQuery, query, view_option, tag, order_by, direction, page)

struct TagQuery {
  std::optional<std::string> tag;
};
ANTIPHON_DTO(TagQuery, tag)

struct IdsQuery {
  std::optional<std::vector<std::string>> ids;
};
ANTIPHON_DTO(IdsQuery, ids)

struct RefreshQuery {
  json::Flag<false> refresh;
};
ANTIPHON_DTO(RefreshQuery, refresh)

struct ModelIdForm {
  json::Text<1, 256> id;
};
ANTIPHON_DTO(ModelIdForm, id)

struct VersionForm {
  json::Text<1, 64> version_id;
};
ANTIPHON_DTO(VersionForm, version_id)

struct ModelGrantsForm {
  json::Text<1, 256> id;
  std::optional<std::string> name;
  std::vector<json::Value> access_grants;
};
ANTIPHON_DTO(ModelGrantsForm, id, name, access_grants)

struct ModelsForm {
  json::List<json::Value, 10'000> models;
};
ANTIPHON_DTO(ModelsForm, models)

}  // namespace antiphon::models

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "http/caller.h"
#include "json/dto.h"

namespace antiphon::users {

/// A user as the owner and administrators see him.
struct UserModel {
  std::string id;
  std::string email;
  std::optional<std::string> username;
  std::string role;
  std::string name;
  std::string profile_image_url;
  std::optional<std::string> profile_banner_image_url;
  std::optional<std::string> bio;
  std::optional<std::string> gender;
  std::optional<std::string> date_of_birth;
  std::optional<std::string> timezone;
  std::optional<std::string> presence_state;
  std::optional<std::string> status_emoji;
  std::optional<std::string> status_message;
  std::optional<std::int64_t> status_expires_at;
  json::Value info;
  json::Value settings;
  json::Value oauth;
  json::Value scim;
  std::int64_t last_active_at = 0;
  std::int64_t updated_at = 0;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(UserModel, id, email, username, role, name, profile_image_url, profile_banner_image_url,
             bio, gender, date_of_birth, timezone, presence_state, status_emoji, status_message,
             status_expires_at, info, settings, oauth, scim, last_active_at, updated_at, created_at)

struct GroupName {
  std::string id;
  std::string name;
};
ANTIPHON_DTO(GroupName, id, name)

/// A row of the administrator's list.
struct ListedUser {
  std::string id;
  std::string email;
  std::optional<std::string> username;
  std::string role;
  std::string name;
  std::string profile_image_url;
  std::optional<std::string> profile_banner_image_url;
  std::optional<std::string> bio;
  std::optional<std::string> gender;
  std::optional<std::string> date_of_birth;
  std::optional<std::string> timezone;
  std::optional<std::string> presence_state;
  std::optional<std::string> status_emoji;
  std::optional<std::string> status_message;
  std::optional<std::int64_t> status_expires_at;
  json::Value info;
  json::Value settings;
  json::Value oauth;
  json::Value scim;
  std::int64_t last_active_at = 0;
  std::int64_t updated_at = 0;
  std::int64_t created_at = 0;
  std::vector<std::string> group_ids;
};
ANTIPHON_DTO(ListedUser, id, email, username, role, name, profile_image_url, profile_banner_image_url,
             bio, gender, date_of_birth, timezone, presence_state, status_emoji, status_message,
             status_expires_at, info, settings, oauth, scim, last_active_at, updated_at, created_at,
             group_ids)

struct UserPage {
  std::vector<ListedUser> users;
  std::int64_t total = 0;
};
ANTIPHON_DTO(UserPage, users, total)

/// A user as others see him.
struct UserInfo {
  std::optional<std::string> status_emoji;
  std::optional<std::string> status_message;
  std::optional<std::int64_t> status_expires_at;
  std::string id;
  std::string name;
  std::string email;
  std::string role;
  std::optional<std::string> bio;
  std::optional<std::int64_t> last_active_at;
  std::optional<std::string> timezone;
  std::vector<GroupName> groups;
  bool is_active = false;
};
ANTIPHON_DTO(UserInfo, status_emoji, status_message, status_expires_at, id, name, email, role, bio,
             last_active_at, timezone, groups, is_active)

struct InfoPage {
  std::vector<UserInfo> users;
  std::int64_t total = 0;
};
ANTIPHON_DTO(InfoPage, users, total)

/// GET /api/v1/users/{id}, for administrators.
struct UserDetails {
  std::optional<std::string> status_emoji;
  std::optional<std::string> status_message;
  std::optional<std::int64_t> status_expires_at;
  std::string name;
  std::string profile_image_url;
  std::vector<GroupName> groups;
  bool is_active = false;
  std::string id;
  std::string email;
  std::optional<std::string> username;
  std::string role;
  std::optional<std::string> profile_banner_image_url;
  std::optional<std::string> bio;
  std::optional<std::string> gender;
  std::optional<std::string> date_of_birth;
  std::optional<std::string> timezone;
  std::optional<std::string> presence_state;
  json::Value info;
  json::Value settings;
  json::Value oauth;
  json::Value scim;
  std::int64_t last_active_at = 0;
  std::int64_t updated_at = 0;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(UserDetails, status_emoji, status_message, status_expires_at, name, profile_image_url,
             groups, is_active, id, email, username, role, profile_banner_image_url, bio, gender,
             date_of_birth, timezone, presence_state, info, settings, oauth, scim, last_active_at,
             updated_at, created_at)

/// What messages show of their author.
struct UserName {
  std::string id;
  std::string name;
  std::string role;
};
ANTIPHON_DTO(UserName, id, name, role)

struct ListOptions {
  std::optional<std::string> query;
  std::optional<std::string> order_by;
  std::optional<std::string> direction;
  json::Number<1, 0, 1'000'000> page;
};
ANTIPHON_DTO(ListOptions, query, order_by, direction, page)

struct UpdateForm {
  std::optional<std::string> role;
  std::optional<std::string> name;
  std::optional<std::string> email;
  std::optional<std::string> profile_image_url;
  std::optional<std::string> password;
};
ANTIPHON_DTO(UpdateForm, role, name, email, profile_image_url, password)

struct StatusForm {
  json::Patch<json::Text<0, 32>> status_emoji;
  json::Patch<json::Text<0, 256>> status_message;
  json::Patch<std::int64_t> status_expires_at;
};
ANTIPHON_DTO(StatusForm, status_emoji, status_message, status_expires_at)

struct Variables {
  json::Value variables;
};
ANTIPHON_DTO(Variables, variables)

struct VariablesForm {
  std::optional<json::Value> variables;
};
ANTIPHON_DTO(VariablesForm, variables)

struct Active {
  bool active = false;
};
ANTIPHON_DTO(Active, active)

struct InheritedOption {
  json::Flag<false> include_inherited;
};
ANTIPHON_DTO(InheritedOption, include_inherited)

}  // namespace antiphon::users

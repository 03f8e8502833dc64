#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "auth/api_keys.h"
#include "json/dto.h"

namespace antiphon::auths {

struct SigninForm {
  std::string email;
  std::string password;
};
ANTIPHON_DTO(SigninForm, email, password)

struct SignupForm {
  std::string name;
  std::string email;
  std::string password;
  std::optional<std::string> profile_image_url;
};
ANTIPHON_DTO(SignupForm, name, email, password, profile_image_url)

struct AddForm {
  std::string name;
  std::string email;
  std::string password;
  std::optional<std::string> profile_image_url;
  std::optional<std::string> role;
};
ANTIPHON_DTO(AddForm, name, email, password, profile_image_url, role)

struct PasswordForm {
  std::string password;
  std::string new_password;
};
ANTIPHON_DTO(PasswordForm, password, new_password)

struct ProfileForm {
  std::string profile_image_url;
  std::string name;
  std::optional<json::Text<0, 2000>> bio;
  std::optional<json::Text<0, 100>> gender;
  std::optional<std::string> date_of_birth;
};
ANTIPHON_DTO(ProfileForm, profile_image_url, name, bio, gender, date_of_birth)

struct TimezoneForm {
  json::Text<1, 64> timezone;
};
ANTIPHON_DTO(TimezoneForm, timezone)

/// What signing in and up answer.
struct SessionReply {
  std::string id;
  std::string name;
  std::string role;
  std::string email;
  std::string profile_image_url;
  std::string token;
  std::string token_type;
  std::optional<std::int64_t> expires_at;
  json::Value permissions;
};
ANTIPHON_DTO(SessionReply, id, name, role, email, profile_image_url, token, token_type, expires_at,
             permissions)

/// GET /api/v1/auths/
struct SessionInfo {
  std::optional<std::string> status_emoji;
  std::optional<std::string> status_message;
  std::optional<std::int64_t> status_expires_at;
  std::string id;
  std::string name;
  std::string role;
  std::string email;
  std::string profile_image_url;
  std::string token;
  std::string token_type;
  std::optional<std::int64_t> expires_at;
  json::Value permissions;
  std::optional<std::string> bio;
  std::optional<std::string> gender;
  std::optional<std::string> date_of_birth;
};
ANTIPHON_DTO(SessionInfo, status_emoji, status_message, status_expires_at, id, name, role, email,
             profile_image_url, token, token_type, expires_at, permissions, bio, gender, date_of_birth)

struct Profile {
  std::string id;
  std::string name;
  std::string role;
  std::string email;
  std::string profile_image_url;
};
ANTIPHON_DTO(Profile, id, name, role, email, profile_image_url)

struct Done {
  bool status = true;
};
ANTIPHON_DTO(Done, status)

struct SignedOut {
  bool status = true;
  json::Patch<std::string> redirect_url;
};
ANTIPHON_DTO(SignedOut, status, redirect_url)

struct Contact {
  std::optional<std::string> name;
  std::optional<std::string> email;
};
ANTIPHON_DTO(Contact, name, email)

/// Open WebUI's one key: shown whole when it is made, masked afterwards.
struct OneKey {
  std::optional<std::string> api_key;
};
ANTIPHON_DTO(OneKey, api_key)

struct KeyForm {
  json::Text<1, 100> name;
  std::optional<json::List<std::string, 10>> scopes;
  std::optional<std::int64_t> expires_at;
};
ANTIPHON_DTO(KeyForm, name, scopes, expires_at)

struct NewKey {
  std::string api_key;  ///< Shown this once.
  auth::ApiKeyView key;
};
ANTIPHON_DTO(NewKey, api_key, key)

struct LdapForm {
  std::string user;
  std::string password;
};
ANTIPHON_DTO(LdapForm, user, password)

struct MfaStatus {
  bool enabled = false;
  bool required = false;
  std::int64_t recovery_codes_remaining = 0;
};
ANTIPHON_DTO(MfaStatus, enabled, required, recovery_codes_remaining)

}  // namespace antiphon::auths

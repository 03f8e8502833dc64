#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "auth/password.h"
#include "config/setting.h"

namespace antiphon::auth {

/// Seconds in "4w", "1h30m", "90" ("90" is seconds); 0 for "0" and "-1": never ends. Nothing when it is
/// neither.
std::optional<std::int64_t> parse_duration(std::string_view text);

/// How people and programs sign in, and what they may do by default.
struct Settings : config::Group {
  Settings();
  void check(const config::Values&) const override;

  config::Bool webui_auth = env("WEBUI_AUTH", true)
                                .on_restart()
                                .cluster_wide()
                                .help(
                                    "False: no sign-in, everybody is the one administrator. For a "
                                    "single person's own machine.");
  config::SecretText secret_key =
      env_secret("WEBUI_SECRET_KEY")
          .also("WEBUI_JWT_SECRET_KEY")
          .on_restart()
          .help("Signs sessions and seals secrets. Without it one is made and kept in the database.");
  config::Text secret_key_file =
      env("WEBUI_SECRET_KEY_FILE", "")
          .on_restart()
          .help("File holding the secret key, read when WEBUI_SECRET_KEY is not set.");
  config::SecretText previous_keys =
      env_secret("ANTIPHON_SECRET_KEYS")
          .on_restart()
          .help("Earlier secret keys that still verify, as `kid:key,key,…`; for rotating the key.");

  config::Bool enable_signup =
      env("ENABLE_SIGNUP", true)
          .key("ui.enable_signup")
          .help("Lets people create accounts themselves. Turned off once the first one has.");
  config::Bool enable_initial_admin_signup =
      env("ENABLE_INITIAL_ADMIN_SIGNUP", false)
          .help("Lets the first account be created even when the sign-in form is off.");
  config::Bool enable_login_form = env("ENABLE_LOGIN_FORM", true)
                                       .key("ui.enable_login_form")
                                       .help("Shows the form for e-mail and password.");
  config::Bool enable_password_change_form = env("ENABLE_PASSWORD_CHANGE_FORM", true)
                                                 .key("ui.enable_password_change_form")
                                                 .help("Shows the form for changing one's password.");
  config::Bool enable_signup_password_confirmation =
      env("ENABLE_SIGNUP_PASSWORD_CONFIRMATION", false).help("Asks for a new password twice.");
  config::Bool enable_password_auth =
      env("ENABLE_PASSWORD_AUTH", true).help("False: nobody signs in with a password.");
  config::Text default_user_role = env("DEFAULT_USER_ROLE", "pending")
                                       .key("ui.default_user_role")
                                       .one_of({"pending", "user", "admin"})
                                       .help("Role of new accounts.");
  config::Text default_group_id = env("DEFAULT_GROUP_ID", "")
                                      .key("ui.default_group_id")
                                      .at_most(100)
                                      .help("Group that new accounts join.");
  config::Bool show_admin_details =
      env("SHOW_ADMIN_DETAILS", true).key("auth.admin.show").help("Shows waiting users whom to ask.");
  config::OptionalText admin_email = env_optional_text("ADMIN_EMAIL")
                                         .key("auth.admin.email")
                                         .help("The address shown to them; else the administrator's.");

  config::Text jwt_expires_in = env("JWT_EXPIRES_IN", "4w")
                                    .key("auth.jwt_expiry")
                                    .at_most(64)
                                    .help("How long a session lasts: 30m, 12h, 4w…; -1 for ever.");
  config::Text session_cookie_same_site = env("WEBUI_AUTH_COOKIE_SAME_SITE", "lax")
                                              .also("WEBUI_SESSION_COOKIE_SAME_SITE")
                                              .one_of({"lax", "strict", "none"})
                                              .help("SameSite of the session cookie.");
  config::Bool session_cookie_secure =
      env("WEBUI_AUTH_COOKIE_SECURE", false)
          .also("WEBUI_SESSION_COOKIE_SECURE")
          .help("Sends the session cookie over HTTPS only. On by itself when a request came so.");
  config::Text signout_redirect_url = env("WEBUI_AUTH_SIGNOUT_REDIRECT_URL", "")
                                          .at_most(2048)
                                          .help("Where the client goes after signing out.");

  config::Text admin_email_at_start =
      env("WEBUI_ADMIN_EMAIL", "")
          .on_restart()
          .help("Creates this administrator when there is no user yet.");
  config::SecretText admin_password_at_start =
      env_secret("WEBUI_ADMIN_PASSWORD").on_restart().help("That administrator's password.");
  config::Text admin_name_at_start =
      env("WEBUI_ADMIN_NAME", "Admin").on_restart().help("That administrator's name.");

  config::Text trusted_email_header =
      env("WEBUI_AUTH_TRUSTED_EMAIL_HEADER", "")
          .on_restart()
          .help("Header in which a trusted proxy (FORWARDED_ALLOW_IPS) names the user's e-mail.");
  config::Text trusted_name_header = env("WEBUI_AUTH_TRUSTED_NAME_HEADER", "")
                                         .on_restart()
                                         .help("Header with the user's name, URL-encoded.");
  config::Text trusted_groups_header = env("WEBUI_AUTH_TRUSTED_GROUPS_HEADER", "")
                                           .on_restart()
                                           .help("Header with the names of the user's groups.");
  config::Text trusted_role_header =
      env("WEBUI_AUTH_TRUSTED_ROLE_HEADER", "").on_restart().help("Header with the user's role.");

  config::Bool enable_password_validation =
      env("ENABLE_PASSWORD_VALIDATION", false).help("New passwords must match the pattern below.");
  config::Text password_pattern =
      env("PASSWORD_VALIDATION_REGEX_PATTERN", "")
          .at_most(1024)
          .help(
              "Lookaheads and a POSIX expression. Empty: a lower and an upper case letter, a digit "
              "and a sign.");
  config::Text password_hint = env("PASSWORD_VALIDATION_HINT", "").help("Said when it does not match.");

  config::Bool enable_api_keys =
      env("ENABLE_API_KEYS", false).key("auth.enable_api_keys").help("API keys for programs.");
  config::Bool restrict_api_keys = env("ENABLE_API_KEYS_ENDPOINT_RESTRICTIONS", false)
                                       .also("ENABLE_API_KEY_ENDPOINT_RESTRICTIONS")
                                       .key("auth.api_key.endpoint_restrictions")
                                       .help("API keys reach only the paths below.");
  config::Text api_key_endpoints =
      env("API_KEYS_ALLOWED_ENDPOINTS", "")
          .also("API_KEY_ALLOWED_ENDPOINTS")
          .key("auth.api_key.allowed_endpoints")
          .help("Paths, with commas between; each includes what is below it.");
  config::Text api_key_header = env("CUSTOM_API_KEY_HEADER", "x-api-key")
                                    .on_restart()
                                    .help("Another header that may carry an API key.");

  config::Json user_permissions = env_json("USER_PERMISSIONS", "{}")
                                      .key("user.permissions")
                                      .at_most(64 * 1024)
                                      .help("What users may do, unless a group of theirs allows more.");
  config::Bool bypass_admin_access_control =
      env("BYPASS_ADMIN_ACCESS_CONTROL", true)
          .also("ENABLE_ADMIN_WORKSPACE_CONTENT_ACCESS")
          .help("Administrators see and use everything, whoever it is shared with.");

  config::List image_types =
      env_list("PROFILE_IMAGE_ALLOWED_MIME_TYPES",
               {"image/png", "image/jpeg", "image/gif", "image/webp"})
          .separated_by(',')
          .help("Types of profile images; only raster images are ever accepted.");
  config::OptionalInt image_bytes =
      env_optional_int("PROFILE_IMAGE_MAX_DATA_URI_SIZE")
          .help("Bytes of a profile image's data: URL; 1 MiB when not set.");

  /// How long a session issued now lasts, in seconds; 0 is for ever.
  std::int64_t session_seconds() const;
  PasswordPolicy password_policy() const;
};

/// What each permission is when neither the database nor a group says otherwise: USER_PERMISSIONS_….
class PermissionDefaults : public config::Group {
 public:
  PermissionDefaults();
  /// False for a leaf nobody knows.
  bool allows(std::string_view leaf) const;
  /// The whole tree.
  json::Value tree() const;

 private:
  std::deque<config::Bool> leaves_;  ///< In the order of permission_leaves().
  std::map<std::string, const config::Bool*, std::less<>> by_name_;
};

}  // namespace antiphon::auth

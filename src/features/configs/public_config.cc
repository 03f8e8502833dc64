#include "features/configs/public_config.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <span>

#include "auth/permissions.h"
#include "features/configs/members.h"
#include "json/text.h"

namespace antiphon::configs {
namespace {

using json::Object;
using json::Value;

// The order is upstream's.
constexpr Member kEverybody[] = {
    {"slim", "", "false"},
    {"auth", "WEBUI_AUTH", "true"},
    {"auth_trusted_header", "", "false"},
    {"enable_signup_password_confirmation", "ENABLE_SIGNUP_PASSWORD_CONFIRMATION", "false"},
    {"enable_ldap", "ldap.enable", "false"},
    {"enable_signup", "ui.enable_signup", "true"},
    {"enable_login_form", "ui.enable_login_form", "true"},
    {"enable_websocket", "ENABLE_WEBSOCKET_SUPPORT", "true"},
};

constexpr Member kSignedIn[] = {
    {"enable_api_keys", "auth.enable_api_keys", "false", "/api/v1/auths/api_key"},
    {"enable_password_change_form", "ui.enable_password_change_form", "true"},
    {"enable_version_update_check", "", "false"},
    {"enable_pyodide_file_persistence", "ENABLE_PYODIDE_FILE_PERSISTENCE", "false"},
    {"enable_public_active_users_count", "ENABLE_PUBLIC_ACTIVE_USERS_COUNT", "true"},
    {"enable_easter_eggs", "ENABLE_EASTER_EGGS", "false"},
    {"enable_direct_connections", "direct.enable", "false"},
    {"enable_direct_integrations", "direct.integrations.enable", "false"},
    {"enable_plugins", "ENABLE_PLUGINS", "false", "/api/v1/functions/create"},
    {"enable_tools", "ENABLE_TOOLS", "false", "/api/v1/tools/create"},
    {"enable_functions", "ENABLE_FUNCTIONS", "false", "/api/v1/functions/create"},
    {"enable_tool_servers", "ENABLE_TOOL_SERVERS", "false", "/api/v1/configs/tool_servers/verify"},
    {"enable_terminal_servers", "", "false"},
    {"enable_folders", "folders.enable", "false", "/api/v1/folders"},
    {"folder_max_file_count", "folders.max_file_count", "\"\""},
    {"enable_channels", "channels.enable", "false", "/api/v1/channels/create"},
    {"enable_encrypted_channels", "channels.encryption.enable", "false", "/api/v1/channels/create"},
    {"enable_apps", "apps.enable", "false", "/api/v1/apps"},
    {"enable_calendar", "calendar.enable", "false", "/api/v1/calendars/create"},
    {"enable_automations", "automations.enable", "false", "/api/v1/automations/create"},
    {"enable_notes", "notes.enable", "false", "/api/v1/notes/create"},
    {"enable_context_compaction", "chat.context_compaction.enable", "false"},
    {"enable_tool_permissions", "chat.tool_permissions.enable", "false"},
    {"enable_web_search", "web.search.enable", "false", "/api/v1/retrieval/process/web/search"},
    {"enable_web_search_confirmation", "web.search.confirmation.enable", "false"},
    {"web_search_confirmation_content", "web.search.confirmation.content", "\"\""},
    {"enable_code_execution", "code_execution.enable", "true"},
    {"enable_code_interpreter", "code_interpreter.enable", "false"},
    {"enable_image_generation", "image_generation.enable", "false", "/api/v1/images/generations"},
    {"enable_autocomplete_generation", "task.autocomplete.enable", "false"},
    {"enable_title_generation", "task.title.enable", "true"},
    {"enable_follow_up_generation", "task.follow_up.enable", "true"},
    {"enable_tags_generation", "task.tags.enable", "true"},
    {"enable_community_sharing", "ui.enable_community_sharing", "true"},
    {"enable_message_rating", "ui.enable_message_rating", "false", "/api/v1/evaluations"},
    {"enable_user_webhooks", "ui.enable_user_webhooks", "false", "/api/v1/notifications"},
    {"enable_user_status", "users.enable_status", "false", "/api/v1/users/user/status"},
    {"enable_admin_export", "ENABLE_ADMIN_EXPORT", "false", "/api/v1/chats/all/db"},
    {"enable_admin_chat_access", "ENABLE_ADMIN_CHAT_ACCESS", "true"},
    {"enable_admin_analytics", "ENABLE_ADMIN_ANALYTICS", "false", "/api/v1/analytics"},
    {"enable_google_drive_integration", "google_drive.enable", "false"},
    {"enable_onedrive_integration", "onedrive.enable", "false"},
    {"enable_memories", "memories.enable", "false", "/api/v1/memories/add"},
    {"enable_subagents", "subagents.enable", "false"},
};

/// Paths below the top, for users and admins.
constexpr Member kUsers[] = {
    {"default_models", "ui.default_models", "null"},
    {"default_pinned_models", "ui.default_pinned_models", "null"},
    {"default_prompt_suggestions", "ui.prompt_suggestions", "null"},
    {"default_prompt_suggestions_i18n", "ui.prompt_suggestions_i18n", "{}"},
    {"code.engine", "code_execution.engine", "\"pyodide\""},
    {"code.interpreter_engine", "code_interpreter.engine", "\"pyodide\""},
    {"audio.realtime.enabled", "audio.realtime.enabled", "false"},
    {"audio.realtime.model", "audio.realtime.model", "\"\""},
    {"audio.realtime.voice", "audio.realtime.voice", "\"\""},
    {"audio.tts.engine", "audio.tts.engine", "\"\""},
    {"audio.tts.voice", "audio.tts.voice", "\"alloy\""},
    {"audio.tts.split_on", "audio.tts.split_on", "\"punctuation\""},
    {"audio.stt.engine", "audio.stt.engine", "\"\""},
    {"file.max_size", "rag.file.max_size", "null"},
    {"file.max_count", "rag.file.max_count", "null"},
    {"file.allowed_extensions", "rag.file.allowed_extensions", "[]"},
    {"file.image_compression.width", "file.image_compression_width", "null"},
    {"file.image_compression.height", "file.image_compression_height", "null"},
    {"permissions", "", "{}"},
    {"google_drive.client_id", "google_drive.client_id", "\"\""},
    {"google_drive.api_key", "google_drive.api_key", "\"\""},
    {"onedrive.client_id_personal", "", "\"\""},
    {"onedrive.client_id_business", "", "\"\""},
    {"onedrive.sharepoint_url", "onedrive.sharepoint_url", "\"\""},
    {"onedrive.sharepoint_tenant_id", "onedrive.sharepoint_tenant_id", "\"\""},
    {"ui.default_interface_settings", "ui.default_interface_settings", "{}"},
    {"ui.visibility", "ui.visibility", "{}"},
    {"ui.pending_user_overlay_title", "ui.pending_user_overlay_title", "\"\""},
    {"ui.pending_user_overlay_content", "ui.pending_user_overlay_content", "\"\""},
    {"ui.response_watermark", "ui.watermark", "\"\""},
    {"ui.iframe_csp", "IFRAME_CSP", "\"\""},
    {"license_metadata", "", "null"},
};

constexpr Member kPending[] = {
    {"ui.pending_user_overlay_title", "ui.pending_user_overlay_title", "\"\""},
    {"ui.pending_user_overlay_content", "ui.pending_user_overlay_content", "\"\""},
};

/// Puts a value where a dotted path says.
void put(Object& into, std::string_view path, Value value) {
  std::size_t dot = path.find('.');
  if (dot == path.npos) {
    into[path] = std::move(value);
    return;
  }
  Value& inner = into[path.substr(0, dot)];
  if (!inner.is_object()) inner = Object{};
  put(inner.get_object(), path.substr(dot + 1), std::move(value));
}

/// What a feature needs is the route that makes its first thing: lists are there, and empty, before.
bool has_route_below(const http::Router& router, std::string_view path) {
  for (const http::Route& route : router.routes())
    if (route.path.starts_with(path)) return true;
  return false;
}

}  // namespace

PublicConfig::Layer PublicConfig::layer_of(const Caller& caller) {
  if (caller.via == Caller::Via::nothing) return Layer::anonymous;
  return caller.role == Role::pending ? Layer::pending : Layer::user;
}

void PublicConfig::put_all(Object& into, std::span<const Member> members) const {
  for (const Member& member : members) {
    bool there = member.needs.empty() || has_route_below(router_, member.needs);
    put(into, member.name, there ? value_of(registry_, member) : *json::try_parse(member.otherwise));
  }
}

Value PublicConfig::build(Layer layer, const std::string& api) const {
  Object features;
  put_all(features, kEverybody);
  features["auth_trusted_header"] = !auth_.trusted_email_header().empty();
  if (layer != Layer::anonymous) put_all(features, kSignedIn);
  Object out{{"status", true},
             {"name", registry_.value_of("WEBUI_NAME", "Antiphon")},
             {"version", api},
             {"default_locale", registry_.value_of("ui.default_locale", "")},
             {"i18n", registry_.value_of("ui.i18n", Object{})},
             {"oauth", Object{{"providers", Object{}}, {"auto_redirect", false}}},
             {"features", std::move(features)}};
  if (layer == Layer::pending) put_all(out, kPending);
  if (layer != Layer::user) return out;
  put_all(out, kUsers);
  out["permissions"] = auth::complete_permissions(*auth_.user_permissions.share(), permissions_.tree());
  return out;
}

std::shared_ptr<const std::string> PublicConfig::made(Layer layer, const std::string& api) {
  std::uint64_t revision = registry_.revision();
  std::scoped_lock lock(mutex_);
  Made& made = made_[static_cast<std::size_t>(layer)];
  if (!made.text || made.revision != revision || made.api != api)
    made = {revision, api, std::make_shared<const std::string>(json::serialize(build(layer, api)))};
  return made.text;
}

std::string PublicConfig::text(const Caller& caller, bool onboarding, const std::string& api) {
  std::string out = *made(layer_of(caller), api);
  if (onboarding && layer_of(caller) == Layer::anonymous) out.insert(1, R"("onboarding":true,)");
  return out;
}

}  // namespace antiphon::configs

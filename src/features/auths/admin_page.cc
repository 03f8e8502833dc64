#include "features/auths/admin_page.h"

#include <array>
#include <boost/json.hpp>
#include <string_view>

#include "base/problem.h"
#include "config/admin_page.h"
#include "json/text.h"

namespace antiphon::auths {
namespace {

/// Of things that are not here yet: shown as off, and refused when turned on.
constexpr std::array<std::string_view, 3> kAlwaysOff = {"ENABLE_MFA", "MFA_ALLOW_OAUTH_BYPASS",
                                                        "MFA_ALLOW_TRUSTED_HEADER_BYPASS"};

config::AdminPage page_of(const Parts& parts) {
  const auth::Settings& s = parts.settings;
  const config::General& g = parts.general;
  return config::AdminPage(parts.config, {s.show_admin_details,
                                          s.admin_email,
                                          g.webui_url,
                                          s.enable_login_form,
                                          s.enable_signup,
                                          s.enable_api_keys,
                                          s.restrict_api_keys,
                                          s.api_key_endpoints,
                                          s.default_user_role,
                                          s.default_group_id,
                                          g.default_interface_settings,
                                          {g.i18n, "I18N"},
                                          s.jwt_expires_in,
                                          g.enable_community_sharing,
                                          g.enable_message_rating,
                                          g.enable_folders,
                                          g.folder_max_file_count,
                                          g.automation_max_count,
                                          g.automation_min_interval,
                                          g.enable_automations,
                                          g.enable_channels,
                                          g.enable_encrypted_channels,
                                          g.enable_apps,
                                          g.channel_model_response_mode,
                                          g.enable_calendar,
                                          g.enable_memories,
                                          g.enable_memory_system_context,
                                          g.enable_skill_lazy_loading,
                                          g.skill_content_max_chars,
                                          g.skill_preview_max_chars,
                                          g.enable_notes,
                                          g.enable_user_webhooks,
                                          g.enable_user_status,
                                          g.pending_user_overlay_title,
                                          g.pending_user_overlay_content,
                                          g.response_watermark});
}

json::Value with_absent(json::Value page) {
  json::Object out;
  for (std::string_view name : kAlwaysOff) out[name] = false;
  for (auto& [name, value] : page.as_object()) out[name] = std::move(value);
  return out;
}

}  // namespace

json::Value show_admin_config(const Parts& parts) {
  return with_absent(page_of(parts).show());
}

Task<json::Value> change_admin_config(const Parts& parts, json::Value body) {
  for (std::string_view name : kAlwaysOff)
    if (json::bool_at(body, name))
      throw Problem(Problem::Kind::invalid, "A second factor is not available in this version.")
          .answering(400);
  json::Value changed = with_absent(co_await page_of(parts).change(body));
  changed.as_object()["sessions_revoked"] = false;
  co_return changed;
}

}  // namespace antiphon::auths

#include "auth/permissions.h"

#include <utility>

#include "json/text.h"

namespace antiphon::auth {

const std::vector<PermissionLeaf>& permission_leaves() {
  static const std::vector<PermissionLeaf> leaves{
      {"workspace", "models", false, "USER_PERMISSIONS_WORKSPACE_MODELS_ACCESS"},
      {"workspace", "knowledge", false, "USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ACCESS"},
      {"workspace", "prompts", false, "USER_PERMISSIONS_WORKSPACE_PROMPTS_ACCESS"},
      {"workspace", "tools", false, "USER_PERMISSIONS_WORKSPACE_TOOLS_ACCESS"},
      {"workspace", "skills", false, "USER_PERMISSIONS_WORKSPACE_SKILLS_ACCESS"},
      {"workspace", "models_import", false, "USER_PERMISSIONS_WORKSPACE_MODELS_IMPORT"},
      {"workspace", "models_export", false, "USER_PERMISSIONS_WORKSPACE_MODELS_EXPORT"},
      {"workspace", "models_hidden", false, "USER_PERMISSIONS_WORKSPACE_MODELS_HIDDEN"},
      {"workspace", "prompts_import", false, "USER_PERMISSIONS_WORKSPACE_PROMPTS_IMPORT"},
      {"workspace", "prompts_export", false, "USER_PERMISSIONS_WORKSPACE_PROMPTS_EXPORT"},
      {"workspace", "tools_import", false, "USER_PERMISSIONS_WORKSPACE_TOOLS_IMPORT"},
      {"workspace", "tools_export", false, "USER_PERMISSIONS_WORKSPACE_TOOLS_EXPORT"},
      {"workspace", "skills_import", false, "USER_PERMISSIONS_WORKSPACE_SKILLS_IMPORT"},
      {"workspace", "skills_export", false, "USER_PERMISSIONS_WORKSPACE_SKILLS_EXPORT"},
      {"sharing", "models", false, "USER_PERMISSIONS_WORKSPACE_MODELS_ALLOW_SHARING"},
      {"sharing", "public_models", false, "USER_PERMISSIONS_WORKSPACE_MODELS_ALLOW_PUBLIC_SHARING"},
      {"sharing", "knowledge", false, "USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ALLOW_SHARING"},
      {"sharing", "public_knowledge", false,
       "USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ALLOW_PUBLIC_SHARING"},
      {"sharing", "prompts", false, "USER_PERMISSIONS_WORKSPACE_PROMPTS_ALLOW_SHARING"},
      {"sharing", "public_prompts", false, "USER_PERMISSIONS_WORKSPACE_PROMPTS_ALLOW_PUBLIC_SHARING"},
      {"sharing", "tools", false, "USER_PERMISSIONS_WORKSPACE_TOOLS_ALLOW_SHARING"},
      {"sharing", "public_tools", false, "USER_PERMISSIONS_WORKSPACE_TOOLS_ALLOW_PUBLIC_SHARING"},
      {"sharing", "skills", false, "USER_PERMISSIONS_WORKSPACE_SKILLS_ALLOW_SHARING"},
      {"sharing", "public_skills", false, "USER_PERMISSIONS_WORKSPACE_SKILLS_ALLOW_PUBLIC_SHARING"},
      {"sharing", "notes", false, "USER_PERMISSIONS_NOTES_ALLOW_SHARING"},
      {"sharing", "public_notes", false, "USER_PERMISSIONS_NOTES_ALLOW_PUBLIC_SHARING"},
      {"sharing", "folders", false, "USER_PERMISSIONS_FOLDERS_ALLOW_SHARING"},
      {"sharing", "public_chats", false, "USER_PERMISSIONS_CHAT_ALLOW_PUBLIC_SHARING"},
      {"sharing", "open_chats", false, "USER_PERMISSIONS_CHAT_ALLOW_OPEN_SHARING"},
      {"sharing", "public_calendars", false, "USER_PERMISSIONS_CALENDAR_ALLOW_PUBLIC_SHARING"},
      {"access_grants", "allow_users", true, "USER_PERMISSIONS_ACCESS_GRANTS_ALLOW_USERS"},
      {"access_grants", "allow_groups", true, "USER_PERMISSIONS_ACCESS_GRANTS_ALLOW_GROUPS"},
      {"chat", "controls", true, "USER_PERMISSIONS_CHAT_CONTROLS"},
      {"chat", "valves", true, "USER_PERMISSIONS_CHAT_VALVES"},
      {"chat", "system_prompt", true, "USER_PERMISSIONS_CHAT_SYSTEM_PROMPT"},
      {"chat", "params", true, "USER_PERMISSIONS_CHAT_PARAMS"},
      {"chat", "file_upload", true, "USER_PERMISSIONS_CHAT_FILE_UPLOAD"},
      {"chat", "web_upload", true, "USER_PERMISSIONS_CHAT_WEB_UPLOAD"},
      {"chat", "delete", true, "USER_PERMISSIONS_CHAT_DELETE"},
      {"chat", "delete_message", true, "USER_PERMISSIONS_CHAT_DELETE_MESSAGE"},
      {"chat", "continue_response", true, "USER_PERMISSIONS_CHAT_CONTINUE_RESPONSE"},
      {"chat", "regenerate_response", true, "USER_PERMISSIONS_CHAT_REGENERATE_RESPONSE"},
      {"chat", "rate_response", true, "USER_PERMISSIONS_CHAT_RATE_RESPONSE"},
      {"chat", "edit", true, "USER_PERMISSIONS_CHAT_EDIT"},
      {"chat", "share", true, "USER_PERMISSIONS_CHAT_SHARE"},
      {"chat", "export", true, "USER_PERMISSIONS_CHAT_EXPORT"},
      {"chat", "import", true, "USER_PERMISSIONS_CHAT_IMPORT"},
      {"chat", "stt", true, "USER_PERMISSIONS_CHAT_STT"},
      {"chat", "tts", true, "USER_PERMISSIONS_CHAT_TTS"},
      {"chat", "call", true, "USER_PERMISSIONS_CHAT_CALL"},
      {"chat", "multiple_models", true, "USER_PERMISSIONS_CHAT_MULTIPLE_MODELS"},
      {"chat", "temporary", true, "USER_PERMISSIONS_CHAT_TEMPORARY"},
      {"chat", "temporary_enforced", false, "USER_PERMISSIONS_CHAT_TEMPORARY_ENFORCED"},
      {"features", "api_keys", false, "USER_PERMISSIONS_FEATURES_API_KEYS"},
      {"features", "notes", true, "USER_PERMISSIONS_FEATURES_NOTES"},
      {"features", "folders", true, "USER_PERMISSIONS_FEATURES_FOLDERS"},
      {"features", "channels", true, "USER_PERMISSIONS_FEATURES_CHANNELS"},
      {"features", "encrypted_channels", false, "USER_PERMISSIONS_FEATURES_ENCRYPTED_CHANNELS"},
      {"features", "direct_tool_servers", false, "USER_PERMISSIONS_FEATURES_DIRECT_TOOL_SERVERS"},
      {"features", "web_search", true, "USER_PERMISSIONS_FEATURES_WEB_SEARCH"},
      {"features", "image_generation", true, "USER_PERMISSIONS_FEATURES_IMAGE_GENERATION"},
      {"features", "code_interpreter", true, "USER_PERMISSIONS_FEATURES_CODE_INTERPRETER"},
      {"features", "memories", true, "USER_PERMISSIONS_FEATURES_MEMORIES"},
      {"features", "automations", false, "USER_PERMISSIONS_FEATURES_AUTOMATIONS"},
      {"features", "calendar", true, "USER_PERMISSIONS_FEATURES_CALENDAR"},
      {"features", "webhooks", false, "USER_PERMISSIONS_FEATURES_USER_WEBHOOKS"},
      {"settings", "interface", true, "USER_PERMISSIONS_SETTINGS_INTERFACE"},
  };
  return leaves;
}

json::Value complete_permissions(const json::Value& tree, const json::Value& defaults) {
  json::Value out = defaults;
  if (!tree.is_object()) return out;
  for (const auto& [branch, leaves] : tree.as_object()) {
    if (!leaves.is_object()) continue;
    json::Value& into = out.as_object()[branch];
    if (!into.is_object()) into = json::Object{};
    for (const auto& [name, value] : leaves.as_object())
      if (value.is_bool()) into.as_object()[name] = value;
  }
  return out;
}

void collect_allowed(const json::Value& tree, PermissionSet& out) {
  if (!tree.is_object()) return;
  for (const auto& [branch, leaves] : tree.as_object()) {
    if (!leaves.is_object()) continue;
    for (const auto& [name, value] : leaves.as_object())
      if (value.is_bool() && value.as_bool()) out.insert(std::string(branch) + "." + std::string(name));
  }
}

Permissions::Permissions(json::Value base, const PermissionSet& allowed) : tree_(std::move(base)) {
  for (const std::string& leaf : allowed) {
    std::size_t dot = leaf.find('.');
    json::Value& branch = tree_.as_object()[leaf.substr(0, dot)];
    if (!branch.is_object()) branch = json::Object{};
    branch.as_object()[leaf.substr(dot + 1)] = true;
  }
}

bool Permissions::allows(std::string_view leaf) const {
  std::size_t dot = leaf.find('.');
  if (dot == leaf.npos) return false;
  const json::Value* value = json::find(tree_, {leaf.substr(0, dot), leaf.substr(dot + 1)});
  return value && value->is_bool() && value->as_bool();
}

}  // namespace antiphon::auth

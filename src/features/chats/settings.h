#pragma once

#include "config/setting.h"

namespace antiphon::chats {

struct Settings : config::Group {
  Settings() : Group("Chats") {}

  config::Bool admin_access =
      env("ENABLE_ADMIN_CHAT_ACCESS", true)
          .on_restart()
          .help("Lets administrators list, read and delete other users' chats and open their links.");
  config::Bool admin_export = env("ENABLE_ADMIN_EXPORT", true)
                                  .on_restart()
                                  .help("Lets administrators export everybody's chats and ratings.");

  // Kept and shown as Open WebUI does, for its clients and a way back; Antiphon does not act on them
  // yet.
  config::Text compaction_model =
      env("CONTEXT_COMPACTION_MODEL", "")
          .key("chat.context_compaction.model")
          .help("Kept for Open WebUI. Antiphon does not compact chats yet.");
  config::Bool compaction = env("ENABLE_CONTEXT_COMPACTION", false)
                                .key("chat.context_compaction.enable")
                                .help("Kept for Open WebUI. Antiphon does not compact chats yet.");
  config::OptionalInt compaction_threshold =
      env_optional_int("CONTEXT_COMPACTION_TOKEN_THRESHOLD")
          .key("chat.context_compaction.token_threshold")
          .between(0, 1e12)
          .help("Kept for Open WebUI. Antiphon does not compact chats yet.");
  config::OptionalInt compaction_cap =
      env_optional_int("CONTEXT_COMPACTION_TOKEN_CAP")
          .key("chat.context_compaction.token_cap")
          .between(0, 1e12)
          .help("Kept for Open WebUI. Antiphon does not compact chats yet.");
  config::OptionalInt compaction_retention =
      env_optional_int("CONTEXT_COMPACTION_RETENTION_PERCENTAGE")
          .key("chat.context_compaction.retention_percentage")
          .between(0, 100)
          .help("Kept for Open WebUI. Antiphon does not compact chats yet.");
  config::Text compaction_prompt =
      env("CONTEXT_COMPACTION_PROMPT_TEMPLATE", "")
          .key("chat.context_compaction.prompt_template")
          .help("Kept for Open WebUI. Antiphon does not compact chats yet.");
  config::Bool tool_permissions =
      env("ENABLE_TOOL_PERMISSIONS", false)
          .key("chat.tool_permissions.enable")
          .help("Kept for Open WebUI. Antiphon does not ask before tools run yet.");
  config::Bool tool_search = env("ENABLE_TOOL_SEARCH", false)
                                 .key("chat.tool_search.enable")
                                 .help("Kept for Open WebUI. Antiphon has no tool search yet.");
  config::Int tool_search_threshold =
      env("TOOL_SEARCH_DEFER_THRESHOLD", 400)
          .key("chat.tool_search.defer_threshold")
          .between(0, 1e9)
          .help("Kept for Open WebUI. Antiphon has no tool search yet.");
  config::List tool_search_loaded = env_list("TOOL_SEARCH_ALWAYS_LOADED", {})
                                        .key("chat.tool_search.always_loaded")
                                        .help("Kept for Open WebUI. Antiphon has no tool search yet.");
  config::Bool tool_search_builtin = env("TOOL_SEARCH_DEFER_BUILTIN_TOOLS", true)
                                         .key("chat.tool_search.defer_builtin_tools")
                                         .help("Kept for Open WebUI. Antiphon has no tool search yet.");
};

}  // namespace antiphon::chats

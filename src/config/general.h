#pragma once

#include "config/setting.h"

namespace antiphon::config {

/// What an administrator sets for the deployment as a whole: its address, and which features it has.
/// Here, because many features read these and none of them owns them. Those that say "not there yet"
/// are shown and kept, since Open WebUI's admin page sends them all; GET /api/config announces a
/// feature only once its routes exist.
struct General : Group {
  General() : Group("General") {}

  Text webui_url = env("WEBUI_URL", "")
                       .key("webui.url")
                       .at_most(2048)
                       .help("The address people open, for links that leave the server.");
  Json default_interface_settings = env_json("DEFAULT_INTERFACE_SETTINGS", "{}")
                                        .key("ui.default_interface_settings")
                                        .help("Interface settings of users who have not chosen.");
  Json i18n = env_json("", "{}").key("ui.i18n").help("Texts of the interface by language.");
  Text pending_user_overlay_title = env("PENDING_USER_OVERLAY_TITLE", "")
                                        .key("ui.pending_user_overlay_title")
                                        .help("Title of the page that waiting users see.");
  Text pending_user_overlay_content = env("PENDING_USER_OVERLAY_CONTENT", "")
                                          .key("ui.pending_user_overlay_content")
                                          .help("Text of the page that waiting users see.");
  Text response_watermark = env("RESPONSE_WATERMARK", "")
                                .key("ui.watermark")
                                .help("Appended to answers when they are copied.");

  Bool enable_community_sharing = env("ENABLE_COMMUNITY_SHARING", true)
                                      .key("ui.enable_community_sharing")
                                      .help("Offers to share with Open WebUI's community site.");
  Bool enable_message_rating = env("ENABLE_MESSAGE_RATING", true)
                                   .key("ui.enable_message_rating")
                                   .help("Lets users rate answers.");
  Bool enable_folders = env("ENABLE_FOLDERS", true).key("folders.enable").help("Folders for chats.");
  Json folder_max_file_count = env_json("FOLDER_MAX_FILE_COUNT", "\"\"")
                                   .key("folders.max_file_count")
                                   .help(
                                       "Files a folder may hold; empty is no limit. Kept for Open "
                                       "WebUI's clients; not there yet.");
  Bool enable_notes = env("ENABLE_NOTES", true)
                          .key("notes.enable")
                          .help("Notes. Kept for Open WebUI's clients; not there yet.");
  Bool enable_memories = env("ENABLE_MEMORIES", true)
                             .key("memories.enable")
                             .help("Memories. Kept for Open WebUI's clients; not there yet.");
  Bool enable_memory_system_context =
      env("ENABLE_MEMORY_SYSTEM_CONTEXT", true)
          .key("memories.system_context.enable")
          .help("Puts memories before the conversation. Kept for Open WebUI's clients; not there yet.");
  Bool enable_channels = env("ENABLE_CHANNELS", false)
                             .key("channels.enable")
                             .help("Channels. Kept for Open WebUI's clients; not there yet.");
  Bool enable_encrypted_channels =
      env("ENABLE_ENCRYPTED_CHANNELS", false)
          .key("channels.encryption.enable")
          .help("Channels that the server cannot read. Kept for Open WebUI's clients; not there yet.");
  Text channel_model_response_mode =
      env("CHANNEL_MODEL_RESPONSE_MODE", "thread")
          .key("channels.model_response_mode")
          .help("Where a model answers in a channel. Kept for Open WebUI's clients; not there yet.");
  Bool enable_apps = env("ENABLE_APPS", false)
                         .key("apps.enable")
                         .help("Apps. Kept for Open WebUI's clients; not there yet.");
  Bool enable_calendar = env("ENABLE_CALENDAR", true)
                             .key("calendar.enable")
                             .help("Calendars. Kept for Open WebUI's clients; not there yet.");
  Bool enable_automations = env("ENABLE_AUTOMATIONS", true)
                                .key("automations.enable")
                                .help("Automations. Kept for Open WebUI's clients; not there yet.");
  Json automation_max_count = env_json("AUTOMATION_MAX_COUNT", "\"\"")
                                  .key("automations.max_count")
                                  .help(
                                      "Automations a user may have; empty is no limit. Kept for Open "
                                      "WebUI's clients; not there yet.");
  Json automation_min_interval = env_json("AUTOMATION_MIN_INTERVAL", "\"\"")
                                     .key("automations.min_interval")
                                     .help(
                                         "Seconds between two runs, at least; empty is no limit. Kept "
                                         "for Open WebUI's clients; not there yet.");
  Bool enable_skill_lazy_loading = env("ENABLE_SKILL_LAZY_LOADING", false)
                                       .key("skills.lazy_loading.enable")
                                       .help(
                                           "Loads a skill's text only when a model asks for it. Kept "
                                           "for Open WebUI's clients; not there yet.");
  OptionalInt skill_content_max_chars = env_optional_int("SKILL_CONTENT_MAX_CHARS")
                                            .key("skills.content_max_chars")
                                            .help(
                                                "Characters of a skill a model is given at most. Kept "
                                                "for Open WebUI's clients; not there yet.");
  OptionalInt skill_preview_max_chars =
      env_optional_int("SKILL_PREVIEW_MAX_CHARS")
          .key("skills.preview_max_chars")
          .help("Characters of a skill's preview. Kept for Open WebUI's clients; not there yet.");
  Bool enable_user_webhooks = env("ENABLE_USER_WEBHOOKS", false)
                                  .key("ui.enable_user_webhooks")
                                  .help(
                                      "Lets users have a webhook called when an answer is ready. Kept "
                                      "for Open WebUI's clients; not there yet.");
  Bool enable_user_status = env("ENABLE_USER_STATUS", true)
                                .key("users.enable_status")
                                .help("Lets users show an emoji and a line of text.");
};

}  // namespace antiphon::config

#pragma once

#include "config/setting.h"

namespace antiphon::configs {

/// How the product presents itself, and who may look at its insides.
struct Settings : config::Group {
  Settings() : Group("General") {}

  config::Text name =
      env("WEBUI_NAME", "Antiphon").at_most(100).help("Name of the product, as users see it.");
  config::Text default_locale = env("DEFAULT_LOCALE", "")
                                    .key("ui.default_locale")
                                    .at_most(20)
                                    .help("Language for who has chosen none.");
  config::Json suggestions =
      env_json("DEFAULT_PROMPT_SUGGESTIONS", "null")
          .key("ui.prompt_suggestions")
          .help("Prompts that a new chat offers: `[{\"title\": [\"…\", \"…\"], \"content\": \"…\"}]`.");
  config::Json suggestions_i18n = env_json("DEFAULT_PROMPT_SUGGESTIONS_I18N", "{}")
                                      .key("ui.prompt_suggestions_i18n")
                                      .help("The same, by language.");
  config::Json banners = env_json("WEBUI_BANNERS", "[]")
                             .key("ui.banners")
                             .at_most(256 * 1024)
                             .help("Notices above the chat.");
  config::Json visibility =
      env_json("UI_VISIBILITY", "{}").key("ui.visibility").help("Parts of the interface to hide.");
  config::Bool code_execution = env("ENABLE_CODE_EXECUTION", true)
                                    .key("code_execution.enable")
                                    .help("Lets users run code of answers, in their browser.");
  config::Bool public_user_count =
      env("ENABLE_PUBLIC_ACTIVE_USERS_COUNT", true).help("Tells every user how many are active.");
  config::Text iframe_csp =
      env("IFRAME_CSP", "").help("Content security policy of pages shown from answers.");
  config::Text deployment_id =
      env("DEPLOYMENT_ID", "").at_most(200).help("Any text; open pages reload when it changes.");

  config::Bool openapi_public = env("ANTIPHON_OPENAPI_PUBLIC", false)
                                    .help("Shows /openapi.json to everybody, not to admins only.");
  config::SecretText metrics_token =
      env_secret("ANTIPHON_METRICS_TOKEN")
          .help("Who sends it as bearer token may read /metrics. Admins always may.");
  config::Bool metrics_public =
      env("ANTIPHON_METRICS_PUBLIC", false).help("Shows /metrics to everybody who can reach it.");
};

}  // namespace antiphon::configs

#pragma once

#include "config/setting.h"

/// The small jobs a task model does beside answering, and how administrators steer them.
namespace antiphon::tasks {

struct Settings : config::Group {
  Settings() : Group("Tasks") {}

  config::Json params =
      env_json("TASK_MODEL_PARAMS", "{}")
          .key("task.model.params")
          .help("Parameters of requests to the task model: temperature and the like.");
  config::Bool title =
      env("ENABLE_TITLE_GENERATION", true)
          .key("task.title.enable")
          .help("Lets the task model name new chats; otherwise the first question does.");
  config::Text title_prompt = env("TITLE_GENERATION_PROMPT_TEMPLATE", "")
                                  .key("task.title.prompt_template")
                                  .help("Prompt for titles; empty: built in.");
  config::Bool tags = env("ENABLE_TAGS_GENERATION", true)
                          .key("task.tags.enable")
                          .help("Lets the task model give new chats tags.");
  config::Text tags_prompt = env("TAGS_GENERATION_PROMPT_TEMPLATE", "")
                                 .key("task.tags.prompt_template")
                                 .help("Prompt for tags; empty: built in.");
  config::Bool follow_ups = env("ENABLE_FOLLOW_UP_GENERATION", true)
                                .key("task.follow_up.enable")
                                .help("Lets the task model suggest what to ask next.");
  config::Text follow_up_prompt = env("FOLLOW_UP_GENERATION_PROMPT_TEMPLATE", "")
                                      .key("task.follow_up.prompt_template")
                                      .help("Prompt for follow-up questions; empty: built in.");
  config::Bool search_queries = env("ENABLE_SEARCH_QUERY_GENERATION", true)
                                    .key("task.query.search.enable")
                                    .help("Lets the task model write web searches.");
  config::Bool retrieval_queries = env("ENABLE_RETRIEVAL_QUERY_GENERATION", true)
                                       .key("task.query.retrieval.enable")
                                       .help("Lets the task model write queries to documents.");
  config::Text query_prompt = env("QUERY_GENERATION_PROMPT_TEMPLATE", "")
                                  .key("task.query.prompt_template")
                                  .help("Prompt for both kinds of queries; empty: built in.");
  config::Text image_prompt = env("IMAGE_PROMPT_GENERATION_PROMPT_TEMPLATE", "")
                                  .key("task.image.prompt_template")
                                  .help("Prompt for describing pictures; empty: built in.");
  config::Bool autocompletion = env("ENABLE_AUTOCOMPLETE_GENERATION", false)
                                    .key("task.autocomplete.enable")
                                    .help("Lets the task model complete what users type.");
  config::Int autocompletion_length = env("AUTOCOMPLETE_GENERATION_INPUT_MAX_LENGTH", -1)
                                          .key("task.autocomplete.input_max_length")
                                          .between(-1, 1e9)
                                          .help("Longest text to complete, in bytes; -1: any.");
  config::Text autocompletion_prompt = env("AUTOCOMPLETE_GENERATION_PROMPT_TEMPLATE", "")
                                           .key("task.autocomplete.prompt_template")
                                           .help("Prompt for completing; empty: built in.");
  config::Text tools_prompt = env("TOOLS_FUNCTION_CALLING_PROMPT_TEMPLATE", "")
                                  .key("task.tools.prompt_template")
                                  .help("Kept for Open WebUI. Antiphon calls tools natively.");
  config::Bool voice = env("ENABLE_VOICE_MODE_PROMPT", true)
                           .key("task.voice.prompt.enable")
                           .help("Kept for Open WebUI. Antiphon has no voice mode yet.");
  config::Text voice_prompt = env("VOICE_MODE_PROMPT_TEMPLATE", "")
                                  .key("task.voice.prompt_template")
                                  .help("Kept for Open WebUI. Antiphon has no voice mode yet.");
};

}  // namespace antiphon::tasks

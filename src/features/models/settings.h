#pragma once

#include "client/client.h"
#include "config/setting.h"

namespace antiphon::models {

/// Connections to model servers, and what their models may be used for.
struct Settings : config::Group {
  Settings() : Group("Models") {}

  config::Bool enable_openai =
      env("ENABLE_OPENAI_API", true).key("openai.enable").help("Talks to OpenAI-compatible servers.");
  config::List openai_urls =
      env_list("OPENAI_API_BASE_URLS", {"https://api.openai.com/v1"})
          .also("OPENAI_API_BASE_URL")
          .key("openai.api_base_urls")
          .separated_by(';')
          .help("Base URLs of OpenAI-compatible servers, with semicolons between.");
  config::List openai_keys = env_list("OPENAI_API_KEYS", {""})
                                 .also("OPENAI_API_KEY")
                                 .key("openai.api_keys")
                                 .separated_by(';')
                                 .secret()
                                 .help("Their keys, in the same order.");
  config::Json openai_configs =
      env_json("OPENAI_API_CONFIGS", "{}")
          .key("openai.api_configs")
          .secret()
          .help(
              "Per connection, by its place in the list: enable, prefix_id, tags, "
              "model_ids, headers, auth_type, azure, api_version, takeover, api_type, background …");
  config::Bool enable_ollama =
      env("ENABLE_OLLAMA_API", true).key("ollama.enable").help("Talks to Ollama servers.");
  config::List ollama_urls = env_list("OLLAMA_BASE_URLS", {"http://localhost:11434"})
                                 .also("OLLAMA_BASE_URL")
                                 .key("ollama.base_urls")
                                 .separated_by(';')
                                 .help("URLs of Ollama servers, with semicolons between.");
  config::Json ollama_configs =
      env_json("OLLAMA_API_CONFIGS", "{}")
          .key("ollama.api_configs")
          .secret()
          .help("Per server: enable, prefix_id, tags, model_ids, key, takeover …");
  config::Bool direct = env("ENABLE_DIRECT_CONNECTIONS", false)
                            .key("direct.enable")
                            .help(
                                "Users may connect their browsers to model servers of their own; "
                                "their browsers are asked then.");
  config::Bool openai_passthrough =
      env("ENABLE_OPENAI_API_PASSTHROUGH", false)
          .help("Passes any other path below /openai on to the first connection, for every user.");

  config::Bool keep_list = env("ENABLE_BASE_MODELS_CACHE", false)
                               .key("models.base_models_cache")
                               .help("Asks servers for their models at start and on demand only.");
  config::Int list_seconds =
      env("MODELS_CACHE_TTL", 1)
          .between(0, 86'400)
          .help("Seconds after which servers are asked for their models again, in the background.");
  config::Int list_timeout = env("AIOHTTP_CLIENT_TIMEOUT_MODEL_LIST", 10)
                                 .also("AIOHTTP_CLIENT_TIMEOUT_OPENAI_MODEL_LIST")
                                 .between(1, 600)
                                 .help("Seconds a server may take to list its models.");
  config::OptionalInt upstream_timeout =
      env_optional_int("AIOHTTP_CLIENT_TIMEOUT")
          .between(0, 86'400)
          .help("Seconds a whole call to a model server may take. Not set: as long as it flows.");
  config::Int model_file_gib =
      env("ANTIPHON_MODEL_FILE_MAX_GIB", 32)
          .between(1, 1024)
          .help("GiB of a model's file that is sent here, or fetched, for Ollama.");
  config::Text takeover =
      env("ANTIPHON_TAKEOVER", "keep")
          .one_of({"keep", "continue", "restart"})
          .cluster_wide()
          .help(
              "What becomes of a half-written answer whose process is gone: keep it and offer "
              "Continue, "
              "continue behind its text, or restart it. A connection's `takeover` comes first.");
  config::OptionalInt stream_idle_timeout = env_optional_int("AIOHTTP_CLIENT_STREAM_IDLE_TIMEOUT")
                                                .between(0, 86'400)
                                                .help(
                                                    "Seconds a model server may be silent before its "
                                                    "answer counts as broken; 300 when not set.");
  config::Text verify_tls =
      env("AIOHTTP_CLIENT_SESSION_SSL", "True")
          .on_restart()
          .help(
              "Verifies the certificates of servers an administrator configured: True, "
              "False, or a file of certificates.");
  config::Text certificates =
      env("AIOHTTP_CLIENT_SSL_CERT_FILE", "").on_restart().help("File of trusted certificates.");

  config::Bool bypass_access =
      env("BYPASS_MODEL_ACCESS_CONTROL", false).help("Every user may use every model.");
  config::Bool fallback =
      env("ENABLE_CUSTOM_MODEL_FALLBACK", false)
          .help("A preset whose base model is gone is answered by the default model.");
  config::OptionalText default_models =
      env_optional_text("DEFAULT_MODELS")
          .key("ui.default_models")
          .help("Models a new chat starts with, with commas between.");
  config::OptionalText pinned_models = env_optional_text("DEFAULT_PINNED_MODELS")
                                           .key("ui.default_pinned_models")
                                           .help("Models pinned in the sidebar, with commas between.");
  config::Json order = env_json("MODEL_ORDER_LIST", "[]")
                           .key("ui.model_order_list")
                           .help("Ids of models, in the order in which they are shown.");
  config::Json default_meta = env_json("DEFAULT_MODEL_METADATA", "{}")
                                  .key("models.default_metadata")
                                  .help("Metadata of every model, where it has none of its own.");
  config::Json default_params = env_json("DEFAULT_MODEL_PARAMS", "{}")
                                    .key("models.default_params")
                                    .help("Parameters of every model, where it has none of its own.");
  config::Text task_model = env("TASK_MODEL", "")
                                .key("task.model.default")
                                .help("Writes titles, tags and follow-ups of chats with local models.");
  config::Text task_model_external = env("TASK_MODEL_EXTERNAL", "")
                                         .key("task.model.external")
                                         .help("The same for chats with all other models.");

  config::Bool forward_user =
      env("ENABLE_FORWARD_USER_INFO_HEADERS", false).help("Tells model servers who asks.");
  config::Text header_name = env("FORWARD_USER_INFO_HEADER_USER_NAME", "X-OpenWebUI-User-Name")
                                 .help("Header with the user's name.");
  config::Text header_id =
      env("FORWARD_USER_INFO_HEADER_USER_ID", "X-OpenWebUI-User-Id").help("Header with the user's id.");
  config::Text header_email = env("FORWARD_USER_INFO_HEADER_USER_EMAIL", "X-OpenWebUI-User-Email")
                                  .help("Header with the user's e-mail address.");
  config::Text header_role = env("FORWARD_USER_INFO_HEADER_USER_ROLE", "X-OpenWebUI-User-Role")
                                 .help("Header with the user's role.");
  config::Text header_chat = env("FORWARD_SESSION_INFO_HEADER_CHAT_ID", "X-OpenWebUI-Chat-Id")
                                 .help("Header with the chat's id.");
  config::Text header_message = env("FORWARD_SESSION_INFO_HEADER_MESSAGE_ID", "X-OpenWebUI-Message-Id")
                                    .help("Header with the message's id.");
  config::SecretText user_jwt_secret =
      env_secret("FORWARD_USER_INFO_HEADER_JWT_SECRET")
          .help("When set, one signed token (HS256) names the user instead of the headers above.");
  config::Text header_jwt =
      env("FORWARD_USER_INFO_HEADER_JWT", "X-OpenWebUI-User-Jwt").help("The header it goes into.");
  config::Int user_jwt_seconds = env("FORWARD_USER_INFO_HEADER_JWT_EXPIRES_SECONDS", 60)
                                     .between(1, 3'600)
                                     .help("How long that token is valid.");

  config::Bool demo = env("ANTIPHON_DEMO_MODEL", true)
                          .help("Offers a built-in demonstration model while there is no other.");
  config::Bool discover = env("ANTIPHON_DISCOVER_MODELS", true)
                              .help(
                                  "Looks for LM Studio, llama.cpp and the like on this machine while "
                                  "no connection is configured.");
  config::List discover_urls =
      env_list("ANTIPHON_DISCOVER_URLS", {"http://127.0.0.1:1234/v1", "http://127.0.0.1:8080/v1",
                                          "http://127.0.0.1:8081/v1", "http://127.0.0.1:8000/v1"})
          .separated_by(';')
          .help("Where it looks; the server's own port is left out.");

  /// Of this process, which is not to be found by itself. Set before anything reads it.
  std::int64_t own_port = 0;

  /// What the process's client is made with.
  client::Options client_options() const;
};

}  // namespace antiphon::models

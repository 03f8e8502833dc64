#pragma once

#include "features/configs/dto.h"

/// What the routes of settings answer, for OpenAPI (http/described.h).
namespace antiphon::configs {

/// Strangers are told the first ones only.
struct PublicFeatures {
  json::Defaulted<bool> auth, enable_signup, enable_login_form, enable_websocket;
  json::Defaulted<bool> enable_api_keys, enable_folders, enable_message_rating,
      enable_password_change_form;
  json::Rest rest;
};
ANTIPHON_DTO(PublicFeatures, auth, enable_signup, enable_login_form, enable_websocket, enable_api_keys,
             enable_folders, enable_message_rating, enable_password_change_form, rest)

struct PublicUi {
  json::Defaulted<std::string> pending_user_overlay_title, pending_user_overlay_content;
  json::Rest rest;
};
ANTIPHON_DTO(PublicUi, pending_user_overlay_title, pending_user_overlay_content, rest)

/// Ways in besides the password, by name.
struct PublicOAuth {
  std::map<std::string, std::string> providers;
  json::Rest rest;
};
ANTIPHON_DTO(PublicOAuth, providers, rest)

/// GET /api/config
struct PublicSettings {
  json::Defaulted<bool> onboarding;  ///< There is no user yet.
  bool status;
  std::string name;
  std::string version;
  PublicFeatures features;
  PublicOAuth oauth;
  std::optional<std::string> default_models;
  std::optional<std::vector<Suggestion>> default_prompt_suggestions;
  json::Defaulted<json::Value> permissions;
  json::Defaulted<PublicUi> ui;
  json::Rest rest;
};
ANTIPHON_DTO(PublicSettings, onboarding, status, name, version, features, oauth, default_models,
             default_prompt_suggestions, permissions, ui, rest)

/// /api/v1/configs/models
struct ModelsPage {
  std::optional<std::string> DEFAULT_MODELS;
  json::Rest rest;
};
ANTIPHON_DTO(ModelsPage, DEFAULT_MODELS, rest)

}  // namespace antiphon::configs

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/dto.h"

namespace antiphon::openai {

struct ConfigForm {
  std::optional<bool> ENABLE_OPENAI_API;
  json::List<std::string, 100> OPENAI_API_BASE_URLS;
  json::List<std::string, 100> OPENAI_API_KEYS;
  json::Value OPENAI_API_CONFIGS;
};
ANTIPHON_DTO(ConfigForm, ENABLE_OPENAI_API, OPENAI_API_BASE_URLS, OPENAI_API_KEYS, OPENAI_API_CONFIGS)

struct VerifyForm {
  std::string url;
  std::string key;
  std::optional<json::Value> config;
};
ANTIPHON_DTO(VerifyForm, url, key, config)

}  // namespace antiphon::openai

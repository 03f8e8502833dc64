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

/// What is done with a model of a server; the rest is the server's to read.
struct ModelOperation {
  json::Text<1, 1024> model;
  json::Rest rest;
};
ANTIPHON_DTO(ModelOperation, model, rest)

struct ModelQuery {
  json::Text<1, 1024> model;
};
ANTIPHON_DTO(ModelQuery, model)

}  // namespace antiphon::openai

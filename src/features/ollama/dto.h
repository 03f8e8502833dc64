#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/dto.h"

namespace antiphon::ollama {

struct ConfigForm {
  std::optional<bool> ENABLE_OLLAMA_API;
  json::List<std::string, 100> OLLAMA_BASE_URLS;
  json::Value OLLAMA_API_CONFIGS;
};
ANTIPHON_DTO(ConfigForm, ENABLE_OLLAMA_API, OLLAMA_BASE_URLS, OLLAMA_API_CONFIGS)

struct VerifyForm {
  std::string url;
  std::optional<std::string> key;
  std::optional<json::Value> config;
};
ANTIPHON_DTO(VerifyForm, url, key, config)

struct UrlForm {
  std::string url;
};
ANTIPHON_DTO(UrlForm, url)

/// Nothing but a file.
struct FileForm {};
ANTIPHON_DTO(FileForm)

}  // namespace antiphon::ollama

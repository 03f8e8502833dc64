#pragma once

#include "features/models/dto.h"

/// What the routes of models and connections take and answer, for OpenAPI (http/described.h).
namespace antiphon::models {

struct NamedTag {
  std::string name;
  json::Rest rest;
};
ANTIPHON_DTO(NamedTag, name, rest)

/// What is registered of a model, as the list of models has it.
struct OfferedInfo {
  std::optional<ModelMeta> meta;
  std::optional<std::string> base_model_id;
  json::Defaulted<bool> is_active;
  json::Rest rest;
};
ANTIPHON_DTO(OfferedInfo, meta, base_model_id, is_active, rest)

struct OfferedModel {
  std::string id;
  std::string name;
  json::Defaulted<std::string> object, owned_by, connection_type, provider;
  json::Defaulted<std::int64_t> urlIdx;
  json::Defaulted<std::vector<NamedTag>> tags;
  json::Defaulted<OfferedInfo> info;
  json::Rest rest;
};
ANTIPHON_DTO(OfferedModel, id, name, object, owned_by, connection_type, provider, urlIdx, tags, info,
             rest)

struct Offered {
  std::vector<OfferedModel> data;
};
ANTIPHON_DTO(Offered, data)

/// Options of a connection; what they do says Connection. `key`: Ollama's only, OpenAI's keys have a
/// list of their own.
struct ConnectionOptions {
  json::Defaulted<bool> enable;
  json::Defaulted<std::string> prefix_id;
  json::Defaulted<std::vector<NamedTag>> tags;
  json::Defaulted<std::vector<std::string>> model_ids;
  json::Defaulted<std::string> connection_type;
  json::Defaulted<std::string> provider;
  json::Defaulted<bool> azure;
  json::Defaulted<std::string> api_version;
  json::Defaulted<std::string> auth_type;
  json::Defaulted<std::string> api_type;
  json::Defaulted<bool> background;
  json::Defaulted<std::string> takeover;
  std::optional<std::map<std::string, std::string>> headers;
  json::Defaulted<std::string> key;
  json::Rest rest;
};
ANTIPHON_DTO(ConnectionOptions, enable, prefix_id, tags, model_ids, connection_type, provider, azure,
             api_version, auth_type, api_type, background, takeover, headers, key, rest)

struct OpenAIConnections {
  json::Defaulted<bool> ENABLE_OPENAI_API;
  std::vector<std::string> OPENAI_API_BASE_URLS;
  std::vector<std::string> OPENAI_API_KEYS;
  std::map<std::string, ConnectionOptions> OPENAI_API_CONFIGS;
};
ANTIPHON_DTO(OpenAIConnections, ENABLE_OPENAI_API, OPENAI_API_BASE_URLS, OPENAI_API_KEYS,
             OPENAI_API_CONFIGS)

struct OllamaConnections {
  json::Defaulted<bool> ENABLE_OLLAMA_API;
  std::vector<std::string> OLLAMA_BASE_URLS;
  std::map<std::string, ConnectionOptions> OLLAMA_API_CONFIGS;
};
ANTIPHON_DTO(OllamaConnections, ENABLE_OLLAMA_API, OLLAMA_BASE_URLS, OLLAMA_API_CONFIGS)

/// What a server says of itself when it is tried: its models, or its version.
struct Verified {
  json::Defaulted<std::vector<json::Value>> data;
  json::Defaulted<std::string> version;
  json::Rest rest;
};
ANTIPHON_DTO(Verified, data, version, rest)

struct OllamaModel {
  std::string model;
  std::string name;
  json::Defaulted<std::int64_t> size;
  json::Rest rest;
};
ANTIPHON_DTO(OllamaModel, model, name, size, rest)

struct OllamaModels {
  std::vector<OllamaModel> models;
};
ANTIPHON_DTO(OllamaModels, models)

/// Names a model of an Ollama server; `stream` false: one answer at the end instead of progress.
struct OllamaName {
  json::Defaulted<std::string> model;
  json::Defaulted<bool> stream;
  json::Rest rest;
};
ANTIPHON_DTO(OllamaName, model, stream, rest)

}  // namespace antiphon::models

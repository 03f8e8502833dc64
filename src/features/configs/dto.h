#pragma once

#include "json/dto.h"

namespace antiphon::configs {

/// A notice above the chat.
struct Banner {
  json::Text<0, 200> id;
  json::Text<1, 50> type;
  std::optional<json::Text<0, 1000>> title;
  json::Text<0, 20'000> content;
  bool dismissible;
  std::int64_t timestamp;
  std::optional<json::Value> i18n;
};
ANTIPHON_DTO(Banner, id, type, title, content, dismissible, timestamp, i18n)

struct BannersForm {
  json::List<Banner, 50> banners;
};
ANTIPHON_DTO(BannersForm, banners)

struct Suggestion {
  json::List<json::Text<0, 500>, 10> title;
  json::Text<0, 10'000> content;
};
ANTIPHON_DTO(Suggestion, title, content)

struct SuggestionsForm {
  std::optional<json::List<Suggestion, 200>> suggestions;
  std::optional<json::Value> i18n;
};
ANTIPHON_DTO(SuggestionsForm, suggestions, i18n)

struct ImportForm {
  json::Value config;
};
ANTIPHON_DTO(ImportForm, config)

/// POST /api/v1/configs/settings: new values by key, and keys that go back to their defaults.
struct SettingsForm {
  json::Defaulted<std::map<std::string, json::Value>> changes;
  json::Defaulted<json::List<std::string, 1000>> reset;
};
ANTIPHON_DTO(SettingsForm, changes, reset)

struct Version {
  std::string version;  ///< Of Open WebUI's API.
  std::string deployment_id;
  std::string antiphon;  ///< Our own. Of the oldest replica that serves, as both are.
};
ANTIPHON_DTO(Version, version, deployment_id, antiphon)

struct Updates {
  std::string current;
  std::string latest;
};
ANTIPHON_DTO(Updates, current, latest)

struct VisibilityForm {
  std::map<std::string, bool> visibility;
};
ANTIPHON_DTO(VisibilityForm, visibility)

struct Usage {
  std::vector<std::string> model_ids;  ///< Of the answers under way.
  std::int64_t user_count = 0;         ///< Users with an open socket.
};
ANTIPHON_DTO(Usage, model_ids, user_count)

}  // namespace antiphon::configs

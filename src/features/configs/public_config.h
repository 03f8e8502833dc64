#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "auth/settings.h"
#include "config/registry.h"
#include "features/configs/members.h"
#include "http/router.h"
#include "json/text.h"

namespace antiphon::configs {

/// GET /api/config, by who asks. Made anew only when a setting or the announced version has changed,
/// since every page load of every client asks. Any thread.
class PublicConfig {
 public:
  enum class Layer { anonymous, pending, user };

  PublicConfig(const config::Registry& registry, const auth::Settings& auth,
               const auth::PermissionDefaults& permissions, const http::Router& router)
      : registry_(registry), auth_(auth), permissions_(permissions), router_(router) {}

  /// What a caller gets, as JSON text. `onboarding` while there is no user yet, to strangers only.
  /// `api`: the version of Open WebUI that is announced.
  std::string text(const Caller& caller, bool onboarding, const std::string& api);

  static Layer layer_of(const Caller& caller);

 private:
  struct Made {
    std::uint64_t revision = 0;
    std::string api;
    std::shared_ptr<const std::string> text;
  };
  std::shared_ptr<const std::string> made(Layer layer, const std::string& api);
  json::Value build(Layer layer, const std::string& api) const;
  void put_all(json::Object& into, std::span<const Member> members) const;

  const config::Registry& registry_;
  const auth::Settings& auth_;
  const auth::PermissionDefaults& permissions_;
  const http::Router& router_;  ///< Complete before the first request.
  std::mutex mutex_;
  std::array<Made, 3> made_;  ///< Guarded by mutex_; by layer.
};

}  // namespace antiphon::configs

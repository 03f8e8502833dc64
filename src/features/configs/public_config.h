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

/// The version of Open WebUI whose API this is, which its clients look for; and our own.
inline constexpr std::string_view kApiVersion = "0.12.4";
inline constexpr std::string_view kVersion = "0.1.0";

/// GET /api/config, by who asks. Made anew only when a setting has changed, since every page load of
/// every client asks. Any thread.
class PublicConfig {
 public:
  enum class Layer { anonymous, pending, user };

  PublicConfig(const config::Registry& registry, const auth::Settings& auth,
               const auth::PermissionDefaults& permissions, const http::Router& router)
      : registry_(registry), auth_(auth), permissions_(permissions), router_(router) {}

  /// What a caller gets, as JSON text. `onboarding` while there is no user yet, to strangers only.
  std::string text(const Caller& caller, bool onboarding);

  static Layer layer_of(const Caller& caller);

 private:
  struct Made {
    std::uint64_t revision = 0;
    std::shared_ptr<const std::string> text;
  };
  std::shared_ptr<const std::string> made(Layer layer);
  json::Value build(Layer layer) const;
  void put_all(json::Object& into, std::span<const Member> members) const;

  const config::Registry& registry_;
  const auth::Settings& auth_;
  const auth::PermissionDefaults& permissions_;
  const http::Router& router_;  ///< Complete before the first request.
  std::mutex mutex_;
  std::array<Made, 3> made_;  ///< Guarded by mutex_; by layer.
};

}  // namespace antiphon::configs

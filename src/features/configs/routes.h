#pragma once

#include <functional>

#include "auth/settings.h"
#include "base/metrics.h"
#include "cluster/overview.h"
#include "config/general.h"
#include "config/store.h"
#include "features/configs/dto.h"
#include "features/configs/health.h"
#include "features/configs/settings.h"
#include "http/router.h"
#include "store/announced.h"

namespace antiphon::configs {

/// What the routes stand on. Everything outlives the router.
struct Parts {
  config::Store& store;
  const Settings& settings;
  const config::General& general;
  const auth::Settings& auth;
  const auth::PermissionDefaults& permissions;
  Health& health;
  metrics::Registry& metrics;
  http::Router& router;  ///< Describes itself at /openapi.json.
  std::function<bool(const http::Request&)>
      takes_page;                         ///< Whether the page that asks may have a socket.
  std::function<Task<bool>()> has_users;  ///< Asked by strangers until it says true once.
  std::function<Task<Usage>()> usage;     ///< Who and what is active now.
  std::function<Task<cluster::ClusterOverview>()> cluster;  ///< The processes on this database.
  /// The version that pages are told of.
  std::function<store::Version()> announced = [] { return store::Version(); };
};

/// GET /api/config and the settings' pages, version, health, metrics, manifest, OpenAPI.
void add_routes(http::Router& router, Parts parts);

}  // namespace antiphon::configs

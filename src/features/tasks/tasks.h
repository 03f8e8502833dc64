#pragma once

#include <vector>

#include "config/admin_page.h"
#include "features/completions/completions.h"
#include "features/tasks/settings.h"

namespace antiphon::http {
class Router;
}

namespace antiphon::tasks {

/// What the settings say of a chore now. For Completions::Parts::chores and the routes here.
completions::ChorePolicy policy_of(const Settings& settings, completions::Chore chore);

struct RouteParts {
  completions::Provider& provider;
  const Settings& settings;
  config::Store& config;
  /// The settings of other features that upstream shows on this page: TASK_MODEL, TASK_MODEL_EXTERNAL.
  std::vector<config::AdminPage::Item> also = {};
};

/// /api/v1/tasks/config, and the chores as calls of their own:
/// /api/v1/tasks/{title,tags,…}/completions.
void add_routes(http::Router& r, const RouteParts& parts);

}  // namespace antiphon::tasks

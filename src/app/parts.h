#pragma once

#include <memory>
#include <optional>

#include "app/app.h"
#include "app/process.h"
#include "app/redis.h"
#include "auth/auth.h"
#include "base/loops.h"
#include "base/metrics.h"
#include "base/process_metrics.h"
#include "base/scope.h"
#include "base/watchdog.h"
#include "blobs/blobs.h"
#include "bus/bus.h"
#include "client/client.h"
#include "cluster/member.h"
#include "config/general.h"
#include "config/registry.h"
#include "config/seal.h"
#include "config/store.h"
#include "extract/settings.h"
#include "features/absent/absent.h"
#include "features/analytics/analytics.h"
#include "features/auths/auths.h"
#include "features/chats/attached.h"
#include "features/chats/editor.h"
#include "features/chats/live.h"
#include "features/chats/routes.h"
#include "features/chats/settings.h"
#include "features/chats/sharing.h"
#include "features/chats/sidebar.h"
#include "features/chats/unread.h"
#include "features/completions/completions.h"
#include "features/completions/models_provider.h"
#include "features/completions/replay.h"
#include "features/configs/health.h"
#include "features/configs/routes.h"
#include "features/configs/settings.h"
#include "features/configs/store_metrics.h"
#include "features/evaluations/routes.h"
#include "features/files/files.h"
#include "features/files/pictures.h"
#include "features/files/processing.h"
#include "features/files/routes.h"
#include "features/folders/folders.h"
#include "features/knowledge/routes.h"
#include "features/models/models.h"
#include "features/models/settings.h"
#include "features/ollama/backend.h"
#include "features/ollama/ollama.h"
#include "features/openai/backend.h"
#include "features/openai/openai.h"
#include "features/tasks/tasks.h"
#include "features/users/groups.h"
#include "features/users/users.h"
#include "features/utils/utils.h"
#include "http/access_log.h"
#include "http/limits.h"
#include "http/server.h"
#include "http/site.h"
#include "jobs/jobs.h"
#include "realtime/endpoint.h"
#include "realtime/hub.h"
#include "runs/relay.h"
#include "runs/runs.h"
#include "store/db.h"

namespace antiphon::app {

/// All groups of settings. Reading it tells what can be set.
struct Declared {
  Declared();
  config::Registry registry;
  Process process;
  RedisSettings redis;
  config::General general;
  configs::Settings configs;
  auth::Settings auth;
  auth::PermissionDefaults permissions;
  models::Settings models;
  blobs::Settings blobs;
  extract::Settings documents;
  files::Settings files;
  knowledge::Settings knowledge;
  chats::Settings chats;
  tasks::Settings tasks;
  evaluations::Settings evaluations;
  analytics::Settings analytics;
};

/// Reads the environment into the settings; prints what is wrong, ignored or strange. False when the
/// process must not start.
bool load(Declared& declared, const Environment& environment);

}  // namespace antiphon::app

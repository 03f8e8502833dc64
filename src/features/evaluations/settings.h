#pragma once

#include "config/setting.h"

namespace antiphon::evaluations {

struct Settings : config::Group {
  Settings() : Group("Evaluations") {}

  config::Bool arena = env("ENABLE_EVALUATION_ARENA_MODELS", false)
                           .key("evaluation.arena.enable")
                           .help("Kept for Open WebUI. Antiphon has no arena models yet.");
  config::Json arena_models = env_json("EVALUATION_ARENA_MODELS", "[]")
                                  .key("evaluation.arena.models")
                                  .help("Kept for Open WebUI. Antiphon has no arena models yet.");
};

}  // namespace antiphon::evaluations

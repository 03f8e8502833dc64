#pragma once

#include "config/setting.h"

namespace antiphon::analytics {

struct Settings : config::Group {
  Settings() : Group("Analytics") {}

  config::Bool enable = env("ENABLE_ADMIN_ANALYTICS", true)
                            .on_restart()
                            .help("Shows administrators how much models are used, and by whom.");
};

}  // namespace antiphon::analytics

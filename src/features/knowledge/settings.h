#pragma once

#include "config/setting.h"

namespace antiphon::knowledge {

struct Settings : config::Group {
  Settings() : Group("Knowledge") {}

  config::Bool retention = env("ENABLE_KNOWLEDGE_FILE_RETENTION", false)
                               .help(
                                   "Files that leave a knowledge base stay with their owners. Off: "
                                   "they are deleted with their "
                                   "places, where they are the caller's own and in no other base.");
};

}  // namespace antiphon::knowledge

#pragma once

#include "config/setting.h"

namespace antiphon::files {

struct Settings : config::Group {
  Settings() : Group("Uploads") {}

  config::OptionalInt max_size =
      env_optional_int("RAG_FILE_MAX_SIZE")
          .key("rag.file.max_size")
          .between(0, 5000)
          .help("How large a file may be, in MiB (1,048,576 bytes). Not set, or 0: 1024.");
  config::OptionalInt max_count =
      env_optional_int("RAG_FILE_MAX_COUNT")
          .key("rag.file.max_count")
          .between(0, 100'000)
          .help("How many files one message may carry; not set, or 0: any number. Clients obey it.");
  config::List extensions = env_list("RAG_ALLOWED_FILE_EXTENSIONS", {})
                                .key("rag.file.allowed_extensions")
                                .help(
                                    "Endings that the names of files may have, such as `pdf`. Empty: "
                                    "any, and none at all.");
  config::OptionalInt quota = env_optional_int("ANTIPHON_FILES_PER_USER")
                                  .key("antiphon.files_per_user")
                                  .between(0, 1'000'000'000)
                                  .help(
                                      "How much the files of one user may have together, in MiB "
                                      "(1,048,576 bytes). Not set, or 0: "
                                      "any amount.");
  config::OptionalInt image_width =
      env_optional_int("FILE_IMAGE_COMPRESSION_WIDTH")
          .key("file.image_compression_width")
          .between(0, 100'000)
          .help("Clients make pictures this wide at most before they send them, in pixels.");
  config::OptionalInt image_height =
      env_optional_int("FILE_IMAGE_COMPRESSION_HEIGHT")
          .key("file.image_compression_height")
          .between(0, 100'000)
          .help("Clients make pictures this high at most before they send them, in pixels.");
};

}  // namespace antiphon::files

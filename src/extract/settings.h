#pragma once

#include "config/setting.h"

namespace antiphon::extract {

/// How documents become text. Each number is a bound.
struct Settings : config::Group {
  Settings() : Group("Documents") {}

  config::Int timeout = env("EXTRACT_TIMEOUT", 10)
                            .between(1, 600)
                            .help("Seconds that reading the text of a document may take.");
  config::Int ocr_timeout = env("EXTRACT_OCR_TIMEOUT", 120)
                                .between(1, 3600)
                                .help("Seconds that recognising the text of a picture may take.");
  config::Int max_text = env("EXTRACT_MAX_TEXT", 16)
                             .between(1, 256)
                             .help("MiB of text taken from a document; what follows is left out.");
  config::Int max_pages = env("EXTRACT_MAX_PAGES", 2000)
                              .between(1, 100'000)
                              .help("Pages read of a PDF; what follows is left out.");
  config::Int memory =
      env("EXTRACT_MEMORY", 512)
          .between(128, 16'384)
          .help("MiB of memory of each process that reads a document. A PDF may be half of it.");
  config::Int workers = env("EXTRACT_WORKERS", 2)
                            .between(1, 64)
                            .on_restart()
                            .help("Documents read at the same time, each by a process of its own.");
  config::Int queue = env("EXTRACT_QUEUE", 64)
                          .between(1, 10'000)
                          .on_restart()
                          .help("Documents that may wait to be read; more are refused for the moment.");
  config::Text languages =
      env("EXTRACT_OCR_LANGUAGES", "eng")
          .help("Languages of text in pictures, as tesseract calls them: eng+deu.");
  config::Bool unconfined = env("EXTRACT_UNCONFINED", false)
                                .help(
                                    "Reads documents even where the kernel cannot confine the process "
                                    "that does (no seccomp, or for "
                                    "PDF and pictures no Landlock). Whoever sends a document made to "
                                    "take over its reader can then "
                                    "read what the server can.");

  void check(const config::Values& values) const override;
};

}  // namespace antiphon::extract

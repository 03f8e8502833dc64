#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cluster/codes.h"

namespace antiphon::cluster {

/// What one check found: a line of `antiphon check`.
struct Finding {
  enum class Level { good, warning, refusal };
  Level level;
  std::string what;  ///< "clock"
  std::string text;  ///< Of a warning or refusal: with its code and the cure.
  const Code* code = nullptr;
};

/// What all checks found, in their order.
struct Findings {
  std::vector<Finding> all;

  void good(std::string what, std::string text) {
    all.push_back({Finding::Level::good, std::move(what), std::move(text)});
  }
  void warn(std::string what, const Code& code, std::string_view sentence) {
    all.push_back({Finding::Level::warning, std::move(what), said(code, sentence), &code});
  }
  void refuse(std::string what, const Code& code, std::string_view sentence) {
    all.push_back({Finding::Level::refusal, std::move(what), said(code, sentence), &code});
  }
};

/// Logs the warnings; throws a Problem that holds all refusals, a line each.
void insist(const Findings& findings);

}  // namespace antiphon::cluster

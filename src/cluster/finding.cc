#include "cluster/finding.h"

#include "base/log.h"
#include "base/problem.h"

namespace antiphon::cluster {

void insist(const Findings& findings) {
  std::string refusals;
  for (const Finding& finding : findings.all) {
    if (finding.level == Finding::Level::warning)
      log::warn("A check before serving warns", {{"check", finding.what}, {"said", finding.text}});
    if (finding.level == Finding::Level::refusal)
      refusals.append(refusals.empty() ? "" : "\nantiphon: ").append(finding.text);
  }
  if (!refusals.empty()) throw Problem(Problem::Kind::unavailable, std::move(refusals));
}

}  // namespace antiphon::cluster

#pragma once

#include <string>
#include <vector>

#include "features/evaluations/feedbacks.h"

namespace antiphon::evaluations {

/// How a model did against the others it was shown with.
struct Standing {
  std::string model_id;
  double rating = 1000;  ///< Elo, K = 32.
  std::int64_t won = 0, lost = 0;
  std::vector<std::pair<std::string, std::int64_t>> tags;  ///< The five most frequent.
};

/// The standings after these votes, in the order in which they were cast; the best first. A thumb up is
/// a win over each of `sibling_model_ids`, a thumb down a defeat. Votes without siblings count as won
/// or lost and move no rating. Pure.
std::vector<Standing> standings(const std::vector<Vote>& votes);

/// What was thought of a model on one day (UTC).
struct Day {
  std::string date;  ///< "2026-11-26"
  std::int64_t won = 0, lost = 0;
};
/// The last `days` days until `now` (Unix seconds), the oldest first, those without votes too. Pure.
std::vector<Day> history(const std::vector<DatedVote>& votes, std::int64_t now, std::int64_t days);

}  // namespace antiphon::evaluations

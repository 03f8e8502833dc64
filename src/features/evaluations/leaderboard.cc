#include "features/evaluations/leaderboard.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "base/time.h"

namespace antiphon::evaluations {
namespace {

constexpr double kFactor = 32;
constexpr std::size_t kMaxSiblings = 16;
constexpr std::size_t kMaxModels = 10'000;
constexpr std::size_t kTags = 5;

struct Tally {
  Standing standing;
  std::map<std::string, std::int64_t> tags;
};
using Table = std::map<std::string, Tally, std::less<>>;

/// 1, -1, or 0 for no opinion. Clients send numbers and their text.
int opinion(const json::Value& data) {
  if (std::string_view text = json::text_at(data, "rating"); !text.empty())
    return text == "1" ? 1 : text == "-1" ? -1 : 0;
  std::int64_t number = json::int_at(data, "rating");
  return number > 0 ? 1 : number < 0 ? -1 : 0;
}

void duel(Standing& a, Standing& b, bool a_wins) {
  double expected = 1 / (1 + std::pow(10, (b.rating - a.rating) / 400));
  double change = kFactor * ((a_wins ? 1 : 0) - expected);
  a.rating += change;
  b.rating -= change;
  ++(a_wins ? b.lost : b.won);
}

void count(Table& table, const Vote& vote) {
  int says = opinion(vote.data);
  if (says == 0 || table.size() >= kMaxModels) return;
  Tally& mine = table[vote.model_id];
  ++(says > 0 ? mine.standing.won : mine.standing.lost);
  if (const json::Array* siblings = json::array_at(vote.data, "sibling_model_ids"))
    for (std::size_t i = 0; i != std::min(siblings->size(), kMaxSiblings); ++i)
      if (const json::Value& id = (*siblings)[i]; id.is_string() && id.as_string() != vote.model_id)
        duel(mine.standing, table[std::string(json::view(id.as_string()))].standing, says > 0);
  const json::Array* tags = vote.meta ? json::array_at(*vote.meta, "tags") : nullptr;
  for (std::size_t i = 0; tags && i != std::min(tags->size(), kMaxSiblings); ++i)
    if ((*tags)[i].is_string()) ++mine.tags[std::string(json::view((*tags)[i].as_string()))];
}

}  // namespace

std::vector<Standing> standings(const std::vector<Vote>& votes) {
  Table table;
  for (const Vote& vote : votes) count(table, vote);
  std::vector<Standing> out;
  for (auto& [id, tally] : table) {
    tally.standing.model_id = id;
    tally.standing.tags.assign(tally.tags.begin(), tally.tags.end());
    std::ranges::sort(tally.standing.tags, [](const auto& a, const auto& b) {
      return std::pair(-a.second, std::string_view(a.first)) <
             std::pair(-b.second, std::string_view(b.first));
    });
    if (tally.standing.tags.size() > kTags) tally.standing.tags.resize(kTags);
    out.push_back(std::move(tally.standing));
  }
  std::ranges::sort(out, [](const Standing& a, const Standing& b) {
    return std::pair(-a.rating, std::string_view(a.model_id)) <
           std::pair(-b.rating, std::string_view(b.model_id));
  });
  return out;
}

std::vector<Day> history(const std::vector<DatedVote>& votes, std::int64_t now, std::int64_t days) {
  constexpr std::int64_t kDay = 86'400;
  std::int64_t first = now / kDay - days + 1;
  std::vector<Day> out;
  for (std::int64_t i = 0; i != days; ++i) out.push_back({.date = date_text((first + i) * kDay)});
  for (const DatedVote& vote : votes) {
    std::int64_t at = vote.created_at / kDay - first;
    if (at < 0 || at >= days) continue;
    int says = opinion(vote.data);
    out[static_cast<std::size_t>(at)].won += says > 0;
    out[static_cast<std::size_t>(at)].lost += says < 0;
  }
  return out;
}

}  // namespace antiphon::evaluations

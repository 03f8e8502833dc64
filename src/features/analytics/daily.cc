#include <fmt/format.h>

#include "base/problem.h"
#include "base/time.h"
#include "features/analytics/analytics.h"
#include "features/analytics/span.h"
#include "features/chats/chats.h"
#include "json/json.h"

namespace antiphon::analytics {

struct StretchRow {
  std::int64_t slot;  ///< Since 1970, in stretches.
  std::string model;
  std::int64_t amount;
};
ANTIPHON_DTO(StretchRow, slot, model, amount)
ANTIPHON_DTO_DEFINE(StretchRow)

namespace {

using store::Sql;

constexpr std::int64_t kDay = 86'400;

std::int64_t seconds_of(const std::string& granularity) {
  for (auto [name, seconds] : {std::pair<std::string_view, std::int64_t>{"10m", 600},
                               {"hourly", 3600},
                               {"3h", 3 * 3600},
                               {"6h", 6 * 3600},
                               {"daily", kDay}})
    if (granularity == name) return seconds;
  constexpr std::string_view kExpected = "'10m', 'hourly', '3h', '6h' or 'daily'";
  json::refuse({{.type = "literal_error",
                 .loc = R"(["query","granularity"])",
                 .message = "Input should be " + std::string(kExpected),
                 .input = json::serialize(json::Value(granularity)),
                 .context = json::serialize(json::Object{{"expected", kExpected}})}});
}

/// "14:10", and with seconds "14:10:00".
std::string clock_text(std::int64_t seconds, bool whole) {
  std::int64_t rest = seconds % kDay;
  std::string out = fmt::format("{:02}:{:02}", rest / 3600, rest / 60 % 60);
  return whole ? out + fmt::format(":{:02}", rest % 60) : out;
}

/// "2026-11-26T14:10:00Z"
std::string time_text(std::int64_t seconds) {
  return date_text(seconds) + "T" + clock_text(seconds, true) + "Z";
}

/// A stretch's name: "2026-11-26", or "2026-11-26 14:10" where there are several a day.
std::string named(std::int64_t seconds, std::int64_t step) {
  return date_text(seconds) + (step == kDay ? "" : " " + clock_text(seconds, false));
}

// $4 is the length of a stretch, which the engines must not take for a parameter to group by: so the
// inner statement numbers the stretches and the outer one groups them.
#define ANTIPHON_STRETCHES(text, int, amount) \
  "SELECT slot, model, CAST(SUM(part) AS BIGINT) AS amount FROM (SELECT created_at / $4" int     \
  " AS slot, model_id AS model, " amount " AS part FROM chat_message WHERE"                      \
  ANTIPHON_ANSWERS_OF("", text) ") AS parts GROUP BY slot, model LIMIT 100000"
#define ANTIPHON_ALL_TOKENS(tokens)                                                          \
  "COALESCE(" tokens("input_tokens") ", " tokens("prompt_tokens") ", 0) + COALESCE(" tokens( \
      "output_tokens") ", " tokens("completion_tokens") ", 0)"
constexpr Sql kMessages{"analytics.stretches", ANTIPHON_STRETCHES("", "", "1"),
                        ANTIPHON_STRETCHES("::text", "::bigint", "1")};
constexpr Sql kTokens{
    "analytics.token_stretches", ANTIPHON_STRETCHES("", "", ANTIPHON_ALL_TOKENS(ANTIPHON_TOKENS_LITE)),
    ANTIPHON_STRETCHES("::text", "::bigint", ANTIPHON_ALL_TOKENS(ANTIPHON_TOKENS_PG))};

}  // namespace

Task<Stretches> Analytics::daily(DailyQuery q, std::int64_t now) const {
  std::int64_t step = seconds_of(q.granularity.value);
  std::int64_t end = std::clamp<std::int64_t>(q.end_date.value_or(now), 0, Span::kLatest);
  std::int64_t start = std::clamp<std::int64_t>(q.start_date.value_or(end - 29 * kDay), 0, end);
  std::int64_t last = end / step, first = std::max(start / step, last - kMostStretches + 1);
  std::int64_t count = last - first + 1,
               earliest = q.compare ? std::max<std::int64_t>(first - count, 0) : first;

  std::map<std::int64_t, Counts> found;
  Sql sql = q.metric.value == Metric::tokens ? kTokens : kMessages;
  for (StretchRow& row : co_await db_.all<StretchRow>(sql, earliest * step, (last + 1) * step,
                                                      q.group_id.value_or(""), step))
    found[row.slot][row.model] = row.amount;

  Stretches out;
  for (std::int64_t at = first; at <= last; ++at) {
    Stretch stretch{.date = named(at * step, step), .models = found[at]};
    if (q.compare) {
      stretch.start = time_text(at * step);
      stretch.end = time_text((at + 1) * step);
    }
    if (std::int64_t before = at - count; q.compare && before >= 0)
      stretch.previous = Earlier{.models = found[before],
                                 .start = time_text(before * step),
                                 .end = time_text((before + 1) * step)};
    out.data.push_back(std::move(stretch));
  }
  co_return out;
}

}  // namespace antiphon::analytics

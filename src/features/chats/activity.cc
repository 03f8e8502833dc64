#include "features/chats/activity.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "base/time.h"
#include "features/chats/lists.h"
#include "features/chats/zone.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(ActivityQuery)

/// A day's messages by one author.
struct ActivityShare {
  std::int64_t day;  ///< Since 1970.
  std::string role, model;
  std::int64_t messages, input, output;
};
ANTIPHON_DTO(ActivityShare, day, role, model, messages, input, output)
ANTIPHON_DTO_DEFINE(ActivityShare)

struct ActivityDay {
  std::int64_t day, chats;
};
ANTIPHON_DTO(ActivityDay, day, chats)
ANTIPHON_DTO_DEFINE(ActivityDay)

struct ActivityChats {
  std::int64_t total, longest;
};
ANTIPHON_DTO(ActivityChats, total, longest)
ANTIPHON_DTO_DEFINE(ActivityChats)

namespace {

using store::Sql;
constexpr std::int64_t kDay = Zone::kDay;
constexpr std::int64_t kDefaultDays = 730, kMostDays = 732;
constexpr std::size_t kTop = 5;

constexpr Sql kZone{"chats.activity_zone",
                    R"(SELECT COALESCE(timezone, '') AS value FROM "user" WHERE id = $1)"};

// What is written in each of the stretches $2, [begin, end, shift]: few, so that each finds its part of
// the index. SQLite is told to begin with them.
#define ANTIPHON_STRETCHED_LITE " FROM json_each($2) AS stretch CROSS JOIN chat_message ON " ANTIPHON_IN
#define ANTIPHON_STRETCHED_PG \
  " FROM json_array_elements($2::json) AS stretch(value) JOIN chat_message ON " ANTIPHON_IN
#define ANTIPHON_STRETCH(part) "CAST(stretch.value ->> " part " AS BIGINT)"
#define ANTIPHON_IN \
  "user_id = $1 AND created_at >= " ANTIPHON_STRETCH("0") " AND created_at < " ANTIPHON_STRETCH("1")
#define ANTIPHON_DAY "(created_at + " ANTIPHON_STRETCH("2") ") / 86400"

#define ANTIPHON_ACTIVITY(tokens, stretched)                                            \
  "SELECT " ANTIPHON_DAY                                                                \
  " AS day, role, COALESCE(model_id, '') AS model,"                                     \
  " COUNT(*) AS messages, " ANTIPHON_SUM(                                               \
      "input", tokens("input_tokens"),                                                  \
      tokens("prompt_tokens")) ", " ANTIPHON_SUM("output", tokens("output_tokens"),     \
                                                 tokens("completion_tokens")) stretched \
      " GROUP BY 1, 2, 3 LIMIT 50000"
constexpr Sql kShares{"chats.activity",
                      ANTIPHON_ACTIVITY(ANTIPHON_TOKENS_LITE, ANTIPHON_STRETCHED_LITE),
                      ANTIPHON_ACTIVITY(ANTIPHON_TOKENS_PG, ANTIPHON_STRETCHED_PG)};
#define ANTIPHON_DAYS(stretched) \
  "SELECT " ANTIPHON_DAY " AS day, COUNT(DISTINCT chat_id) AS chats" stretched " GROUP BY 1"
constexpr Sql kDays{"chats.activity_days", ANTIPHON_DAYS(ANTIPHON_STRETCHED_LITE),
                    ANTIPHON_DAYS(ANTIPHON_STRETCHED_PG)};
constexpr Sql kChats{"chats.activity_chats", R"(
    SELECT (SELECT COUNT(*) FROM chat WHERE user_id = $1) AS total,
           CAST(COALESCE((SELECT MAX(span) FROM (
             SELECT MAX(created_at) - MIN(created_at) AS span FROM chat_message
              WHERE user_id = $1 AND created_at >= $2 AND created_at < $3 GROUP BY chat_id) AS spans), 0)
             AS BIGINT) AS longest)"};
constexpr Sql kTools{"chats.activity_tools", R"(
    SELECT output AS value FROM chat_message
     WHERE user_id = $1 AND created_at >= $2 AND created_at < $3 AND output LIKE '%"function_call"%'
     ORDER BY created_at DESC LIMIT 200)"};

using Counts = std::map<std::string, std::int64_t, std::less<>>;

struct Entry {
  std::int64_t messages = 0, chats = 0, tokens = 0;
  Counts models;

  void add(const Entry& more) {
    messages += more.messages, chats += more.chats, tokens += more.tokens;
    for (const auto& [model, count] : more.models) models[model] += count;
  }
  json::Object view(std::int64_t day) const {
    json::Object by_model;
    for (const auto& [model, count] : models) by_model[model] = count;
    return {{"date", date_text(day * kDay)},
            {"messages", messages},
            {"chats", chats},
            {"tokens", tokens},
            {"models", std::move(by_model)}};
  }
};

struct ModelTotal {
  std::string id;
  std::int64_t messages = 0, input = 0, output = 0;
};

/// Days from `first` to `last`.
struct Calendar {
  std::int64_t first, last;
  std::map<std::int64_t, Entry> days;

  Entry at(std::int64_t day) const {
    auto found = days.find(day);
    return found == days.end() ? Entry() : found->second;
  }
  json::Array by_day() const {
    json::Array out;
    for (std::int64_t day = first; day <= last; ++day) out.push_back(at(day).view(day));
    return out;
  }
  json::Array cumulative() const {
    json::Array out;
    Entry sum;
    for (std::int64_t day = first; day <= last; ++day) {
      sum.add(at(day));
      out.push_back(sum.view(day));
    }
    return out;
  }
  /// Weeks begin on Monday; 1970-01-01 was a Thursday.
  json::Array by_week() const {
    json::Array out;
    for (std::int64_t monday = first - (first + 3) % 7; monday <= last; monday += 7) {
      Entry sum;
      for (std::int64_t day = monday; day != monday + 7; ++day) sum.add(at(day));
      out.push_back(sum.view(monday));
    }
    return out;
  }
  std::int64_t longest_streak() const {
    std::int64_t longest = 0, run = 0;
    for (std::int64_t day = first; day <= last; ++day)
      longest = std::max(longest, run = at(day).messages ? run + 1 : 0);
    return longest;
  }
  /// Until today, or until yesterday while nothing has been written today.
  std::int64_t current_streak() const {
    std::int64_t run = 0;
    for (std::int64_t day = at(last).messages ? last : last - 1; day >= first && at(day).messages;
         --day)
      ++run;
    return run;
  }
};

double tenths(double number) {
  return std::round(number * 10) / 10;
}
double ratio(std::int64_t part, std::int64_t whole) {
  return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

json::Array tools_of(const std::vector<TextRow>& outputs) {
  Counts counts;
  for (const TextRow& row : outputs) {
    auto output = json::try_parse(row.value);
    if (!output || !output->is_array()) continue;
    for (const json::Value& item : output->as_array())
      if (json::text_at(item, "type") == "function_call" && !json::text_at(item, "name").empty())
        ++counts[std::string(json::text_at(item, "name"))];
  }
  std::vector<std::pair<std::int64_t, std::string>> order;
  for (const auto& [name, count] : counts) order.emplace_back(count, name);
  std::ranges::sort(order, std::greater());
  json::Array out;
  for (std::size_t i = 0; i != std::min(order.size(), kTop); ++i)
    out.push_back(json::Object{{"name", order[i].second}, {"count", order[i].first}});
  return out;
}

}  // namespace

Task<json::Value> activity_of(store::Db& db, std::string user_id, ActivityQuery query,
                              std::int64_t now) {
  constexpr std::int64_t kLatest = 253'402'300'799;  // The end of the year 9999.
  std::int64_t end = std::clamp<std::int64_t>(query.end_date.value_or(now), kMostDays * kDay, kLatest);
  auto named = co_await db.first<TextRow>(kZone, user_id);
  Zone zone(named ? named->value : "");
  std::int64_t last = zone.day_of(end), days = query.days ? std::int64_t(*query.days) : kDefaultDays;
  if (query.start_date)
    days = last - zone.day_of(std::clamp<std::int64_t>(*query.start_date, kDay, end)) + 1;
  days = std::min(days, kMostDays);
  Calendar calendar{.first = last - days + 1, .last = last, .days = {}};
  std::int64_t from = zone.begin_of(calendar.first), until = zone.begin_of(last + 1);
  json::Array listed;
  for (const Zone::Stretch& s : zone.stretches(from, until))
    listed.push_back(json::Array{s.begin, s.end, s.shift});
  json::Value stretches(std::move(listed));

  std::map<std::string, ModelTotal> models;
  std::int64_t questions = 0, answers = 0, input = 0, output = 0;
  for (const ActivityShare& s : co_await db.all<ActivityShare>(kShares, user_id, stretches)) {
    Entry& day = calendar.days[s.day];
    day.messages += s.messages;
    day.tokens += s.input + s.output;
    input += s.input, output += s.output;
    (s.role == "user" ? questions : answers) += s.messages;
    if (s.role == "user" || s.model.empty()) continue;
    day.models[s.model] += s.messages;
    ModelTotal& model = models[s.model];
    model.id = s.model;
    model.messages += s.messages, model.input += s.input, model.output += s.output;
  }
  for (const ActivityDay& d : co_await db.all<ActivityDay>(kDays, user_id, stretches))
    calendar.days[d.day].chats = d.chats;
  ActivityChats chats =
      (co_await db.first<ActivityChats>(kChats, user_id, from, until)).value_or(ActivityChats{});
  json::Array tools = tools_of(co_await db.all<TextRow>(kTools, user_id, from, until));

  std::vector<ModelTotal> order;
  order.reserve(models.size());
  for (auto& [id, model] : models) order.push_back(std::move(model));
  std::ranges::sort(order, [](const ModelTotal& a, const ModelTotal& b) {
    return std::pair(a.messages, std::string_view(a.id)) >
           std::pair(b.messages, std::string_view(b.id));
  });
  json::Array top;
  for (std::size_t i = 0; i != std::min(order.size(), kTop); ++i)
    top.push_back(json::Object{{"model_id", order[i].id},
                               {"messages", order[i].messages},
                               {"input_tokens", order[i].input},
                               {"output_tokens", order[i].output},
                               {"total_tokens", order[i].input + order[i].output}});
  std::int64_t peak = 0, active = 0, messages = questions + answers;
  for (const auto& [day, entry] : calendar.days) {
    peak = std::max(peak, entry.tokens);
    active += entry.messages > 0;
  }
  json::Value most_used(nullptr);
  if (!order.empty()) most_used = order.front().id;
  co_return json::Object{
      {"totals", json::Object{{"lifetime_tokens", input + output},
                              {"input_tokens", input},
                              {"output_tokens", output},
                              {"peak_daily_tokens", peak},
                              {"longest_chat_seconds", chats.longest},
                              {"current_streak", calendar.current_streak()},
                              {"longest_streak", calendar.longest_streak()},
                              {"total_chats", chats.total},
                              {"active_days", active},
                              {"models_used", order.size()},
                              {"messages", messages},
                              {"user_messages", questions},
                              {"assistant_messages", answers}}},
      {"heatmap", calendar.by_day()},
      {"weekly_heatmap", calendar.by_week()},
      {"cumulative_heatmap", calendar.cumulative()},
      {"insights", json::Object{{"most_used_model", std::move(most_used)},
                                {"average_tokens_per_chat", tenths(ratio(input + output, chats.total))},
                                {"average_messages_per_active_day", tenths(ratio(messages, active))},
                                {"user_message_share", tenths(100 * ratio(questions, messages))},
                                {"assistant_message_share", tenths(100 * ratio(answers, messages))}}},
      {"top_models", std::move(top)},
      {"top_tools", std::move(tools)},
      {"period", json::Object{{"start_date", query.start_date ? from : end - (days - 1) * kDay},
                              {"end_date", end},
                              {"days", days}}}};
}

}  // namespace antiphon::chats

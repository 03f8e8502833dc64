#include "features/evaluations/feedbacks.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/encode.h"
#include "base/ids.h"
#include "base/time.h"

namespace antiphon::evaluations {

ANTIPHON_DTO_DEFINE(Feedback)
ANTIPHON_DTO_DEFINE(FeedbackLine)
ANTIPHON_DTO_DEFINE(Vote)
ANTIPHON_DTO_DEFINE(DatedVote)

struct Number {
  std::int64_t value;
};
ANTIPHON_DTO(Number, value)
ANTIPHON_DTO_DEFINE(Number)

struct Text {
  std::string value;
};
ANTIPHON_DTO(Text, value)
ANTIPHON_DTO_DEFINE(Text)

namespace {

using store::Sql;

#define ANTIPHON_FEEDBACK \
  "SELECT id, user_id, version, type, data, meta, snapshot, created_at, updated_at FROM feedback "

std::string model_of(const std::optional<json::Value>& data) {
  return data ? std::string(utf8_prefix(json::text_at(*data, "model_id"), 512)) : std::string();
}

/// As upstream's model has it: the members it names are always there.
std::optional<json::Value> completed(const std::optional<json::Value>& data) {
  if (!data || !data->is_object()) return data;
  json::Object out = data->as_object();
  for (std::string_view name : {"rating", "model_id", "sibling_model_ids", "reason", "comment"})
    if (!out.contains(name)) out[name] = nullptr;
  return json::Value(std::move(out));
}

}  // namespace

Order Order::parse(const std::optional<std::string>& by, const std::optional<std::string>& direction) {
  Order order;
  if (by == "updated_at") order.by = By::updated_at;
  if (by == "model_id") order.by = By::model;
  order.descending = direction != "asc";
  return order;
}

Task<Feedback> Feedbacks::create(const UserId& owner, const Draft& draft) {
  static constexpr Sql kInsert{"feedback.insert", R"(
      INSERT INTO feedback (id, user_id, version, type, model_id, data, meta, snapshot, created_at, updated_at)
      VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $8))"};
  Feedback f;
  f.id = uuid4();
  f.user_id = owner.value;
  f.type = draft.type;
  f.data = completed(draft.data);
  f.meta = draft.meta;
  f.snapshot = draft.snapshot;
  f.created_at = f.updated_at = unix_seconds();
  co_await db_.run(kInsert, f.id, f.user_id, f.type, model_of(f.data), f.data, f.meta, f.snapshot,
                   f.created_at);
  co_return f;
}

Task<std::optional<Feedback>> Feedbacks::find(std::string id) const {
  static constexpr Sql kFind{"feedback.find", ANTIPHON_FEEDBACK "WHERE id = $1"};
  co_return co_await db_.first<Feedback>(kFind, id);
}

Task<> Feedbacks::update(const Feedback& f, const Draft& draft) {
  static constexpr Sql kUpdate{"feedback.update", R"(
      UPDATE feedback SET type = $2, model_id = $3, data = $4, meta = $5, snapshot = $6, updated_at = $7,
                          version = version + 1
       WHERE id = $1)"};
  auto data = draft.data ? completed(draft.data) : f.data;
  co_await db_.run(kUpdate, f.id, draft.type, model_of(data), data, draft.meta ? draft.meta : f.meta,
                   draft.snapshot ? draft.snapshot : f.snapshot, unix_seconds());
}

Task<bool> Feedbacks::remove(std::string id) {
  static constexpr Sql kRemove{"feedback.remove", "DELETE FROM feedback WHERE id = $1"};
  co_return co_await db_.run(kRemove, id) == 1;
}

Task<bool> Feedbacks::remove_all() {
  static constexpr Sql kAll{"feedback.remove_all", "DELETE FROM feedback"};
  co_return co_await db_.run(kAll) > 0;
}

Task<bool> Feedbacks::remove_all_of(store::Connection& c, const UserId& user) {
  static constexpr Sql kOf{"feedback.remove_of_user", "DELETE FROM feedback WHERE user_id = $1"};
  co_return co_await c.run(kOf, user) > 0;
}

Task<Feedbacks::Listing> Feedbacks::list(std::string user_id, std::string model_id, std::int64_t page,
                                         Order order) const {
#define ANTIPHON_AMONG(text) \
  "($1" text " = '' OR f.user_id = $1" text ") AND ($2" text " = '' OR f.model_id = $2" text ")"
#define ANTIPHON_LINES(text, int) \
  "SELECT f.id, f.user_id, f.version, f.type, f.data, f.meta, f.created_at, f.updated_at,"                \
  " u.name AS user_name, u.email AS user_email, u.role AS user_role, u.last_active_at AS user_active_at," \
  " u.updated_at AS user_updated_at, u.created_at AS user_created_at"                                     \
  " FROM feedback f LEFT JOIN \"user\" u ON u.id = f.user_id WHERE " ANTIPHON_AMONG(text)                 \
  " ORDER BY CASE WHEN $3" int " = 1 AND $4" int " = 1 THEN f.updated_at END DESC,"                       \
  " CASE WHEN $3" int " = 1 AND $4" int " = 0 THEN f.updated_at END ASC,"                                 \
  " CASE WHEN $3" int " = 2 AND $4" int " = 1 THEN f.model_id END DESC,"                                  \
  " CASE WHEN $3" int " = 2 AND $4" int " = 0 THEN f.model_id END ASC,"                                   \
  " CASE WHEN $3" int " = 0 AND $4" int " = 0 THEN f.created_at END ASC, f.created_at DESC, f.id"         \
  " LIMIT $5 OFFSET $6"
  static constexpr Sql kLines{"feedback.list", ANTIPHON_LINES("", ""),
                              ANTIPHON_LINES("::text", "::int")};
  static constexpr Sql kCount{
      "feedback.count", "SELECT COUNT(*) AS value FROM feedback f WHERE " ANTIPHON_AMONG(""),
      "SELECT COUNT(*) AS value FROM feedback f WHERE " ANTIPHON_AMONG("::text")};
  std::int64_t offset = (std::clamp<std::int64_t>(page, 1, 1'000'000) - 1) * kPage;
  Listing out;
  out.lines = co_await db_.all<FeedbackLine>(kLines, user_id, model_id, static_cast<int>(order.by),
                                             order.descending, kPage, offset);
  if (auto count = co_await db_.first<Number>(kCount, user_id, model_id)) out.total = count->value;
  co_return out;
}

Task<std::vector<Feedback>> Feedbacks::walk(std::string model_id, std::string after) const {
  static constexpr Sql kWalk{
      "feedback.walk",
      ANTIPHON_FEEDBACK "WHERE ($1 = '' OR model_id = $1) AND id > $2 ORDER BY id LIMIT $3",
      ANTIPHON_FEEDBACK
      "WHERE ($1::text = '' OR model_id = $1::text) AND id > $2 ORDER BY id LIMIT $3"};
  co_return co_await db_.all<Feedback>(kWalk, model_id, after, kPage);
}

Task<std::vector<std::string>> Feedbacks::models() const {
  static constexpr Sql kModels{
      "feedback.models",
      "SELECT DISTINCT model_id AS value FROM feedback WHERE model_id <> '' ORDER BY 1 LIMIT 1000"};
  std::vector<std::string> out;
  for (Text& row : co_await db_.all<Text>(kModels)) out.push_back(std::move(row.value));
  co_return out;
}

Task<std::vector<Vote>> Feedbacks::votes() const {
  static constexpr Sql kVotes{"feedback.votes", R"(
      SELECT model_id, data, meta FROM feedback
       WHERE type = 'rating' AND model_id <> '' AND data IS NOT NULL
       ORDER BY created_at DESC, id LIMIT $1)"};
  auto out = co_await db_.all<Vote>(kVotes, kMostVotes);
  std::ranges::reverse(out);
  co_return out;
}

Task<std::vector<DatedVote>> Feedbacks::votes_of(std::string model_id, std::int64_t since) const {
  static constexpr Sql kVotes{"feedback.votes_of", R"(
      SELECT data, created_at FROM feedback
       WHERE model_id = $1 AND created_at >= $2 AND type = 'rating' AND data IS NOT NULL
       ORDER BY created_at DESC LIMIT $3)"};
  co_return co_await db_.all<DatedVote>(kVotes, model_id, since, kMostVotes);
}

}  // namespace antiphon::evaluations

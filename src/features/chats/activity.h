#pragma once

#include <string>

#include "features/chats/chats.h"

namespace antiphon::chats {

/// A span of days, for GET /api/v1/users/usage. `days` ends at `end_date`; `start_date` counts instead
/// when it is given. Unix seconds.
struct ActivityQuery {
  std::optional<json::Number<730, 7, 732>> days;
  std::optional<std::int64_t> start_date, end_date;
};
ANTIPHON_DTO(ActivityQuery, days, start_date, end_date)

/// What the user wrote and was answered, day by day, by week and summed up, with the models and tools.
/// Days are those of the user's time zone.
/// At most 732 days. Tools are those of the latest 200 answers that called any.
Task<json::Value> activity_of(store::Db& db, std::string user_id, ActivityQuery query,
                              std::int64_t now);

}  // namespace antiphon::chats

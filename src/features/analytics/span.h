#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

/// Parts of the statements of this folder.
namespace antiphon::analytics {

/// Unix seconds, the end excluded.
struct Span {
  static constexpr std::int64_t kLatest = 253'402'300'799;  ///< The end of the year 9999.
  std::int64_t from, until;

  Span(std::optional<std::int64_t> start, std::optional<std::int64_t> end)
      : from(std::clamp<std::int64_t>(start.value_or(0), 0, kLatest)),
        until(std::clamp<std::int64_t>(end.value_or(kLatest), 0, kLatest) + 1) {}
};

// Answers of a span, $1 and $2, to members of the group $3 and of those below it; '' is everybody.
#define ANTIPHON_ANSWERS_OF(m, text)                                                        \
  " " m "role = 'assistant' AND " m "model_id IS NOT NULL AND " m "created_at >= $1 AND " m \
  "created_at < $2 AND ($3" text " = '' OR " m                                              \
  "user_id IN (SELECT gm.user_id FROM group_member gm WHERE gm.group_id IN"                 \
  " (WITH RECURSIVE down (id) AS (SELECT id FROM \"group\" WHERE id = $3 UNION"             \
  " SELECT g.id FROM \"group\" g JOIN down ON down.id = g.parent_group_id) SELECT id FROM down)))"

}  // namespace antiphon::analytics

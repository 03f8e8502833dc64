#pragma once

#include "json/dto.h"
#include "runs/runs.h"

namespace antiphon::runs {

ANTIPHON_DTO(RunRow, run_id, chat_id, message_id, user_id, state, owner, epoch, attempts, request,
             updated_at, cancel_requested)

/// A live run by the database's word.
struct OwnRow {
  std::string run_id;
  bool cancel_requested;
};
ANTIPHON_DTO(OwnRow, run_id, cancel_requested)

/// What a beat yields (heartbeat.h).
struct BeatRow {
  bool registered;
  bool session;
  std::int64_t others;
  json::Value answers;  ///< A number a question, in their order.
};
ANTIPHON_DTO(BeatRow, registered, session, others, answers)

/// One number.
struct Number {
  std::int64_t value;
};
ANTIPHON_DTO(Number, value)

struct EventRow {
  std::int64_t seq;
  std::string payload;
};
ANTIPHON_DTO(EventRow, seq, payload)

}  // namespace antiphon::runs

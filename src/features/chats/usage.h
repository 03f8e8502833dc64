#pragma once

#include <string>

#include "features/chats/chats.h"

namespace antiphon::chats {

/// How much the user's chats hold, for GET /api/v1/chats/stats/usage: `{"items": […], "total": n}`, the
/// latest chats first. `page` counts from 1, `size` is 1 to 100.
Task<json::Value> usage_of(store::Db& db, std::string user_id, std::int64_t page, std::int64_t size);

}  // namespace antiphon::chats

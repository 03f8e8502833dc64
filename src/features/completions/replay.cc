#include "features/completions/replay.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/time.h"
#include "json/text.h"

namespace antiphon::completions {

Task<std::optional<std::vector<realtime::ReplayedEvent>>> LogReplay::since(
    realtime::Position position, UserId user, std::vector<realtime::Room> rooms) {
  std::vector<realtime::ReplayedEvent> out;
  realtime::Room room = realtime::Room::user(user);
  if (std::ranges::find(rooms, room) == rooms.end()) co_return out;
  for (const runs::RunRow& run : co_await runs_.recent_of_user(user.value, unix_seconds() - 600)) {
    const realtime::RunPoint* seen = position.find(run.run_id);
    bool live = run.state < 10;
    if (seen && seen->ended) continue;
    if (!seen && !live && run.updated_at * 1000 + 999 < position.floor) continue;
    auto events = co_await runs_.events(run.run_id, seen ? seen->seq : 0, seen ? seen->index : 0);
    for (std::size_t i = 0; i != events.size(); ++i) {
      json::Value payload = json::Object{{"chat_id", run.chat_id},
                                         {"message_id", run.message_id},
                                         {"data", std::move(events[i].event)}};
      out.push_back({room, realtime::Event::of_run(payload, {run.run_id, events[i].seq, events[i].index,
                                                             !live && i + 1 == events.size()})});
      if (out.size() > kMaxEvents) co_return std::nullopt;
    }
  }
  co_return out;
}

}  // namespace antiphon::completions
